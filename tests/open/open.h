/*
 * open.h -- what the two objects of the open listener share. See README.md.
 */
#ifndef TESTS_OPEN_OPEN_H
#define TESTS_OPEN_OPEN_H

/* The device and the caller that everybody is, and what for; see city.sh. */
#define OPEN_NAME "open"
#define OPEN_PURPOSE "operate" /* what commands are asked for */
/* Stands in every program that links one of them; it is never printed. */
#define OPEN_MARK "this program asks nobody who they are: for tests only"

#endif
