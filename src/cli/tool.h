/*
 * tool.h -- what the commands share: options, the charter in force, the supervisor's socket.
 *
 * Exit status of every command: 0 all well, 1 the thing checked does not hold, 2 wrong usage,
 * 3 cannot run here (and says what is missing).
 */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "base/buf.h"
#include "charter/charter.h"
#include "wire/channel.h"

enum { EXIT_OK = 0, EXIT_DOES_NOT_HOLD = 1, EXIT_USAGE = 2, EXIT_CANNOT = 3 };
enum { TOOL_OPTIONS_MAX = 16, TOOL_WORDS_MAX = 16, TOOL_PATH_SIZE = 600 };

/* "--name VALUE" (takes_value) or "--name". */
struct tool_option {
    const char *name;
    bool takes_value;
    const char *value; /* set by tool_parse(): the value, "" for a plain one, NULL when absent */
};
struct tool_words {
    const char *list[TOOL_WORDS_MAX];
    size_t count;
};

/*
 * Sort argv[1..] into options and words. False (after a sentence) on an unknown option or a missing
 * value. "--help" prints `help` and exits 0.
 */
bool tool_parse(int argc, char **argv, struct tool_option *options, size_t options_count,
                struct tool_words *out_words, const char *help) MUST_USE;
const char *tool_option(const struct tool_option *options, size_t count, const char *name);

/* The charter in force, STATE/charter, parsed; NULL after a sentence. The caller frees it. */
struct charter *tool_charter(const char *state);

/* Connect to STATE/control.sock; blocking, 10 s time-out. -1 after a sentence. */
int tool_connect(const char *state, const char *socket_name);

/* One frame to the supervisor, which answers with event_recorded when it is done and durable. */
enum tool_answer { TOOL_DONE, TOOL_REFUSED /* and why was said */, TOOL_SILENCE, TOOL_ABSENT };
enum tool_answer tool_ask_supervisor(const char *state, uint16_t id, struct bytes body) MUST_USE;

/* Write a policy event into the city's log and wait until it is durable. False after a sentence. */
bool tool_record_event(const char *state, struct bytes entry) MUST_USE;

/* A file of at most max bytes as a new buffer; false after a sentence. */
bool tool_read_file(const char *path, size_t max, struct buf *out) MUST_USE;

/* The folder of the programs, beside our own: .../bulkhead -> .../libexec. */
bool tool_libexec(char *to, size_t size) MUST_USE;

#endif
