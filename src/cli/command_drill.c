/* command_drill.c -- bulkhead drill: attacks on ourselves, that must fail. */
#include "cli/commands.h"

#include "cli/drill_matrix.h"
#include "cli/drill_story.h"
#include "cli/tool.h"
#include "base/random.h"
#include "drill/runner.h"
#include "runtime/sandbox.h"

#include <signal.h>
#include <sodium.h>
#include <unistd.h>

static const char help[] =
    "usage: bulkhead drill --charter FILE [--zone ZONE|all] [--payload FILE.so]\n"
    "                      [--only seccomp|namespaces|landlock|uid|limits] [--without WALL]\n"
    "                      [--sweep] [--sample N] [--seed N] [--quiet] [--json]\n"
    "       bulkhead drill --charter FILE --matrix [--json]\n"
    "Runs every attempt in a freshly confined process of every compartment and exits 0 only when\n"
    "none escaped. --payload brings your own attempts (drills/payload.h). --only builds one wall\n"
    "alone, --without leaves one out (a word of `bulkhead status`, or dumpable, descriptors, "
    "...),\n"
    "to see what it is worth: then escapes are expected and the exit status is 0. --sweep calls\n"
    "every system-call number through every gate, in one compartment of each kind. --sample tries\n"
    "about N attempts a compartment, chosen by a seed that is printed; --seed repeats one.\n"
    "--matrix breaches each compartment of a running copy of the city in turn, and prints what it\n"
    "could do to each other one; exits 1 where that differs from `bulkhead check --matrix`.\n"
    "drill --story NAME|all [--charter FILE] carries out an attack with intent and reports it.\n"
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

static bool
wall_of(const char *word, uint32_t *out)
{
    *out = 0;
    for (int wall = 0; word && wall < WALL_COUNT; wall++)
        if (strcmp(sandbox_wall_text((enum sandbox_wall)wall), word) == 0)
            *out = 1U << wall;
    return !word || *out;
}

static bool
number_of(const char *word, uint64_t *out)
{
    char *end = NULL;
    if (word)
        *out = strtoull(word, &end, 0);
    return !word || (*word && *end == '\0');
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
    bool expected = config->layer != LAYER_ALL || config->without || r->escaped == 0;
    return expected && r->control_seen && r->failed == 0 && r->compartments ? EXIT_OK
                                                                            : EXIT_DOES_NOT_HOLD;
}

/* The words after the command, as a configuration; false: wrong usage. */
static bool
take_options(const struct tool_option *options, struct drill_config *c)
{
    uint64_t sample = 0;
    struct random_source random = random_system();
    *c = (struct drill_config){.payload = options[2].value,
                               .json = options[4].value != NULL,
                               .quiet = options[5].value != NULL,
                               .once_per_program = options[7].value != NULL,
                               .progress = isatty(2) != 0};
    random_fill(&random, &c->seed, sizeof(c->seed));
    c->seed >>= 32; /* a number that a person can type */
    if (!options[0].value || !layer_of(options[3].value, &c->layer) ||
        !wall_of(options[6].value, &c->without) || !number_of(options[8].value, &sample) ||
        !number_of(options[9].value, &c->seed) || sample > UINT32_MAX)
        return false;
    if (c->without && c->layer != LAYER_ALL)
        return false;
    c->sample = (uint32_t)sample;
    if (options[1].value && strcmp(options[1].value, "all") != 0)
        c->zone = options[1].value;
    return true;
}

int
command_drill(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--charter", true, NULL}, {"--zone", true, NULL},   {"--payload", true, NULL},
        {"--only", true, NULL},    {"--json", false, NULL},  {"--quiet", false, NULL},
        {"--without", true, NULL}, {"--sweep", false, NULL}, {"--sample", true, NULL},
        {"--seed", true, NULL},    {"--matrix", false, NULL}};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--story") == 0)
            return drill_story(argc, argv);
    struct tool_words words;
    struct drill_config config;
    char libexec[TOOL_PATH_SIZE], own[TOOL_PATH_SIZE], sweep[TOOL_PATH_SIZE];
    char production[TOOL_PATH_SIZE];
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    if (words.count || sodium_init() < 0 || !take_options(options, &config)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    config.charter = read_charter(options[0].value);
    if (!config.charter)
        return EXIT_DOES_NOT_HOLD;
    if (!beside("libexec", production, sizeof(production)) ||
        !beside("libexec/drill", libexec, sizeof(libexec)) ||
        !beside("libexec/drill/attempts.so", own, sizeof(own)) ||
        !beside("libexec/drill/sweep.so", sweep, sizeof(sweep)))
        return EXIT_CANNOT;
    if (access(libexec, X_OK) != 0) {
        fprintf(stderr, "bulkhead: the drill's programs are missing: %s\n", libexec);
        return EXIT_CANNOT;
    }
    if (options[10].value)
        return drill_matrix(config.charter, production, libexec, config.json, config.progress);
    config.libexec = libexec;
    config.control = own;
    if (!config.payload)
        config.payload = config.once_per_program ? sweep : own;
    if (config.sample)
        fprintf(stderr, "drill: seed %llu\n", (unsigned long long)config.seed);
    struct drill_result result;
    if (drill_run(&config, &result) != OK)
        return EXIT_CANNOT;
    return report(&config, &result);
}
