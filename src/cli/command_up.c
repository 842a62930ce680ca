/* command_up.c -- bulkhead up: make what is missing, then become the supervisor. */
#include "cli/commands.h"

#include "authority/city_keys.h"
#include "cli/tool.h"
#include "programs/policy.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "usage: bulkhead up --charter FILE --state DIR [--libexec DIR]\n"
    "Runs the city of a signed charter in the foreground; prints `ready` when every process is\n"
    "confined and serving. Ends in order on SIGTERM or Ctrl-C. Makes the city's keys at the first\n"
    "start. DIR/signers.pub must hold the public keys of the charter's signers.\n"
    "example: bulkhead up --charter charters/demo.charter --state run/demo\n";

/* The charter holds, and the city has its keys; else the reason was said. */
static bool
ready(const char *charter_path, const char *state)
{
    struct charter *c = calloc(1, sizeof(*c));
    struct buf text;
    char why[400] = "";
    ASSERT(c);
    bool ok = sodium_init() >= 0 && policy_load(charter_path, state, c, &text);
    if (ok) {
        buf_fini(&text);
        ok = city_keys_make(c, state, why, sizeof(why)) == OK;
        if (!ok)
            fprintf(stderr, "bulkhead: %s\n", why);
    }
    free(c);
    return ok;
}

int
command_up(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--charter", true, NULL}, {"--state", true, NULL}, {"--libexec", true, NULL}};
    struct tool_words words;
    char libexec[TOOL_PATH_SIZE], program[TOOL_PATH_SIZE + 32];
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    char *charter_path = (char *)(uintptr_t)options[0].value;
    char *state = (char *)(uintptr_t)options[1].value;
    if (!charter_path || !state || words.count) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (options[2].value)
        snprintf(libexec, sizeof(libexec), "%s", options[2].value);
    else if (!tool_libexec(libexec, sizeof(libexec)))
        return EXIT_CANNOT;
    umask(077);
    if (!ready(charter_path, state))
        return EXIT_DOES_NOT_HOLD;
    snprintf(program, sizeof(program), "%s/bulkhead-supervisor", libexec);
    char *const arguments[] = {program, charter_path, state, libexec, NULL};
    execv(program, arguments);
    fprintf(stderr, "bulkhead: cannot run %s: %s\n", program, strerror(errno));
    return EXIT_CANNOT;
}
