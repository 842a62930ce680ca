#include "cli/tool.h"

#include "programs/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

bool
tool_parse(int argc, char **argv, struct tool_option *options, size_t options_count,
           struct tool_words *out_words, const char *help)
{
    *out_words = (struct tool_words){.count = 0};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        struct tool_option *found = NULL;
        if (strcmp(word, "--help") == 0) {
            fputs(help, stdout);
            exit(EXIT_OK);
        }
        for (size_t k = 0; k < options_count; k++)
            if (strcmp(word, options[k].name) == 0)
                found = &options[k];
        if (!found && word[0] == '-' && word[1]) {
            fprintf(stderr, "bulkhead: unknown option %s\n%s", word, help);
            return false;
        }
        if (!found) {
            if (out_words->count == TOOL_WORDS_MAX)
                return false;
            out_words->list[out_words->count++] = word;
            continue;
        }
        if (found->takes_value && i + 1 == argc) {
            fprintf(stderr, "bulkhead: %s wants a value\n", word);
            return false;
        }
        found->value = found->takes_value ? argv[++i] : "";
    }
    return true;
}

const char *
tool_option(const struct tool_option *options, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].name, name) == 0)
            return options[i].value;
    ASSERT(false && "an option that the command declared");
    return NULL;
}

bool
tool_read_file(const char *path, size_t max, struct buf *out)
{
    buf_init(out, max + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *room = fd >= 0 ? buf_room(out, max + 1) : NULL;
    ssize_t n = room ? read(fd, room, max + 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n < 0 || (size_t)n > max) {
        fprintf(stderr, "bulkhead: cannot read %s: %s\n", path,
                n < 0 ? strerror(errno) : "it is too large");
        buf_fini(out);
        return false;
    }
    buf_filled(out, (size_t)n);
    return true;
}

bool
tool_libexec(char *to, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", to, size - 16);
    if (n <= 0)
        return false;
    to[n] = '\0';
    char *slash = strrchr(to, '/');
    if (!slash)
        return false;
    memcpy(slash + 1, "libexec", sizeof("libexec"));
    return true;
}

struct charter *
tool_charter(const char *state)
{
    static struct charter_findings findings;
    char path[TOOL_PATH_SIZE];
    struct buf text;
    snprintf(path, sizeof(path), "%s/charter", state);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "bulkhead: %s: no city was ever up there\n", state);
        return NULL;
    }
    if (!tool_read_file(path, CHARTER_BYTES_MAX, &text))
        return NULL;
    struct charter *c = calloc(1, sizeof(*c));
    ASSERT(c);
    if (charter_parse(buf_bytes(&text), c, &findings) != OK) {
        fprintf(stderr, "bulkhead: %s does not parse any more\n", path);
        free(c);
        c = NULL;
    }
    buf_fini(&text);
    return c;
}

int
tool_connect(const char *state, const char *socket_name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", state, socket_name);
    if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
        fprintf(stderr, "bulkhead: the path of the state directory is too long: %s\n", state);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        fprintf(stderr, "bulkhead: no city is running on %s (%s: %s)\n", state, socket_name,
                strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

struct event_answer {
    bool done;
    bool durable;
};

static enum err
on_event_answer(void *ctx, uint16_t id, struct bytes body)
{
    struct event_answer *answer = ctx;
    struct event_recorded m;
    if (id != event_recorded_id || event_recorded_decode(body, &m) != OK)
        return ERR_MALFORMED;
    answer->done = true;
    answer->durable = m.durable != 0;
    if (!m.durable)
        fprintf(stderr, "bulkhead: %.*s\n", BYTES_PRINTF(m.why));
    return OK;
}

enum tool_answer
tool_ask_supervisor(const char *state, uint16_t id, struct bytes body)
{
    struct event_answer answer = {0};
    struct channel c;
    int fd = tool_connect(state, "control.sock");
    if (fd < 0)
        return TOOL_ABSENT;
    channel_init(&c, fd);
    enum err e = channel_send(&c, id, body);
    if (e == OK)
        e = channel_flush(&c);
    while (e == OK && !answer.done)
        e = channel_receive(&c, on_event_answer, &answer);
    channel_fini(&c);
    return !answer.done ? TOOL_SILENCE : answer.durable ? TOOL_DONE : TOOL_REFUSED;
}

bool
tool_record_event(const char *state, struct bytes entry)
{
    struct event_ask m = {.entry = entry};
    struct buf body;
    buf_init(&body, CHANNEL_FRAME_MAX);
    event_ask_encode(&m, &body);
    enum tool_answer answer = tool_ask_supervisor(state, event_ask_id, buf_bytes(&body));
    buf_fini(&body);
    if (answer == TOOL_SILENCE)
        fprintf(stderr, "bulkhead: the ledger does not answer: nothing was done\n");
    return answer == TOOL_DONE;
}
