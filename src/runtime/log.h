/*
 * log.h -- one line per event on standard error: event=NAME key=value ...
 *
 * Called at the edge only: in handlers and main. Lines carry no personal data: ids, not names of
 * people. Text from outside goes through log_quote(). A line is at most LOG_LINE_MAX bytes.
 */
#ifndef RUNTIME_LOG_H
#define RUNTIME_LOG_H

#include "base/base.h"
#include "base/buf.h"

enum { LOG_LINE_MAX = 1000 };

/* Who speaks: "core" and "bikes"; put in front of every line. Copied. */
void log_name(const char *kind, const char *zone);

void log_event(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);

/* A static copy of the text, quoted, without control characters, cut at 200 bytes. One call a line.
 */
const char *log_quote(struct bytes text);

#endif
