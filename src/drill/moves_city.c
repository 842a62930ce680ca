/* moves_city.c -- stolen copies, edited logs, cut cables, programs that stop. */
#include "drill/moves.h"

#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"
#include "base/text.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 256 * 1024 * 1024, COPY_CHUNK = 1 << 16, STATUS_SIZE = 4096 };

/* ---- copies ---------------------------------------------------------------------------------- */

static bool
copy_file(const char *from, const char *to, off_t size)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    static char chunk[COPY_CHUNK];
    ssize_t n = in >= 0 && out >= 0 ? 1 : -1;
    off_t at = 0;
    /* A journal is mostly zeros that were never written: holes stay holes. */
    while (n > 0 && at < size && (at = lseek(in, at, SEEK_DATA)) >= 0) {
        n = pread(in, chunk, sizeof(chunk), at);
        if (n > 0 && pwrite(out, chunk, (size_t)n, at) != n)
            n = -1;
        at += n > 0 ? n : 0;
    }
    bool good = n >= 0 && ftruncate(out, size) == 0;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return good;
}

static struct {
    const char *from, *to;
    bool good;
} copying; /* nftw() has no context */

static int
copy_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    char to[2 * STAGE_PATH_SIZE];
    (void)ftw;
    snprintf(to, sizeof(to), "%s%s", copying.to, path + strlen(copying.from));
    if (kind == FTW_D)
        copying.good = copying.good && (mkdir(to, 0700) == 0 || errno == EEXIST);
    else if (S_ISREG(st->st_mode))
        copying.good = copying.good && copy_file(path, to, st->st_size);
    return copying.good ? 0 : 1;
}

static bool
copy_tree(const char *from, const char *to)
{
    copying.from = from;
    copying.to = to;
    copying.good = true;
    return nftw(from, copy_one, 16, FTW_PHYS) == 0 && copying.good;
}

static struct outcome
run_steal(struct stage *s, const struct story_move *m)
{
    char from[STAGE_PATH_SIZE + 16], to[STAGE_PATH_SIZE + 120];
    snprintf(from, sizeof(from), "%s/zones", range_state(s->range));
    snprintf(to, sizeof(to), "%s/%s", s->work, move_word(m, "name", "stolen"));
    if (!copy_tree(from, to))
        return move_answer(ANSWER_FAILED, "the copy could not be made: %s", strerror(errno));
    return move_answer(ANSWER_ESCAPED, "a copy of every zone's files");
}

/* ---- looking into them ----------------------------------------------------------------------- */

static struct {
    struct bytes word;
    unsigned files, found;
    uint64_t bytes;
} searching;

static int
search_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if (kind != FTW_F || st->st_size == 0 || st->st_size > FILE_MAX_BYTES)
        return 0;
    uint8_t *bytes = malloc((size_t)st->st_size);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = bytes && fd >= 0 ? read(fd, bytes, (size_t)st->st_size) : -1;
    if (n > 0) {
        searching.files++;
        searching.bytes += (uint64_t)n;
        searching.found += memmem(bytes, (size_t)n, searching.word.p, searching.word.len) != NULL;
    }
    if (fd >= 0)
        close(fd);
    free(bytes);
    return 0;
}

/* word=: is it anywhere in the stolen files? */
static struct outcome
run_search(struct stage *s, const struct story_move *m)
{
    char where[STAGE_PATH_SIZE + 120];
    const char *word = move_word(m, "word", "");
    snprintf(where, sizeof(where), "%s/%s", s->work, move_word(m, "in", "stolen"));
    searching.word = bytes_text(word);
    searching.files = searching.found = 0;
    searching.bytes = 0;
    if (nftw(where, search_one, 16, FTW_PHYS) != 0 || searching.files == 0)
        return move_answer(ANSWER_FAILED, "there is nothing to search");
    return move_answer(searching.found ? ANSWER_ESCAPED : ANSWER_REFUSED,
                       "\"%s\" stands in %u of %u files, %llu MiB", word, searching.found,
                       searching.files, (unsigned long long)searching.bytes >> 20);
}

static bool
read_key(const struct stage *s, const char *zone, uint8_t key[static 32])
{
    char path[STAGE_PATH_SIZE + 120];
    snprintf(path, sizeof(path), "%s/keys/store-%s.key", range_state(s->range), zone);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && read(fd, key, 32) == 32;
    if (fd >= 0)
        close(fd);
    return good;
}

static uint64_t
count_rows(struct store *store)
{
    uint64_t rows = 0;
    for (uint32_t stream = 1; stream < 1000; stream++) {
        struct store_span span;
        if (store_span(store, stream, &span) == OK)
            rows += span.count;
    }
    return rows;
}

/* zone= key=ZONE|guess: opens the stolen store with that zone's key, or with a guess. */
static struct outcome
run_open_store(struct stage *s, const struct story_move *m)
{
    char path[STAGE_PATH_SIZE + 240], scratch[STAGE_PATH_SIZE + 16];
    const char *zone = move_word(m, "zone", ""), *key = move_word(m, "key", "guess");
    struct store_config config = {.disk_bytes = 4ULL << 30,
                                  .clock = clock_system(),
                                  .random = random_system(),
                                  .disk = disk_system()};
    struct store *store = NULL;
    struct random_source random = random_system();
    snprintf(config.zone, sizeof(config.zone), "%s", zone);
    random_fill(&random, config.master_key, sizeof(config.master_key));
    if (strcmp(key, "guess") != 0 && !read_key(s, key, config.master_key))
        return move_answer(ANSWER_FAILED, "there is no key of zone %s", key);
    /* Opening may change a store: each time a copy of the copy. */
    snprintf(path, sizeof(path), "%s/%s/%s/store", s->work, move_word(m, "in", "stolen"), zone);
    snprintf(scratch, sizeof(scratch), "%s/scratch", s->work);
    if (!copy_tree(path, scratch))
        return move_answer(ANSWER_FAILED, "there is no stolen store of zone %s", zone);
    config.directory_fd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = config.directory_fd >= 0 ? store_open(&config, &store) : ERR_IO;
    struct outcome o = e == OK ? move_answer(ANSWER_ESCAPED, "opened: %llu observations",
                                             (unsigned long long)count_rows(store))
                               : move_answer(ANSWER_REFUSED, "not opened: %s", err_text(e));
    if (e == OK)
        store_close(store);
    if (config.directory_fd >= 0)
        close(config.directory_fd);
    return o;
}

/* zone=: puts the stolen, older store back in the place of today's, and starts the core on it. */
static struct outcome
run_roll_back(struct stage *s, const struct story_move *m)
{
    char from[STAGE_PATH_SIZE + 240], to[STAGE_PATH_SIZE + 120], core[STORY_NAME_SIZE + 8];
    const char *zone = move_word(m, "zone", "");
    snprintf(from, sizeof(from), "%s/%s/%s/store", s->work, move_word(m, "in", "stolen"), zone);
    snprintf(to, sizeof(to), "%s/zones/%s/store", range_state(s->range), zone);
    snprintf(core, sizeof(core), "%s/core", zone);
    range_stop(s->range, core);
    if (!copy_tree(from, to) || range_restart(s->range, core) != OK)
        return move_answer(ANSWER_FAILED, "the old store could not be put back");
    range_turn(s->range, 500);
    return move_answer(ANSWER_ESCAPED, "the core runs on the older store");
}

/* ---- the log --------------------------------------------------------------------------------- */

/* Where the last entry ends: a log's file may be longer than what was written. */
static off_t
written_size(int fd)
{
    struct stat st;
    uint8_t byte = 0;
    off_t end = fstat(fd, &st) == 0 ? st.st_size : 0;
    while (end > 0 && pread(fd, &byte, 1, end - 1) == 1 && byte == 0)
        end--;
    return end;
}

static bool
spoil(const char *how, const char *entries)
{
    uint8_t byte = 0;
    int fd = open(entries, O_RDWR | O_CLOEXEC);
    off_t size = fd >= 0 ? written_size(fd) : 0;
    bool good = size > 64;
    if (good && strcmp(how, "truncate") == 0)
        good = ftruncate(fd, size / 2) == 0;
    else if (good)
        good = pread(fd, &byte, 1, 40) == 1 && (byte ^= 1, pwrite(fd, &byte, 1, 40) == 1);
    if (fd >= 0)
        close(fd);
    return good;
}

/* The line that says what does not hold. */
static void
take_fault(struct buf *out, char *to, size_t size)
{
    const char *text = out->len ? buf_string(out) : "";
    const char *at = strstr(text, "DOES NOT HOLD");
    if (!at)
        at = text;
    snprintf(to, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* Verifies the city's log as anybody can; edit=flip|truncate zone=: a copy of it, changed;
 * patience=MS: again and again, until something does not hold. */
static struct outcome
run_verify(struct stage *s, const struct story_move *m)
{
    char copy[STAGE_PATH_SIZE + 16], path[STAGE_PATH_SIZE + 160], from[STAGE_PATH_SIZE + 16];
    char why[400];
    const char *edit = story_arg(m, "edit");
    struct buf out;
    snprintf(copy, sizeof(copy), "%s/edited", s->work);
    for (int i = 0; edit && i < 2; i++) {
        snprintf(from, sizeof(from), "%s/%s", range_state(s->range), i ? "keys" : "ledger");
        snprintf(path, sizeof(path), "%s/%s", copy, i ? "keys" : "ledger");
        if ((mkdir(copy, 0700) != 0 && errno != EEXIST) || !copy_tree(from, path))
            return move_answer(ANSWER_FAILED, "the log could not be copied");
    }
    snprintf(path, sizeof(path), "%s/ledger/%s/entries", copy, move_word(m, "zone", "city"));
    if (edit && !spoil(edit, path))
        return move_answer(ANSWER_FAILED, "the copy could not be changed");
    const char *const words[] = {"log", "verify", "--state", edit ? copy : range_state(s->range),
                                 NULL};
    /* What was just written is under a signature a moment later. */
    int status = 0;
    for (long left_ms = move_number(m, "patience", 0); status == 0 && left_ms >= 0;
         left_ms -= 250) {
        range_turn(s->range, 250);
        buf_init(&out, CLIENT_ANSWER_MAX);
        status = stage_tool(s, words, &out);
        take_fault(&out, why, sizeof(why));
        buf_fini(&out);
    }
    return status == 0 ? move_answer(ANSWER_ESCAPED, "every log holds")
                       : move_answer(ANSWER_REFUSED, "%s", why);
}

/* ---- programs that stop, and what they count ------------------------------------------------- */

static struct outcome
run_stop(struct stage *s, const struct story_move *m)
{
    range_stop(s->range, move_word(m, "compartment", ""));
    range_turn(s->range, (uint32_t)move_number(m, "wait", 200));
    return move_answer(ANSWER_ESCAPED, "%s does not run", move_word(m, "compartment", ""));
}

static struct outcome
run_start(struct stage *s, const struct story_move *m)
{
    if (range_restart(s->range, move_word(m, "compartment", "")) != OK)
        return move_answer(ANSWER_FAILED, "it does not start");
    range_turn(s->range, (uint32_t)move_number(m, "wait", 200));
    return move_answer(ANSWER_ESCAPED, "%s runs again", move_word(m, "compartment", ""));
}

/* zone= reason=: as `bulkhead cut` has it done (words joined by _) */
static struct outcome
run_cut(struct stage *s, const struct story_move *m)
{
    char reason[STORY_VALUE_SIZE];
    const char *zone = move_word(m, "zone", "");
    bool cut = strcmp(m->name, "cut") == 0;
    snprintf(reason, sizeof(reason), "%s", move_word(m, "reason", "a_breach"));
    for (char *p = reason; *p; p++)
        if (*p == '_')
            *p = ' ';
    if (range_cut(s->range, zone, cut, reason) != OK)
        return move_answer(ANSWER_FAILED, "zone %s cannot be cut off", zone);
    range_turn(s->range, 100);
    if (cut)
        return move_answer(ANSWER_ESCAPED, "%s is an island: %s", zone, reason);
    return move_answer(ANSWER_ESCAPED, "%s is joined again", zone);
}

/* compartment= counter= least=: waits until the heartbeat says so, 3 s at most. */
static struct outcome
run_counter(struct stage *s, const struct story_move *m)
{
    const char *compartment = move_word(m, "compartment", ""), *name = move_word(m, "counter", "");
    uint64_t least = (uint64_t)move_number(m, "least", 1), now = 0;
    for (int i = 0; i < 30; i++) {
        now = strcmp(name, "complaints") == 0 ? range_complaints(s->range, compartment)
                                              : range_counter(s->range, compartment, name);
        if (now >= least)
            break;
        range_turn(s->range, 100);
    }
    return move_answer(now >= least ? ANSWER_REFUSED : ANSWER_ESCAPED, "%s counts %s: %llu",
                       compartment, name, (unsigned long long)now);
}

/* ---- a real field program -------------------------------------------------------------------- */

static pid_t field_pid; /* one at a time */

static void
field_program(const struct stage *s, char *to, size_t size)
{
    const char *slash = strrchr(s->bulkhead, '/');
    snprintf(to, size, "%.*s/field/water", (int)(slash ? slash - s->bulkhead : 0), s->bulkhead);
}

static struct outcome
run_field_start(struct stage *s, const struct story_move *m)
{
    char program[STAGE_PATH_SIZE + 32], devices[STAGE_PATH_SIZE + 16], status[STAGE_PATH_SIZE + 16];
    char mqtts[40], https[40];
    const char *zone = move_word(m, "zone", "water");
    field_program(s, program, sizeof(program));
    snprintf(devices, sizeof(devices), "%s/field", range_state(s->range));
    snprintf(status, sizeof(status), "%s/field.status", s->work);
    snprintf(mqtts, sizeof(mqtts), "127.0.0.1:%u", range_port(s->range, zone, false));
    snprintf(https, sizeof(https), "127.0.0.1:%u", range_port(s->range, zone, true));
    char *const argv[] = {program,
                          (char *)(uintptr_t) "--devices",
                          devices,
                          (char *)(uintptr_t) "--mqtts",
                          mqtts,
                          (char *)(uintptr_t) "--https",
                          https,
                          (char *)(uintptr_t) "--status",
                          status,
                          (char *)(uintptr_t) "--tanks",
                          (char *)(uintptr_t) "1",
                          NULL};
    if (access(program, X_OK) != 0)
        return move_answer(ANSWER_SKIPPED, "the field programs are not built");
    field_pid = fork();
    if (field_pid == 0) {
        int null_fd = open("/dev/null", O_WRONLY);
        if (dup2(null_fd, 2) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            _exit(121);
        execv(program, argv);
        _exit(122);
    }
    range_turn(s->range, (uint32_t)move_number(m, "wait", 4000));
    return move_answer(field_pid > 0 ? ANSWER_ESCAPED : ANSWER_FAILED, "a tank and its pump run");
}

static long
field_value(const struct stage *s, const char *key)
{
    char path[STAGE_PATH_SIZE + 16], line[200];
    long value = -1;
    size_t len = strlen(key);
    snprintf(path, sizeof(path), "%s/field.status", s->work);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, len) == 0 && line[len] == '=')
            value = strtol(line + len + 1, NULL, 10);
    if (f)
        fclose(f);
    return value;
}

/* key= least=|most=: of the field program's own status; waits wait= ms at most for it. */
static struct outcome
run_field(struct stage *s, const struct story_move *m)
{
    const char *key = move_word(m, "key", "published");
    long least = move_number(m, "least", 0), most = move_number(m, "most", 1000000000), now = -1;
    for (long waited = 0; waited < move_number(m, "wait", 8000); waited += 200) {
        now = field_value(s, key);
        if (now >= least && now <= most)
            return move_answer(ANSWER_ESCAPED, "%s is %ld", key, now);
        range_turn(s->range, 200);
    }
    return move_answer(ANSWER_REFUSED, "%s is %ld", key, now);
}

void
moves_end(struct stage *s)
{
    if (field_pid <= 0)
        return;
    kill(field_pid, SIGTERM);
    for (int i = 0; i < 100 && field_pid > 0; i++) {
        if (waitpid(field_pid, NULL, WNOHANG) == field_pid)
            field_pid = 0;
        else
            range_turn(s->range, 100);
    }
    if (field_pid > 0) {
        kill(field_pid, SIGKILL);
        waitpid(field_pid, NULL, 0);
        field_pid = 0;
    }
}

/* Ends it in order; what it was told is what nothing-lost asks for. */
static struct outcome
run_field_end(struct stage *s, const struct story_move *m)
{
    (void)m;
    if (field_pid <= 0)
        return move_answer(ANSWER_SKIPPED, "it does not run");
    moves_end(s);
    range_turn(s->range, 700);
    long told = field_value(s, "acknowledged");
    s->taken = told > 0 ? (uint64_t)told : 0;
    return move_answer(ANSWER_ESCAPED, "it was told that %ld observations are kept", told);
}

/* zone= as= purpose=: as many observations are there as devices were told are kept? */
static struct outcome
run_nothing_lost(struct stage *s, const struct story_move *m)
{
    const char *zone = move_word(m, "zone", "");
    char token[STAGE_TOKEN_SIZE], why[CLIENT_WHY_SIZE] = "";
    struct client_identity who;
    struct client *c = NULL;
    struct buf out;
    int status = 0;
    if (!stage_token(s, move_word(m, "as", ""), zone, move_word(m, "purpose", "operate"), NULL,
                     NULL, token))
        return move_answer(ANSWER_FAILED, "%s", token);
    struct client_request r = {
        .method = "GET", .target = "/v1.1/Observations?$count=true&$top=1", .token = token};
    stage_caller(s, move_word(m, "as", ""), &who);
    who.wait_ms = STAGE_PATIENCE_MS;
    buf_init(&out, CLIENT_ANSWER_MAX);
    enum err e = client_open(&who, range_port(s->range, zone, true), &c, why);
    if (e == OK)
        e = client_ask(c, &r, &status, &out);
    client_close(c);
    const char *at = e == OK && out.len ? strstr(buf_string(&out), "\"@iot.count\":") : NULL;
    uint64_t stored = at ? strtoull(at + 13, NULL, 10) : 0;
    buf_fini(&out);
    return move_answer(at && stored >= s->taken ? ANSWER_ESCAPED : ANSWER_REFUSED,
                       "%llu were acknowledged, %llu are stored", (unsigned long long)s->taken,
                       (unsigned long long)stored);
}

const struct move moves_city[] = {
    {"steal", run_steal, "name=: copies the files of every zone"},
    {"search", run_search, "word= in=: looks for a word in the stolen files"},
    {"open-store", run_open_store, "zone= key=ZONE|guess: opens a stolen store"},
    {"roll-back", run_roll_back, "zone= in=: puts an older store in the place of today's"},
    {"verify", run_verify,
     "edit=flip|truncate zone= patience=MS: verifies the logs, or a changed copy"},
    {"stop", run_stop, "compartment=: it does not run any more"},
    {"start", run_start, "compartment=: it runs again"},
    {"cut", run_cut, "zone= reason=: the zone becomes an island"},
    {"rejoin", run_cut, "zone=: it is joined to the city again"},
    {"counter", run_counter, "compartment= counter= least=: what a program counted"},
    {"field-start", run_field_start, "zone=: a tank and its pump, as a device"},
    {"field", run_field, "key= least= most= wait=: what the field program says of itself"},
    {"field-end", run_field_end, "the field program ends in order"},
    {"nothing-lost", run_nothing_lost, "zone= as=: what was acknowledged is stored"},
    {0},
};
