#include "field/common/options.h"

#include "base/text.h"

enum { SHARED_COUNT = 7 };

static void
shared_rows(struct field_options *o, struct field_option rows[static SHARED_COUNT])
{
    const struct field_option all[SHARED_COUNT] = {
        {"--devices", "DIR", OPTION_TEXT, &o->devices, 0, "keys: DIR/NAME/{key,cert,ca}.pem"},
        {"--mqtts", "HOST:PORT", OPTION_ADDRESS, &o->mqtts, 0, "the gate, MQTT over TLS"},
        {"--https", "HOST:PORT", OPTION_ADDRESS, &o->https, 0, "the gate, HTTP over TLS"},
        {"--seconds", "N", OPTION_NUMBER, &o->seconds, 86400 * 366, "end after N seconds"},
        {"--status", "FILE", OPTION_TEXT, &o->status, 0, "key=value lines, once a second"},
        {"--seed", "N", OPTION_NUMBER, &o->seed, UINT64_MAX, "seed of the generator"},
        {"--data", "DIR", OPTION_TEXT, &o->data, 0, "read public files from DIR, print, end"},
    };
    memcpy(rows, all, sizeof(all));
}

enum err
field_address_parse(const char *text, struct field_address *out)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return ERR_MALFORMED;
    struct bytes host = bytes_of(text, (size_t)(colon - text));
    if (host.p[0] == '[') {
        if (host.len < 3 || host.p[host.len - 1] != ']')
            return ERR_MALFORMED;
        host = bytes_of(host.p + 1, host.len - 2);
    } else if (bytes_find(host, ':') != host.len) {
        return ERR_MALFORMED;
    }
    uint64_t port;
    if (text_u64(bytes_text(colon + 1), UINT16_MAX, &port) != OK || port == 0)
        return ERR_MALFORMED;
    struct field_address address = {.port = (uint16_t)port};
    if (bytes_copy_text(host, address.host, sizeof(address.host)) != OK)
        return ERR_MALFORMED;
    *out = address;
    return OK;
}

static enum err
option_set(const struct field_option *row, const char *value)
{
    ASSERT(row->to);
    switch (row->kind) {
    case OPTION_TEXT:
        *(const char **)row->to = value;
        return OK;
    case OPTION_NUMBER:
        return text_u64(bytes_text(value), row->max, row->to);
    case OPTION_ADDRESS:
        return field_address_parse(value, row->to);
    case OPTION_FLAG:
        *(bool *)row->to = true;
        return OK;
    }
    ASSERT(false);
}

static void
help_rows(const struct field_option *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("  %-11s %-10s %s\n", rows[i].name, rows[i].value ? rows[i].value : "",
               rows[i].sentence);
}

static const struct field_option *
option_find(const struct field_option *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_are(bytes_text(name), rows[i].name))
            return &rows[i];
    return NULL;
}

bool
field_options_parse(struct field_options *options, const struct field_option *more,
                    size_t more_count, int argc, char **argv, int *out_exit)
{
    struct field_option rows[SHARED_COUNT];
    shared_rows(options, rows);
    for (int i = 1; i < argc; i++) {
        if (bytes_are(bytes_text(argv[i]), "--help")) {
            printf("%s\n\nexample:\n  %s\n\noptions:\n", options->summary, options->example);
            help_rows(rows, SHARED_COUNT);
            help_rows(more, more_count);
            *out_exit = 0;
            return false;
        }
        const struct field_option *row = option_find(rows, SHARED_COUNT, argv[i]);
        if (!row)
            row = option_find(more, more_count, argv[i]);
        const char *value = NULL;
        if (row && row->kind != OPTION_FLAG)
            value = i + 1 < argc ? argv[++i] : NULL;
        if (!row || (row->kind != OPTION_FLAG && (!value || option_set(row, value) != OK))) {
            fprintf(stderr, "%s: %s %s; see --help\n", options->program,
                    row ? "wrong or missing value after" : "unknown option",
                    row ? row->name : argv[i]);
            *out_exit = 2;
            return false;
        }
        if (row->kind == OPTION_FLAG && option_set(row, NULL) != OK)
            ASSERT(false);
    }
    return true;
}
