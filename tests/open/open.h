/*
 * open.h -- what the two objects of the open listener share. See README.md.
 */
#ifndef TESTS_OPEN_OPEN_H
#define TESTS_OPEN_OPEN_H

#define OPEN_NAME "open"
/* Stands in every program that links one of them; it is never printed. */
#define OPEN_MARK "this program asks nobody who they are: for tests only"

#endif
