/*
 * generate SEED -- a charter that passes the checker, drawn from a seed, on standard output.
 *
 * 1 to 6 zones of every service and tier, with and without commands and listeners; 0 to 6 conduits,
 * some of which carry a command that no conduit of this release passes; 0 to 3 callers. Few zones
 * are more likely than many. The same seed gives the same bytes.
 */
#include "base/random.h"
#include "base/text.h"
#include "charter/charter.h"

enum {
    TEXT_MAX = 65536,
    TRIES = 2000,
    ZONES_MAX = 6,
    CONDUITS_MAX = 6,
    CALLERS_MAX = 3,
    CLASSES = 4,
    FIRST_PORT = 20000, /* of a copy, the kernel chooses them */
};

struct draw {
    struct random_source random;
    struct buf text;
    uint32_t zones;
    const char *services[ZONES_MAX];
    bool commands[ZONES_MAX], protected_zone[ZONES_MAX];
};

static const char *const tiers[] = {"ordinary", "important", "critical", "protected"};

static uint32_t
below(struct draw *d, uint32_t bound)
{
    return (uint32_t)random_below(&d->random, bound);
}

static void
put_head(struct draw *d)
{
    buf_text(&d->text, "city \"Drawn\" { sites hall works  signers clerk  need 1 }\n"
                       "purpose operate \"keep it running\"\npurpose audit \"look after it\"\n"
                       "vendor maker { seat CA owner CA state-linked no support CA "
                       "firmware-signed yes }\n");
    static const char *const purposes[] = {"purposes operate", "purposes operate audit", ""};
    for (uint32_t i = 0; i < CLASSES; i++)
        buf_format(&d->text, "class kind-%u { personal %s  sites hall works  keep %uh  %s }\n", i,
                   i % 2 ? "yes" : "no", 1 + below(d, 400),
                   purposes[below(d, ARRAY_COUNT(purposes))]);
}

static void
put_commands(struct draw *d, uint32_t zone)
{
    const char *service = d->services[zone];
    bool people = below(d, 4) == 0;
    if (strcmp(service, "signals") == 0) {
        buf_format(&d->text,
                   "  envelope minimum-green %us yellow %us all-red %us maximum-red %us\n"
                   "  command phase-request lease %us%s%s\n",
                   5 + below(d, 10), 3 + below(d, 3), 1 + below(d, 4), 60 + below(d, 60),
                   5 + below(d, 15), below(d, 2) ? " rate 3600/h" : "", people ? " people 2" : "");
        if (below(d, 2))
            buf_text(&d->text, "  command all-flash lease 600s people 2\n");
    } else {
        buf_format(&d->text,
                   "  envelope maximum-charge %ukW maximum-discharge %ukW minimum-reserve 20%% "
                   "fleet-step %ukW\n  command battery-setpoint lease %us%s\n",
                   1 + below(d, 9), 1 + below(d, 9), 10 + below(d, 90), 60 + below(d, 120),
                   people ? " people 2" : "");
    }
}

static void
put_zone(struct draw *d, uint32_t zone)
{
    size_t count = 0;
    while (vocabulary_service(count))
        count++;
    const char *tier = tiers[below(d, ARRAY_COUNT(tiers))];
    d->services[zone] = below(d, 3) ? vocabulary_service(below(d, (uint32_t)count)) : "signals";
    bool can =
        strcmp(d->services[zone], "signals") == 0 || strcmp(d->services[zone], "energy") == 0;
    d->commands[zone] = can && !d->protected_zone[zone] && below(d, 4);
    buf_format(&d->text,
               "zone zone-%u {\n  service %s  tier %s  vendors maker  sites %s\n  holds kind-%u\n",
               zone, d->services[zone], tier, below(d, 2) ? "hall" : "works", below(d, CLASSES));
    uint32_t port = FIRST_PORT + 2 * zone;
    if (below(d, 5))
        buf_format(&d->text, "  listen https 127.0.0.1:%u\n", port);
    if (below(d, 2))
        buf_format(&d->text, "  listen mqtts 127.0.0.1:%u\n", port + 1);
    if (d->commands[zone])
        put_commands(d, zone);
    buf_text(&d->text, "}\n");
}

static void
put_conduit(struct draw *d, uint32_t i)
{
    uint32_t to = below(d, d->zones), from = (to + 1 + below(d, d->zones - 1)) % d->zones;
    for (uint32_t n = 0; n < d->zones; n++) { /* most ends are where counts are heard */
        uint32_t at = (to + n) % d->zones;
        if (at != from && !d->protected_zone[at] && strcmp(d->services[at], "signals") == 0) {
            to = at;
            break;
        }
    }
    bool signals = strcmp(d->services[to], "signals") == 0;
    bool command = d->commands[to] && below(d, 4) == 0;
    if ((!signals && !command) || d->protected_zone[to])
        return;
    buf_format(&d->text,
               "conduit way-%u { from zone-%u to zone-%u carries %s group %u rate %u/s "
               "purpose operate reason \"drawn\" }\n",
               i, from, to,
               !command  ? "zone-count"
               : signals ? "phase-request"
                         : "battery-setpoint",
               1 + below(d, 30), 1 + below(d, 9));
}

static void
put_caller(struct draw *d, uint32_t i)
{
    buf_format(&d->text, "caller person-%u { role role-%u  zones", i, i);
    uint32_t before = (uint32_t)d->text.len;
    for (uint32_t z = 0; z < d->zones; z++)
        if (below(d, 3))
            buf_format(&d->text, " zone-%u", z);
    if (d->text.len == before)
        buf_text(&d->text, " zone-0");
    buf_format(&d->text, "  purposes %s }\n", below(d, 3) ? "operate" : "audit");
}

static void
draw(struct draw *d)
{
    uint32_t a = below(d, ZONES_MAX), b = below(d, ZONES_MAX);
    buf_reset(&d->text);
    d->zones = 1 + (below(d, 2) || a < b ? a : b);
    put_head(d);
    for (uint32_t z = 0; z < d->zones; z++)
        put_zone(d, z);
    uint32_t conduits = d->zones > 1 ? below(d, CONDUITS_MAX + 1) : 0;
    for (uint32_t i = 0; i < conduits; i++)
        put_conduit(d, i);
    uint32_t callers = below(d, CALLERS_MAX + 1);
    for (uint32_t i = 0; i < callers; i++)
        put_caller(d, i);
}

int
main(int argc, char **argv)
{
    static struct charter charter;
    static struct charter_findings findings;
    struct random_seeded seeded;
    struct draw d;
    uint64_t seed;
    if (argc != 2 || text_u64(bytes_text(argv[1]), UINT64_MAX, &seed) != OK) {
        fprintf(stderr, "usage: generate SEED\n");
        return 2;
    }
    seeded.state = seed;
    d.random = random_seeded_source(&seeded);
    buf_init(&d.text, TEXT_MAX);
    for (int i = 0; i < TRIES; i++) {
        draw(&d);
        if (charter_parse(buf_bytes(&d.text), &charter, &findings) == OK &&
            charter_check(&charter, &findings) == OK) {
            printf("%s", buf_string(&d.text));
            return 0;
        }
    }
    fprintf(stderr, "generate: no charter of seed %s passes: %s\n", argv[1], findings.list[0].text);
    return 1;
}
