/* command_device.c -- bulkhead device: enrol a device, renew its key, on the record. */
#include "cli/commands.h"

#include "authority/city_keys.h"
#include "base/text.h"
#include "cli/tool.h"
#include "programs/vehicles.h"

#include <sodium.h>

static const char help[] =
    "usage: bulkhead device add   --state DIR ZONE NAME --out DIR [--as bus|emergency]\n"
    "       bulkhead device renew --state DIR ZONE NAME --out DIR\n"
    "Writes key.pem, cert.pem, ca.pem (and warden.vkey where the zone has commands) for a field\n"
    "program: for a new name, or a new key for a name that was enrolled. The city must be "
    "running:\n"
    "both take effect when they stand in the ledger.\n"
    "--as bus or emergency: a vehicle that traffic lights serve before others. Its name begins\n"
    "with bus- or emergency-, and no other device of a zone of signals has such a name.\n"
    "example: bulkhead device add --state run/demo signals junction-a0 --out keys/junction-a0\n";

static bool
recorded(const char *state, const char *event, const char *zone, const char *device,
         enum vehicle_kind kind)
{
    struct buf entry;
    buf_init(&entry, 512);
    buf_format(&entry, "{\"event\":\"%s\",\"zone\":\"%s\",\"device\":\"%s\"", event, zone, device);
    if (kind != VEHICLE_NONE)
        buf_format(&entry, ",\"as\":\"%s\"", vehicle_word(kind));
    buf_text(&entry, "}");
    bool good = tool_record_event(state, buf_bytes(&entry));
    buf_fini(&entry);
    return good;
}

/* A vehicle's name is asked for as one: what it may do follows from the name. */
static bool
is_what_it_is_called(const struct charter_zone *zone, const char *name, const char *as)
{
    enum vehicle_kind kind = vehicle_kind(bytes_text(name));
    bool signals = strcmp(zone->service, "signals") == 0;
    if (as && (!signals || kind == VEHICLE_NONE || strcmp(as, vehicle_word(kind)) != 0)) {
        fprintf(
            stderr,
            "bulkhead: --as bus or emergency is for a zone of signals, and the name begins with "
            "bus- or emergency-\n");
        return false;
    }
    if (!as && signals && kind != VEHICLE_NONE) {
        fprintf(stderr,
                "bulkhead: %s is the name of a vehicle that is served before others: say "
                "--as %s if it is one\n",
                name, vehicle_word(kind));
        return false;
    }
    return true;
}

/* Decide, log, act. */
static int
give(const struct charter *c, const char *state, const struct city_device *d, bool renew)
{
    const char *zone = c->zones[d->zone].name;
    char why[400];
    if (!text_is_name(bytes_text(d->name))) {
        fprintf(stderr, "bulkhead: a device name is 1 to 48 of a-z, 0-9 and single '-', a letter "
                        "first\n");
        return EXIT_DOES_NOT_HOLD;
    }
    if (renew && !city_keys_enrolled(c, state, d)) {
        fprintf(stderr, "bulkhead: no device named %s is enrolled in zone %s\n", d->name, zone);
        return EXIT_DOES_NOT_HOLD;
    }
    enum vehicle_kind kind = strcmp(c->zones[d->zone].service, "signals") == 0
                                 ? vehicle_kind(bytes_text(d->name))
                                 : VEHICLE_NONE;
    if (!recorded(state, renew ? "renewal" : "enrolment", zone, d->name, kind))
        return EXIT_CANNOT;
    enum err e = renew ? city_keys_renew(c, state, d, why, sizeof(why))
                       : city_keys_enrol(c, state, d, why, sizeof(why));
    if (e != OK) {
        fprintf(stderr, "bulkhead: %s\n", why);
        return EXIT_DOES_NOT_HOLD;
    }
    printf("%s: key.pem cert.pem ca.pem%s\n", d->out,
           c->zones[d->zone].commands_count ? " warden.vkey" : "");
    return EXIT_OK;
}

int
command_device(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--state", true, NULL}, {"--out", true, NULL}, {"--as", true, NULL}};
    struct tool_words words;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    const char *state = options[0].value, *out = options[1].value;
    bool renew = words.count == 3 && strcmp(words.list[0], "renew") == 0;
    if (!state || !out || words.count != 3 || (!renew && strcmp(words.list[0], "add") != 0)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    struct charter *c = tool_charter(state);
    if (!c || sodium_init() < 0)
        return EXIT_CANNOT;
    int32_t zone = charter_find_zone(c, bytes_text(words.list[1]));
    if (zone < 0) {
        fprintf(stderr, "bulkhead: the charter names no zone %s\n", words.list[1]);
        return EXIT_DOES_NOT_HOLD;
    }
    if (!renew && !is_what_it_is_called(&c->zones[zone], words.list[2], options[2].value))
        return EXIT_DOES_NOT_HOLD;
    struct city_device device = {(uint32_t)zone, words.list[2], out};
    return give(c, state, &device, renew);
}
