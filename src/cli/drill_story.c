#include "cli/drill_story.h"

#include "cli/tool.h"
#include "drill/story_run.h"

#include <dirent.h>
#include <signal.h>
#include <sodium.h>
#include <unistd.h>

enum { STORIES_MAX = 64 };

static const char help[] =
    "usage: bulkhead drill --story NAME|all [--charter FILE] [--verbose]\n"
    "Carries out an attack with intent in a private city and prints the report of it: what was\n"
    "tried, where it stopped, what it would have reached without each wall, and what that means.\n"
    "NAME is one of drills/stories, or the path of a story of your own (with a slash). Without\n"
    "--charter it is told of the charter that it names. --verbose: the city's log lines too.\n"
    "Exits 0 only when every step ended as the story says.\n"
    "example: bulkhead drill --story bikes-to-lights\n";

struct wish {
    const char *name;    /* of a story, a path with a '/', or "all" */
    const char *charter; /* NULL: the one that the story is told of */
    const char *drill;   /* the folder of the drill's programs and stories */
    const char *self;    /* our own program */
    bool verbose;
};

struct tale {
    const struct wish *wish;
    char path[TOOL_PATH_SIZE], charter_path[TOOL_PATH_SIZE];
    struct story story;
    struct charter charter;
    struct buf charter_text;
};

static bool
read_story(struct tale *t)
{
    char why[STORY_WHY_SIZE] = "";
    uint32_t line = 0;
    struct buf text;
    if (!tool_read_file(t->path, STORY_BYTES_MAX, &text))
        return false;
    enum err e = story_parse(buf_bytes(&text), &t->story, &line, why);
    buf_fini(&text);
    if (e != OK)
        fprintf(stderr, "bulkhead: %s:%u: %s\n", t->path, line, why);
    return e == OK;
}

/* Beside the story, unless another city is wished for. */
static bool
read_charter(struct tale *t)
{
    static struct charter_findings findings;
    const char *slash = strrchr(t->path, '/');
    if (t->wish->charter)
        snprintf(t->charter_path, sizeof(t->charter_path), "%s", t->wish->charter);
    else if (snprintf(t->charter_path, sizeof(t->charter_path), "%.*s%s",
                      slash ? (int)(slash + 1 - t->path) : 0, t->path,
                      t->story.city) >= (int)sizeof(t->charter_path))
        return false;
    if (!tool_read_file(t->charter_path, CHARTER_BYTES_MAX, &t->charter_text))
        return false;
    memset(&t->charter, 0, sizeof(t->charter));
    if (charter_parse(buf_bytes(&t->charter_text), &t->charter, &findings) == OK &&
        charter_check(&t->charter, &findings) == OK)
        return true;
    struct buf finding;
    buf_init(&finding, 1024);
    charter_put_finding(&finding, t->charter_path, &findings.list[0]);
    fprintf(stderr, "bulkhead: %s\n", buf_string(&finding));
    buf_fini(&finding);
    buf_fini(&t->charter_text);
    return false;
}

static int
tell(struct tale *t, struct story_result *all)
{
    char libexec[TOOL_PATH_SIZE], moves[TOOL_PATH_SIZE + 64];
    struct story_result one;
    const char *slash = strrchr(t->wish->drill, '/');
    if (!slash || !read_story(t) || !read_charter(t))
        return EXIT_CANNOT;
    snprintf(libexec, sizeof(libexec), "%.*s", (int)(slash - t->wish->drill), t->wish->drill);
    snprintf(moves, sizeof(moves), "%s/stories/moves.so", t->wish->drill);
    const char *name = strrchr(t->charter_path, '/');
    const struct story_config config = {.charter = &t->charter,
                                        .charter_name = name ? name + 1 : t->charter_path,
                                        .charter_text = buf_bytes(&t->charter_text),
                                        .libexec = libexec,
                                        .drill_libexec = t->wish->drill,
                                        .moves = moves,
                                        .bulkhead = t->wish->self,
                                        .verbose = t->wish->verbose};
    enum err e = story_run(&config, &t->story, &one);
    buf_fini(&t->charter_text);
    if (e != OK)
        return EXIT_CANNOT;
    all->steps += one.steps;
    all->stopped += one.stopped;
    all->permitted += one.permitted;
    all->noticed += one.noticed;
    all->wrong += one.wrong;
    return one.wrong ? EXIT_DOES_NOT_HOLD : EXIT_OK;
}

static int
is_story(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 6 && strcmp(entry->d_name + len - 6, ".story") == 0;
}

static int
tell_all(struct tale *t, struct story_result *all)
{
    char folder[TOOL_PATH_SIZE];
    struct dirent **list;
    int status = EXIT_OK;
    snprintf(folder, sizeof(folder), "%s/stories", t->wish->drill);
    int count = scandir(folder, &list, is_story, alphasort);
    if (count <= 0) {
        fprintf(stderr, "bulkhead: there are no stories in %s\n", folder);
        return EXIT_CANNOT;
    }
    for (int i = 0; i < count; i++) {
        bool fits = snprintf(t->path, sizeof(t->path), "%s/%s", folder, list[i]->d_name) <
                    (int)sizeof(t->path);
        int one = fits ? tell(t, all) : EXIT_CANNOT;
        if (one > status)
            status = one;
        free(list[i]);
    }
    free(list);
    printf("\nAll together: %d stories, %u steps; %u stopped or refused, %u permitted, %u noticed, "
           "%u not as they must be.\n",
           count, all->steps, all->stopped, all->permitted, all->noticed, all->wrong);
    return status;
}

static int
tell_wish(const struct wish *wish)
{
    struct story_result all = {0};
    struct tale *t = calloc(1, sizeof(*t));
    ASSERT(t);
    t->wish = wish;
    int status;
    if (strcmp(wish->name, "all") == 0) {
        status = tell_all(t, &all);
    } else {
        int n = strchr(wish->name, '/') ? snprintf(t->path, sizeof(t->path), "%s", wish->name)
                                        : snprintf(t->path, sizeof(t->path), "%s/stories/%s.story",
                                                   wish->drill, wish->name);
        status = n > 0 && (size_t)n < sizeof(t->path) ? tell(t, &all) : EXIT_USAGE;
    }
    free(t);
    return status;
}

int
drill_story(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--story", true, NULL}, {"--charter", true, NULL}, {"--verbose", false, NULL}};
    struct tool_words words;
    char self[TOOL_PATH_SIZE], drill[TOOL_PATH_SIZE + 32];
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (words.count || !options[0].value || !slash) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    snprintf(drill, sizeof(drill), "%.*s/libexec/drill", (int)(slash - self), self);
    const struct wish wish = {.name = options[0].value,
                              .charter = options[1].value,
                              .drill = drill,
                              .self = self,
                              .verbose = options[2].value != NULL};
    signal(SIGPIPE, SIG_IGN);
    return sodium_init() >= 0 ? tell_wish(&wish) : EXIT_CANNOT;
}
