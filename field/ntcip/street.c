#include "field/ntcip/street.h"
#include "field/ntcip/agent.h"
#include "field/ntcip/halves.h"
#include "field/ntcip/look.h"
#include "runtime/log.h"
#include "runtime/sandbox_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_CANNOT = 3, UID_NOBODY = 65534, SETS_MAX = 5 };

static const struct sandbox_rule rules[] = {
#include "field/ntcip/ntcip.seccomp.def"
};
static const struct sandbox_profile profile = {"ntcip", rules, ARRAY_COUNT(rules)};

struct street {
    const struct cabinet *cabinet;
    struct agent *agent;
    int city_fd;
    struct control control;
    struct look look;
    struct timings timings;
    struct timing_finding finding;
    bool timings_read, timings_good;
    uint32_t boots;      /* the agent's, when they were read */
    uint64_t timings_ms; /* when they are due */
    int stage;           /* -1: none */
    uint64_t until_ms;   /* the wish's end */
    struct ntcip_status status;
    struct look_detectors detectors;
    uint64_t looked_ms;
    uint64_t questions, unanswered, sets;
    enum err problem;
    struct buf out;
};

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U;
}

/* ---- questions ------------------------------------------------------------------------------ */

/* Any number of names, in batches; the first failure ends it. */
static enum err
ask(struct street *s, const struct ntcip_name *names, size_t count, struct ntcip_value *out)
{
    enum err e = OK;
    for (size_t at = 0; at < count && e == OK; at += AGENT_NAMES_MAX) {
        size_t n = count - at < AGENT_NAMES_MAX ? count - at : AGENT_NAMES_MAX;
        s->questions++;
        e = agent_get(s->agent, names + at, n, out + at);
    }
    if (e != OK) {
        s->unanswered++;
        s->problem = e;
    }
    return e;
}

/*
 * Set, with the agent's serial number in front where the cabinet has one: the same request,
 * recorded and sent again, finds that the number went on.
 */
static enum err
set_once(struct street *s, const struct ntcip_name *names, const int32_t *numbers, size_t count)
{
    struct ntcip_name all[SETS_MAX] = {{NTCIP_SET_SERIAL, 0}};
    int32_t values[SETS_MAX];
    struct ntcip_value serial = {.there = true};
    size_t from = s->cabinet->replays == REPLAYS_SERIAL ? 0 : 1;
    ASSERT(count < SETS_MAX);
    s->sets++;
    memcpy(all + 1, names, count * sizeof(*names));
    memcpy(values + 1, numbers, count * sizeof(*numbers));
    enum err e = from == 0 ? agent_get(s->agent, all, 1, &serial) : OK;
    if (e == OK && !serial.there)
        e = ERR_UNSUPPORTED; /* it was said that it has one */
    values[0] = serial.number;
    if (e == OK)
        e = agent_set(s->agent, all + from, values + from, count + 1 - from);
    if (e != OK)
        s->problem = e;
    return e;
}

/* The one figure that is not phase control: how soon the controller goes its own way. */
static void
shorten_backup(struct street *s)
{
    const struct ntcip_name name = {NTCIP_BACKUP_TIME, 0};
    int32_t number = s->cabinet->backup_s;
    if (set_once(s, &name, &number, 1) == OK)
        s->timings.backup_s = (struct ntcip_value){true, number}; /* read again at the next time */
}

static void
read_timings(struct street *s, uint64_t now)
{
    struct ntcip_name names[TIMING_NAMES_MAX];
    struct ntcip_value values[TIMING_NAMES_MAX];
    size_t n = look_timing_names(s->cabinet, names);
    if (ask(s, names, n, values) != OK)
        return;
    look_timings(s->cabinet, values, &s->timings);
    s->timings_read = true;
    s->boots = agent_boots(s->agent);
    s->timings_ms = now + STREET_TIMINGS_S * 1000;
    s->timings_good = timings_check(s->cabinet, &s->timings, &s->finding) == OK;
    if (!s->timings_good && s->finding.rule == RULE_BACKUP_TIME) {
        shorten_backup(s);
        s->timings_good = timings_check(s->cabinet, &s->timings, &s->finding) == OK;
    }
    if (s->timings_good)
        s->finding = (struct timing_finding){.rule = RULE_NONE};
}

static void
look_now(struct street *s, uint64_t now)
{
    struct ntcip_name names[LOOK_NAMES_MAX];
    struct ntcip_value values[LOOK_NAMES_MAX];
    size_t n = look_names(&s->look, names);
    s->status = (struct ntcip_status){.known = false};
    s->detectors = (struct look_detectors){.on = 0};
    if (now - s->looked_ms > STREET_LATE_MS)
        control_missed(&s->control);
    if (ask(s, names, n, values) != OK) {
        s->timings_read = s->timings_good = false; /* it may come back as another */
        return;
    }
    look_read(&s->look, values, &s->status, &s->detectors);
    s->looked_ms = now;
    if (agent_boots(s->agent) != s->boots) { /* it has started anew since they were read */
        s->timings_read = s->timings_good = false;
        read_timings(s, now);
    }
}

static void
obey(struct street *s, const struct control_orders *o)
{
    const struct ntcip_name names[] = {
        {NTCIP_PHASE_OMIT, 1}, {NTCIP_HOLD, 1}, {NTCIP_FORCE_OFF, 1}, {NTCIP_VEH_CALL, 1}};
    const int32_t numbers[] = {o->omit, o->hold, o->force_off, o->call};
    if (!o->write)
        return;
    enum err e = set_once(s, names, numbers, ARRAY_COUNT(names));
    control_sent(&s->control, o, e == OK);
}

/* ---- the city half -------------------------------------------------------------------------- */

static enum err
report(struct street *s, const struct control_orders *o)
{
    int stage = control_stage(&s->control, &s->status);
    struct half_report r = {
        .known = s->status.known,
        .why = (uint8_t)o->why,
        .stage = (uint8_t)(stage + 1),
        .age_s = s->control.age_s < 86400 ? s->control.age_s : 86400,
        .reds = s->status.reds,
        .yellows = s->status.yellows,
        .greens = s->status.greens,
        .starving = s->control.starving,
        .flash = s->status.flash,
        .short_alarm = s->status.short_alarm,
        .on = s->detectors.on,
        .dead = s->status.known ? s->detectors.dead : s->cabinet->detectors,
        .counts = bytes_of(s->detectors.counts, NTCIP_DETECTORS_MAX),
        .problem = (uint8_t)s->problem,
        .rule = (uint8_t)s->finding.rule,
        .phase = (uint8_t)(s->finding.phase <= NTCIP_PHASES ? s->finding.phase : 0),
        .timing = (uint8_t)s->finding.timing,
        .has = s->finding.has >= 0 ? s->finding.has : 0,
        .wants = s->finding.wants,
        .questions = s->questions,
        .unanswered = s->unanswered,
        .sets = s->sets,
    };
    buf_reset(&s->out);
    half_report_encode(&r, &s->out);
    enum err e = halves_send(s->city_fd, half_report_id, &s->out);
    return e == ERR_AGAIN ? OK : e; /* it does not read: the next second says it anew */
}

static enum err
hear(struct street *s)
{
    uint8_t packet[HALVES_PACKET_MAX];
    struct half_wish w;
    struct bytes body;
    uint16_t id = 0;
    for (;;) {
        enum err e = halves_receive(s->city_fd, packet, &id, &body);
        if (e != OK)
            return e == ERR_AGAIN ? OK : e;
        if (id != half_wish_id || half_wish_decode(body, &w) != OK ||
            w.stage > s->cabinet->stages_count)
            return ERR_MALFORMED;
        s->stage = (int)w.stage - 1;
        s->until_ms = now_ms() + w.valid_ms;
    }
}

static enum err
second(struct street *s, uint64_t now)
{
    s->problem = OK;
    if (!s->timings_read || now >= s->timings_ms)
        read_timings(s, now);
    if (s->problem == OK || s->timings_read)
        look_now(s, now);
    if (s->stage >= 0 && now_ms() >= s->until_ms)
        s->stage = -1;
    struct control_orders o = control_step(&s->control, &s->status, s->stage, s->timings_good);
    obey(s, &o);
    return report(s, &o);
}

/* The last word: zeros, as often as it takes within the bounds of one question. */
static void
let_go(struct street *s)
{
    struct control_orders zeros = {.write = s->control.wrote};
    obey(s, &zeros);
}

static int
serve(struct street *s)
{
    uint64_t due = now_ms();
    enum err e = OK;
    while (e == OK) {
        uint64_t now = now_ms();
        if (now >= due) {
            e = second(s, now);
            due = due + 1000 > now ? due + 1000 : now + 1000; /* no catching up */
            now = now_ms();
        }
        struct pollfd p = {.fd = s->city_fd, .events = POLLIN};
        if (e == OK && poll(&p, 1, due > now ? (int)(due - now) : 0) > 0)
            e = hear(s);
    }
    let_go(s);
    return e == ERR_CLOSED ? 0 : 1;
}

/* ---- the start ------------------------------------------------------------------------------ */

static int
cannot(const char *what, const char *why)
{
    fprintf(stderr, "ntcip: %s: %s\n", what, why);
    return EXIT_CANNOT;
}

/* 0, and the owner of the file; nobody but its owner may read it. */
static int
read_keys(const char *path, struct keys *keys, uid_t *out_owner)
{
    char text[KEYS_BYTES_MAX];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return cannot(path, strerror(errno));
    bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ssize_t n = good ? read(fd, text, sizeof(text)) : -1;
    close(fd);
    if (n < 0)
        return cannot(path, "this is no file of keys");
    if ((st.st_mode & 0777) != 0600)
        return cannot(path, "the keys must be mode 0600: chmod 600");
    enum err e = keys_parse(bytes_of(text, (size_t)n), keys);
    sodium_memzero(text, sizeof(text));
    *out_owner = st.st_uid;
    return e == OK ? 0
                   : cannot(path, "two lines are wanted: auth PHRASE, privacy PHRASE, each of "
                                  "12 to 64 printable characters, not the same");
}

static int
confine(struct street *s, uid_t owner)
{
    int keep[] = {2, s->city_fd, agent_fd(s->agent)};
    bool root = geteuid() == 0;
    struct sandbox_report report;
    const char *step = "";
    struct sandbox_config config = {
        .profile = &profile,
        .limits = {STREET_MEMORY_MAX, 16, 0},
        .uid = root ? (owner ? owner : UID_NOBODY) : 0,
        .walls = SANDBOX_ALL_WALLS & ~(1U << WALL_NAMESPACES | 1U << WALL_ROOT),
        .keep = keep,
        .keep_count = ARRAY_COUNT(keep),
        .outlives_starter = true, /* to let go of the controller */
    };
    if (!root)
        config.walls &= ~(1U << WALL_CAPABILITIES | 1U << WALL_UID); /* it has none, is nobody */
    if (sandbox_close(&config, &report, &step) != OK)
        return cannot("cannot be confined", step);
    struct half_confined m = {.walls = report.walls, .landlock = (uint8_t)report.landlock_abi};
    buf_reset(&s->out);
    half_confined_encode(&m, &s->out);
    return halves_send(s->city_fd, half_confined_id, &s->out) == OK ? 0 : EXIT_CANNOT;
}

int
street_run(const struct cabinet *c, int city_fd)
{
    static struct street s;
    struct keys keys;
    uid_t owner = 0;
    const char *why = "";
    s = (struct street){.cabinet = c, .city_fd = city_fd, .stage = -1};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* the city half's end is this one's */
    signal(SIGTERM, SIG_IGN);
    buf_init(&s.out, HALVES_PACKET_MAX);
    control_init(&s.control, c);
    look_init(&s.look, c);
    if (sodium_init() < 0)
        return cannot("libsodium", "does not start");
    int status = read_keys(c->keys, &keys, &owner);
    if (status != 0)
        return status;
    enum err e = agent_open(c, &keys, &s.agent, &why);
    sodium_memzero(&keys, sizeof(keys));
    if (e != OK)
        return cannot("the agent's socket", why);
    status = confine(&s, owner);
    return status == 0 ? serve(&s) : status;
}
