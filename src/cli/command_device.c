/* command_device.c -- bulkhead device add: enrol a device, on the record. */
#include "cli/commands.h"

#include "authority/city_keys.h"
#include "base/text.h"
#include "cli/tool.h"

#include <sodium.h>

static const char help[] =
    "usage: bulkhead device add --state DIR ZONE NAME --out DIR\n"
    "Writes key.pem, cert.pem, ca.pem (and warden.vkey where the zone has commands) for a field\n"
    "program. The city must be running: an enrolment takes effect when it stands in the ledger.\n"
    "example: bulkhead device add --state run/demo signals junction-a0 --out keys/junction-a0\n";

int
command_device(int argc, char **argv)
{
    struct tool_option options[] = {{"--state", true, NULL}, {"--out", true, NULL}};
    struct tool_words words;
    char why[400];
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    const char *state = options[0].value, *out = options[1].value;
    if (!state || !out || words.count != 3 || strcmp(words.list[0], "add") != 0) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    const char *zone_name = words.list[1], *device = words.list[2];
    struct charter *c = tool_charter(state);
    if (!c || sodium_init() < 0)
        return EXIT_CANNOT;
    int32_t zone = charter_find_zone(c, bytes_text(zone_name));
    if (zone < 0) {
        fprintf(stderr, "bulkhead: the charter names no zone %s\n", zone_name);
        return EXIT_DOES_NOT_HOLD;
    }
    if (!text_is_name(bytes_text(device))) {
        fprintf(stderr, "bulkhead: a device name is 1 to 48 of a-z, 0-9 and single '-', a letter "
                        "first\n");
        return EXIT_DOES_NOT_HOLD;
    }
    struct buf entry;
    buf_init(&entry, 512);
    buf_format(&entry, "{\"event\":\"enrolment\",\"zone\":\"%s\",\"device\":\"%s\"}", zone_name,
               device);
    bool recorded = tool_record_event(state, buf_bytes(&entry));
    buf_fini(&entry);
    if (!recorded)
        return EXIT_CANNOT;
    if (city_keys_enrol(c, (uint32_t)zone, state, device, out, why, sizeof(why)) != OK) {
        fprintf(stderr, "bulkhead: %s\n", why);
        return EXIT_DOES_NOT_HOLD;
    }
    printf("%s: key.pem cert.pem ca.pem%s\n", out,
           c->zones[zone].commands_count ? " warden.vkey" : "");
    return EXIT_OK;
}
