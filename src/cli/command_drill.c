/* command_drill.c -- bulkhead drill: attacks on ourselves, that must fail. */
#include "cli/commands.h"

#include "cli/tool.h"
#include "drill/runner.h"

#include <signal.h>
#include <sodium.h>
#include <unistd.h>

static const char help[] =
    "usage: bulkhead drill --charter FILE [--zone ZONE|all] [--payload FILE.so]\n"
    "                      [--only seccomp|namespaces|landlock|uid|limits] [--quiet] [--json]\n"
    "Runs every attempt in a freshly confined process of every compartment and exits 0 only when\n"
    "none escaped. --payload brings your own attempts (drills/payload.h). --only builds one wall\n"
    "alone, to see what it is worth: then escapes are expected and the exit status is 0.\n"
    "example: bulkhead drill --charter charters/demo.charter --zone bikes\n";

static bool
layer_of(const char *word, enum drill_layer *out)
{
    static const struct {
        const char *word;
        enum drill_layer layer;
    } rows[] = {{"seccomp", LAYER_SECCOMP},
                {"namespaces", LAYER_NAMESPACES},
                {"landlock", LAYER_LANDLOCK},
                {"uid", LAYER_UID},
                {"limits", LAYER_LIMITS}};
    *out = LAYER_ALL;
    for (size_t i = 0; word && i < ARRAY_COUNT(rows); i++)
        if (strcmp(rows[i].word, word) == 0)
            *out = rows[i].layer;
    return !word || *out != LAYER_ALL;
}

/* Beside our own program: .../bulkhead -> .../libexec/drill. */
static bool
beside(const char *what, char *to, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", to, size - 1);
    if (n <= 0)
        return false;
    to[n] = '\0';
    char *slash = strrchr(to, '/');
    if (!slash || (size_t)(slash + 1 - to) + strlen(what) >= size)
        return false;
    memcpy(slash + 1, what, strlen(what) + 1);
    return true;
}

static struct charter *
read_charter(const char *path)
{
    static struct charter_findings findings;
    struct buf text, line;
    if (!tool_read_file(path, CHARTER_BYTES_MAX, &text))
        return NULL;
    struct charter *c = calloc(1, sizeof(*c));
    ASSERT(c);
    if (charter_parse(buf_bytes(&text), c, &findings) != OK || charter_check(c, &findings) != OK) {
        buf_init(&line, 1024);
        charter_put_finding(&line, path, &findings.list[0]);
        fprintf(stderr, "bulkhead: %s\n", buf_string(&line));
        buf_fini(&line);
        free(c);
        c = NULL;
    }
    buf_fini(&text);
    return c;
}

static int
report(const struct drill_config *config, const struct drill_result *r)
{
    if (config->json)
        printf("{\"attempts\":%u,\"compartments\":%u,\"runs\":%u,\"escaped\":%u,\"refused\":%u,"
               "\"skipped\":%u,\"failed\":%u,\"control\":%s}\n",
               r->attempts, r->compartments, r->runs, r->escaped, r->refused, r->skipped, r->failed,
               r->control_seen ? "true" : "false");
    else
        printf("drill: %u attempts, %u compartments, %u escaped\n", r->attempts, r->compartments,
               r->escaped);
    if (!r->control_seen)
        fprintf(stderr, "bulkhead: the control attempt was not seen to escape: this drill proves "
                        "nothing\n");
    if (r->failed)
        fprintf(stderr, "bulkhead: %u runs gave no answer or did not start\n", r->failed);
    bool expected = config->layer != LAYER_ALL || r->escaped == 0;
    return expected && r->control_seen && r->failed == 0 && r->compartments ? EXIT_OK
                                                                            : EXIT_DOES_NOT_HOLD;
}

int
command_drill(int argc, char **argv)
{
    struct tool_option options[] = {{"--charter", true, NULL}, {"--zone", true, NULL},
                                    {"--payload", true, NULL}, {"--only", true, NULL},
                                    {"--json", false, NULL},   {"--quiet", false, NULL}};
    struct tool_words words;
    char libexec[TOOL_PATH_SIZE], own[TOOL_PATH_SIZE];
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    struct drill_config config = {.payload = options[2].value,
                                  .json = options[4].value != NULL,
                                  .quiet = options[5].value != NULL,
                                  .progress = isatty(2) != 0};
    if (!options[0].value || words.count || !layer_of(options[3].value, &config.layer)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (options[1].value && strcmp(options[1].value, "all") != 0)
        config.zone = options[1].value;
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    config.charter = read_charter(options[0].value);
    if (!config.charter)
        return EXIT_DOES_NOT_HOLD;
    if (sodium_init() < 0 || !beside("libexec/drill", libexec, sizeof(libexec)) ||
        !beside("libexec/drill/attempts.so", own, sizeof(own)))
        return EXIT_CANNOT;
    if (access(libexec, X_OK) != 0) {
        fprintf(stderr, "bulkhead: the drill's programs are missing: %s\n", libexec);
        return EXIT_CANNOT;
    }
    config.libexec = libexec;
    config.control = own;
    if (!config.payload)
        config.payload = own;
    struct drill_result result;
    if (drill_run(&config, &result) != OK)
        return EXIT_CANNOT;
    return report(&config, &result);
}
