/*
 * supervisor.c -- a breached process at its control socket: malformed and replayed frames change no
 * state, `confined` counts once and only with our digest, complaints are bounded.
 */
#include "drills/messages/play.h"

#include "programs/supervisor/process.c"

#include "runtime/loop.h"

extern const struct field_row control_rows[];
static struct supervisor city;
static struct clock_fake clock_now = {1000000, 1790000000LL * 1000000};
static struct channel ledger; /* the ledger's end of the supervisor's channel */
static uint8_t digest[32];
static uint64_t recorded, ups;
static struct process *p;
static int breached_fd = -1;

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static const char *const channels[] = {"core", "gate", "ledger", "from", "a\"b", "X", ""};
    (void)message;
    if (strcmp(field, "tables_digest") == 0)
        out->bytes = bytes_of(digest, maker_chance(m, 90) ? 32 : 31);
    else if (strcmp(field, "channel") == 0)
        out->bytes = maker_word(m, channels, ARRAY_COUNT(channels));
    else
        return false;
    return true;
}

/* A process that was just started, with a socket of its own. */
static void
begin_process(void)
{
    int fds[2];
    if (breached_fd >= 0) {
        channel_fini(&p->control);
        close(breached_fd);
    }
    CHECK_OK(channel_pair(fds));
    channel_init(&p->control, fds[0]);
    breached_fd = fds[1];
    p->state = STATE_STARTING;
    p->pid = -1;
    p->since_ms = p->beat_ms = clock_now.mono_ms;
    memset(p->counters, 0, sizeof(p->counters));
    p->walls = 0;
    p->complaints = p->conditions = 0;
    p->complaint[0] = '\0';
}

static void
start(void)
{
    int fds[2];
    messages_digest(digest);
    city.clock = clock_fake_source(&clock_now);
    CHECK_OK(channel_pair(fds));
    channel_init(&city.ledger, fds[0]);
    channel_init(&ledger, fds[1]);
    city.plan.processes_count = 1;
    snprintf(city.plan.processes[0].name, sizeof(city.plan.processes[0].name), "bikes/core");
    process_init(&city, 0);
    p = &city.processes[0];
    begin_process();
}

static enum err
ledger_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct record m;
    (void)ctx;
    HOLDS(id == record_id && record_decode(body, &m) == OK);
    HOLDS(memmem(m.entry.p, m.entry.len, "bikes/core", 10) != NULL);
    for (size_t i = 0; i < m.entry.len; i++)
        HOLDS(m.entry.p[i] >= ' ' && m.entry.p[i] < 0x7f && m.entry.p[i] != '\\');
    recorded++;
    return OK;
}

/* The whole state that a frame could change. */
struct seen {
    enum process_state state;
    uint64_t since_ms, beat_ms, counters[PROGRAM_COUNTERS];
    uint32_t walls, complaints;
    uint8_t landlock_abi;
    char complaint[sizeof(city.processes[0].complaint)];
};

static void
see(struct seen *s)
{
    memset(s, 0, sizeof(*s));
    s->state = p->state;
    s->since_ms = p->since_ms;
    s->beat_ms = p->beat_ms;
    memcpy(s->counters, p->counters, sizeof(s->counters));
    s->walls = p->walls;
    s->complaints = p->complaints;
    s->landlock_abi = p->landlock_abi;
    memcpy(s->complaint, p->complaint, sizeof(s->complaint));
}

static void
check_frame(const struct frame *f, const struct seen *before, enum err e)
{
    struct seen after;
    struct confined confined;
    struct heartbeat beat;
    see(&after);
    struct bytes body = buf_bytes(&f->body);
    bool confines = f->id == confined_id && confined_decode(body, &confined) == OK &&
                    before->state == STATE_STARTING &&
                    bytes_equal(confined.tables_digest, bytes_of(digest, sizeof(digest)));
    bool beats =
        f->id == heartbeat_id && heartbeat_decode(body, &beat) == OK && before->state == STATE_UP;
    bool complains = f->id == complaint_id && before->state == STATE_UP && e == OK;
    bool tells = f->id == condition_id && e == OK; /* in words; shown, and nothing else */
    HOLDS((e == OK) == (confines || beats || complains || tells));
    HOLDS(after.state == (confines ? STATE_UP : before->state));
    HOLDS(after.walls == (confines ? confined.walls : before->walls));
    HOLDS(beats || confines || after.beat_ms == before->beat_ms);
    HOLDS(beats || memcmp(after.counters, before->counters, sizeof(after.counters)) == 0);
    HOLDS(after.complaints <= before->complaints + 1);
    HOLDS(complains || strcmp(after.complaint, before->complaint) == 0);
    ups += confines;
    play.effects += confines;
}

static void
one_frame(void)
{
    struct seen before;
    clock_now.mono_ms += maker_random(&play.maker, 3);
    const struct frame *f = maker_next(&play.maker);
    see(&before);
    struct bytes exact = test_exact(buf_bytes(&f->body));
    enum err e = on_frame(p, f->id, exact);
    test_exact_free(exact);
    play_count(e);
    check_frame(f, &before, e);
}

/* Whole packets through the socket: a malformed one ends the hearing. */
static void
one_packet(void)
{
    static struct buf packet;
    if (packet.max == 0)
        buf_init(&packet, CHANNEL_PACKET_MAX);
    maker_packet(&play.maker, &packet);
    enum process_state before = p->state;
    if (packet.len && write(breached_fd, packet.p, packet.len) == (ssize_t)packet.len)
        play_count(channel_receive(&p->control, on_frame, p));
    HOLDS(p->state == before || (before == STATE_STARTING && p->state == STATE_UP));
}

static void
step(void)
{
    city.events_count = 0; /* the ledger has answered all of them */
    p->frames = 0;         /* a second has gone by */
    if (maker_chance(&play.maker, 20))
        one_packet();
    else
        one_frame();
    while (channel_receive(&ledger, ledger_hears, NULL) == OK)
        continue;
    HOLDS(recorded <= 2 * SUPERVISOR_COMPLAINTS_MAX); /* complaints and conditions */
    HOLDS(p->restarts == 0 && city.exit_status == 0 && !city.stopping);
    if (maker_chance(&play.maker, 2)) {
        begin_process();
        recorded = 0;
    }
}

static void
stop(void)
{
    HOLDS(ups > 0);
    channel_fini(&p->control);
    close(breached_fd);
    channel_fini(&city.ledger);
    channel_fini(&ledger);
}

const struct receiver receiver_this = {"supervisor", "any process", control_rows, 0x0041, 0x007f,
                                       fill,         start,         step,         stop};
