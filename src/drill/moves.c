#include "drill/moves.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TOOL_WAIT_MS = 20000, TOOL_WORDS_MAX = 24 };

const struct move *
move_find(const char *name)
{
    const struct move *const tables[] = {moves_device, moves_people, moves_city, moves_covert};
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++)
        for (const struct move *m = tables[t]; m->name; m++)
            if (strcmp(m->name, name) == 0)
                return m;
    return NULL;
}

struct outcome
move_answer(enum attempt_answer answer, const char *format, ...)
{
    struct outcome o = {.answer = answer};
    va_list ap;
    va_start(ap, format);
    vsnprintf(o.said, sizeof(o.said), format, ap);
    va_end(ap);
    for (char *p = o.said; *p; p++) /* words from outside steer no terminal */
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    return o;
}

const char *
move_word(const struct story_move *m, const char *key, const char *otherwise)
{
    const char *value = story_arg(m, key);
    return value ? value : otherwise;
}

long
move_number(const struct story_move *m, const char *key, long otherwise)
{
    const char *value = story_arg(m, key);
    return value ? strtol(value, NULL, 10) : otherwise;
}

static void
identity(const struct stage *s, const char *folder, const char *name, struct client_identity *out)
{
    char directory[CLIENT_PATH_SIZE - 16];
    int n = snprintf(directory, sizeof(directory), "%s/%s/%s", range_state(s->range), folder, name);
    ASSERT(n > 0 && (size_t)n < sizeof(directory));
    client_identity_in(directory, out);
}

void
stage_device(const struct stage *s, const char *name, struct client_identity *out)
{
    identity(s, "field", name, out);
}

void
stage_caller(const struct stage *s, const char *name, struct client_identity *out)
{
    identity(s, "callers", name, out);
}

uint32_t
stage_stream(const struct stage *s, const char *device)
{
    for (uint32_t i = 0; i < s->streams_count; i++)
        if (strcmp(s->streams[i].device, device) == 0)
            return s->streams[i].stream;
    return 0;
}

/* ---- our own program ------------------------------------------------------------------------- */

static void __attribute__((noreturn))
be_tool(const struct stage *s, const char *const words[], int out_fd)
{
    char *argv[TOOL_WORDS_MAX + 2] = {(char *)(uintptr_t)s->bulkhead};
    for (size_t i = 0; i < TOOL_WORDS_MAX && words[i]; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    if (dup2(out_fd, 1) < 0 || dup2(out_fd, 2) < 0)
        _exit(121);
    execv(s->bulkhead, argv);
    _exit(122);
}

/* Reads until the end, and lets the city run on meanwhile. */
static bool
read_all(struct stage *s, int fd, struct buf *out)
{
    char bytes[4096];
    for (int waited_ms = 0; waited_ms < TOOL_WAIT_MS; waited_ms += 20) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        range_turn(s->range, 0);
        while (poll(&p, 1, 20) > 0) {
            ssize_t n = read(fd, bytes, sizeof(bytes));
            if (n <= 0)
                return n == 0;
            buf_put(out, bytes_of(bytes, (size_t)n));
        }
    }
    return false;
}

int
stage_tool(struct stage *s, const char *const words[], struct buf *out)
{
    int fds[2], status = -1;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        be_tool(s, words, fds[1]);
    close(fds[1]);
    bool ended = pid > 0 && read_all(s, fds[0], out);
    close(fds[0]);
    if (pid > 0 && !ended)
        kill(pid, SIGKILL);
    if (pid > 0 && waitpid(pid, &status, 0) != pid)
        status = -1;
    return ended && buf_error(out) == OK && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return good;
}

bool
stage_token(struct stage *s, const char *caller, const char *zone, const char *purpose,
            const char *seconds, const char *approve, char text[static STAGE_TOKEN_SIZE])
{
    char path[STAGE_PATH_SIZE + 16];
    struct buf out;
    snprintf(path, sizeof(path), "%s/approve", s->work);
    if (approve && !write_file(path, approve))
        return false;
    const char *const words[] = {"token",
                                 "--state",
                                 range_state(s->range),
                                 "--as",
                                 caller,
                                 "--zone",
                                 zone,
                                 "--purpose",
                                 purpose,
                                 "--seconds",
                                 seconds ? seconds : "900",
                                 approve ? "--approve-file" : NULL,
                                 path,
                                 NULL};
    buf_init(&out, 8192);
    int status = stage_tool(s, words, &out);
    const char *said = out.len ? buf_string(&out) : "";
    snprintf(text, STAGE_TOKEN_SIZE, "%.*s", (int)strcspn(said, "\n"), said);
    buf_fini(&out);
    return status == 0;
}

/* "CALLER:ZONE:PURPOSE" */
static bool
expand_token(struct stage *s, const char *value, char *to, size_t size)
{
    char words[3][STORY_NAME_SIZE] = {"", "", ""}, token[STAGE_TOKEN_SIZE];
    if (sscanf(value, "%99[^:]:%99[^:]:%99s", words[0], words[1], words[2]) != 3 ||
        !stage_token(s, words[0], words[1], words[2], NULL, NULL, token))
        return false;
    return (size_t)snprintf(to, size, "%s", token) < size;
}

bool
stage_expand(struct stage *s, const char *value, char *to, size_t size)
{
    static const char mqtts[] = "@mqtts:", https[] = "@https:", pid[] = "@pid:",
                      state[] = "@state:", token[] = "@token:", stream[] = "@stream:";
    struct bytes v = bytes_text(value);
    int n;
    if (bytes_start(v, mqtts))
        n = snprintf(to, size, "%u", range_port(s->range, value + sizeof(mqtts) - 1, false));
    else if (bytes_start(v, https))
        n = snprintf(to, size, "%u", range_port(s->range, value + sizeof(https) - 1, true));
    else if (bytes_start(v, pid))
        n = snprintf(to, size, "%d", (int)range_pid(s->range, value + sizeof(pid) - 1));
    else if (bytes_start(v, state))
        n = snprintf(to, size, "%s/%s", range_state(s->range), value + sizeof(state) - 1);
    else if (bytes_start(v, stream))
        n = snprintf(to, size, "%u", stage_stream(s, value + sizeof(stream) - 1));
    else if (bytes_start(v, token))
        return expand_token(s, value + sizeof(token) - 1, to, size);
    else
        n = snprintf(to, size, "%s", value);
    return n > 0 && (size_t)n < size;
}
