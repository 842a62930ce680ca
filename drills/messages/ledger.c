/*
 * ledger.c -- breached processes at the ledger: in each log stands exactly what was acknowledged on
 * that log's channels, in the order in which it was acknowledged.
 */
#include "drills/messages/play.h"

#include "programs/ledger/ledger.c"

#include <sys/mman.h>
#include <unistd.h>

enum { CHANNELS = 3, LOGS = 2, EPISODE = 4000, ENTRIES_MAX = EPISODE + 16 };

extern const struct field_row ledger_rows[];
static const char *const log_names[LOGS] = {"city", "bikes"};
static const size_t log_of[CHANNELS] = {0, 0, 1};
static struct start *given;
static struct ledger *ledger;
static struct channel ours[CHANNELS];
static int entries_fd[LOGS];

/* What we sent on a channel and was not answered yet, in order. */
struct sent {
    uint64_t ref;
    uint8_t digest[32];
};
static struct sent waiting[CHANNELS][LOG_BATCH_ENTRIES_MAX + 8];
static size_t waiting_count[CHANNELS];
/* What was acknowledged, by its place in the log. */
static uint8_t kept[LOGS][ENTRIES_MAX][32];
static size_t kept_count[LOGS];
static unsigned steps;

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static char text[64];
    (void)message;
    if (strcmp(field, "ref") == 0) {
        out->number = 1 + maker_random(m, 50);
    } else if (strcmp(field, "entry") == 0) {
        int n = snprintf(text, sizeof(text), "{\"n\":%llu}",
                         (unsigned long long)maker_random(m, 1000000));
        out->bytes = bytes_of(text, (size_t)n);
    } else {
        return false;
    }
    return true;
}

static void
give(enum start_fd_role role, const char *name, int fd)
{
    CHECK(fd >= 0);
    struct start_fd *row = &given->fds[given->fds_count++];
    row->role = role;
    row->fd = fd;
    snprintf(row->name, sizeof(row->name), "%s", name);
}

static void
give_log(size_t log)
{
    static const enum start_fd_role roles[] = {FD_LOG_ENTRIES, FD_LOG_OFFSETS, FD_LOG_HASHES,
                                               FD_LOG_CHECKPOINT};
    struct start_key *key = start_key_new(given);
    uint8_t public_key[32], seed[32] = {3};
    for (size_t i = 0; i < ARRAY_COUNT(roles); i++)
        give(roles[i], log_names[log], memfd_create(log_names[log], MFD_CLOEXEC));
    entries_fd[log] = start_fd(given, FD_LOG_ENTRIES, log_names[log]);
    CHECK(key && crypto_sign_seed_keypair(public_key, key->key, seed) == 0);
    key->role = KEY_LEDGER_SECRET;
    key->len = 64;
    snprintf(key->name, sizeof(key->name), "city.example/%s", log_names[log]);
}

static void
begin_ledger(void)
{
    CHECK(sodium_init() >= 0);
    given = calloc(1, sizeof(*given));
    ledger = calloc(1, sizeof(*ledger));
    CHECK(given && ledger);
    snprintf(given->origin, sizeof(given->origin), "city.example");
    for (size_t i = 0; i < LOGS; i++)
        give_log(i);
    for (size_t i = 0; i < CHANNELS; i++) {
        int fds[2];
        CHECK_OK(channel_pair(fds));
        give(FD_LEDGER, log_names[log_of[i]], fds[1]);
        channel_init(&ours[i], fds[0]);
    }
    CHECK_OK(ledger_open(ledger, given));
    CHECK(ledger->channels_count == CHANNELS);
    memset(waiting_count, 0, sizeof(waiting_count));
    memset(kept_count, 0, sizeof(kept_count));
    steps = 0;
}

/* The entries file holds exactly what was acknowledged: length (2 bytes), entry, in order. */
static void
look_at_log(size_t log)
{
    uint64_t at = 0;
    static uint8_t entry[65536];
    HOLDS(log_size(&ledger->logs[log].log) == kept_count[log]);
    for (size_t i = 0; i < kept_count[log]; i++) {
        uint8_t head[2], digest[32];
        HOLDS(pread(entries_fd[log], head, 2, (off_t)at) == 2);
        size_t len = (size_t)head[0] << 8 | head[1];
        HOLDS(len <= sizeof(entry) &&
              pread(entries_fd[log], entry, len, (off_t)at + 2) == (ssize_t)len);
        crypto_hash_sha256(digest, entry, len);
        HOLDS(memcmp(digest, kept[log][i], 32) == 0);
        at += 2 + len;
    }
}

static void
end_ledger(void)
{
    for (size_t i = 0; i < LOGS; i++)
        look_at_log(i);
    for (size_t i = 0; i < CHANNELS; i++) {
        channel_fini(&ours[i]);
        channel_fini(&ledger->channels[i].channel);
    }
    for (size_t i = 0; i < LOGS; i++) {
        log_close(&ledger->logs[i].log);
        sodium_free(ledger->logs[i].secret);
    }
    for (size_t i = 0; i < given->fds_count; i++)
        if (given->fds[i].role != FD_LEDGER)
            close(given->fds[i].fd);
    buf_fini(&ledger->answer);
    free(ledger->logs);
    free(ledger);
    start_wipe(given);
    free(given);
}

/* Answers come in the order of the records of their channel. */
static enum err
asker_hears(void *ctx, uint16_t id, struct bytes body)
{
    size_t c = (size_t)((struct channel *)ctx - ours), log = log_of[c];
    struct recorded good;
    struct record_failed bad;
    bool is_good = id == recorded_id && recorded_decode(body, &good) == OK;
    bool is_bad = id == record_failed_id && record_failed_decode(body, &bad) == OK;
    HOLDS(is_good != is_bad);
    HOLDS(waiting_count[c] > 0);
    HOLDS(waiting[c][0].ref == (is_good ? good.ref : bad.ref));
    if (is_good) {
        HOLDS(good.index < ENTRIES_MAX && good.index >= kept_count[log]);
        memcpy(kept[log][good.index], waiting[c][0].digest, 32);
        play.effects++;
    }
    memmove(&waiting[c][0], &waiting[c][1], --waiting_count[c] * sizeof(waiting[c][0]));
    return OK;
}

static void
say(size_t c, const struct frame *f)
{
    struct record m;
    uint64_t before[LOGS] = {ledger->logs[0].waiting_count, ledger->logs[1].waiting_count};
    bool is_record = f->id == record_id && record_decode(buf_bytes(&f->body), &m) == OK;
    if (is_record) {
        struct sent *s = &waiting[c][waiting_count[c]++];
        s->ref = m.ref;
        crypto_hash_sha256(s->digest, m.entry.p, m.entry.len);
    }
    struct bytes exact = test_exact(buf_bytes(&f->body));
    enum err e = on_frame(&ledger->channels[c], f->id, exact);
    test_exact_free(exact);
    play_count(e);
    HOLDS((e == OK) == is_record);
    /* The other log never changes, this one only by a record. */
    HOLDS(ledger->logs[!log_of[c]].waiting_count == before[!log_of[c]]);
    HOLDS(is_record || ledger->logs[log_of[c]].waiting_count == before[log_of[c]]);
}

static void
step(void)
{
    for (uint64_t n = 1 + maker_random(&play.maker, 20); n; n--, steps++)
        say((size_t)maker_random(&play.maker, CHANNELS), maker_next(&play.maker));
    (void)on_idle(ledger);
    for (size_t i = 0; i < CHANNELS; i++) {
        enum err e;
        do {
            e = channel_flush(&ledger->channels[i].channel);
            HOLDS(e == OK || e == ERR_AGAIN);
            e = channel_receive(&ours[i], asker_hears, &ours[i]);
        } while (e == OK);
        HOLDS(waiting_count[i] == 0); /* every record is answered, nothing else is */
    }
    for (size_t i = 0; i < LOGS; i++)
        kept_count[i] = log_size(&ledger->logs[i].log);
    if (maker_chance(&play.maker, 1))
        on_sign(ledger);
    if (steps >= EPISODE) {
        end_ledger();
        begin_ledger();
    }
}

static void
stop(void)
{
    end_ledger();
    HOLDS(play.effects > 0);
}

const struct receiver receiver_this = {"ledger", "any process", ledger_rows, 0x0301, 0x037f,
                                       fill,     begin_ledger,  step,        stop};
