/*
 * probe.c -- a device that publishes numbers at a fixed rate and times every acknowledgement.
 *
 * One process for each zone. --out FILE gets a line for each acknowledgement,
 *
 *   MONOTONIC-MS-AT-SEND LATENCY-US
 *
 * which tests/load/phases.c cuts into time windows and compares. The rate does not wait for
 * answers: a city that stands still for a second shows as a second of late acknowledgements, and
 * not as one slow message. A message that is refused is counted and not written.
 */
#include "field/common/device.h"

#include <time.h>

enum { LATENCIES_MAX = 4 << 20, REST_MS = 100 };

struct probe {
    FILE *out; /* NULL: only the summary */
    uint32_t *latencies_us;
    size_t count;
};

static void
on_settled(void *ctx, uint32_t device, uint64_t sent_us, uint64_t latency_us, bool accepted)
{
    struct probe *p = ctx;
    (void)device;
    if (!accepted)
        return;
    if (p->out)
        fprintf(p->out, "%llu %llu\n", (unsigned long long)(sent_us / 1000),
                (unsigned long long)latency_us);
    if (p->count < LATENCIES_MAX)
        p->latencies_us[p->count++] = latency_us > UINT32_MAX ? UINT32_MAX : (uint32_t)latency_us;
}

static int
compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static unsigned
percentile(const struct probe *p, size_t percent)
{
    return p->count ? p->latencies_us[(p->count - 1) * percent / 100] : 0;
}

/* `around` is "TEXT%TEXT", the number goes to the %; NULL: the number alone. */
static enum err
publish(struct field *f, int64_t time_us, uint64_t number, const char *around)
{
    char text[256];
    size_t before = around ? strcspn(around, "%") : 0;
    int n =
        snprintf(text, sizeof(text), "%.*s%llu%s", (int)before, around ? around : "",
                 (unsigned long long)number, around && around[before] ? around + before + 1 : "");
    return n > 0 && (size_t)n < sizeof(text)
               ? field_publish(f, 0, 0, time_us, bytes_of(text, (size_t)n))
               : ERR_LIMIT;
}

/* Publish what is due at this rate since `begin_ms`; a connection that is down takes them too. */
static void
publish_due(struct field *f, uint64_t rate, uint64_t begin_ms, const char *around, uint64_t *next)
{
    uint64_t due = (field_mono_ms(f) - begin_ms) * rate / 1000 + 1;
    static int64_t start_us;
    if (*next == 0)
        start_us = field_wall_us(f);
    for (; *next < due; ++*next)
        if (publish(f, start_us + (int64_t)(*next * 1000000 / rate), *next + 1, around) != OK)
            return; /* too many outstanding: the city does not answer */
}

int
main(int argc, char **argv)
{
    struct field_options options = {.program = "probe",
                                    .summary = "Times the acknowledgements of one zone.",
                                    .example = "probe --devices DIR --mqtts H:P --https H:P"};
    uint64_t rate = 50;
    const char *out = NULL, *name = "probe", *class_name = "water-level", *stream = "number",
               *around = NULL;
    const struct field_option more[] = {
        {"--rate", "N", OPTION_NUMBER, &rate, 1000, "numbers a second"},
        {"--out", "FILE", OPTION_TEXT, &out, 0, "a line for each acknowledgement"},
        {"--name", "NAME", OPTION_TEXT, &name, 0, "of the device (probe)"},
        {"--class", "NAME", OPTION_TEXT, &class_name, 0, "data class of the numbers (water-level)"},
        {"--stream", "NAME", OPTION_TEXT, &stream, 0, "name of the Datastream (number)"},
        {"--around", "TEXT%TEXT", OPTION_TEXT, &around, 0, "JSON that the number stands in"}};
    int status;
    if (!field_options_parse(&options, more, ARRAY_COUNT(more), argc, argv, &status))
        return status;
    if (rate == 0)
        return 2;
    const struct field_stream streams[] = {
        {stream, "a counter", class_name, around ? FIELD_JSON : FIELD_MEASUREMENT, "number", "1"}};
    const struct field_thing thing = {.device = name,
                                      .description = "a probe",
                                      .longitude = -79.4,
                                      .latitude = 43.7,
                                      .streams = streams,
                                      .streams_count = 1};
    struct probe probe = {.latencies_us = calloc(LATENCIES_MAX, sizeof(uint32_t))};
    ASSERT(probe.latencies_us);
    if (out && !(probe.out = fopen(out, "we"))) {
        fprintf(stderr, "probe: cannot write %s\n", out);
        return 1;
    }
    if (probe.out)
        setvbuf(probe.out, NULL, _IOLBF, 0);
    struct field_calls calls = {.ctx = &probe, .settled = on_settled};
    struct field_counts counts;
    uint32_t device;
    struct field *f = field_new(&options, &calls);
    if (!f || field_add(f, &thing, &device) != OK)
        return 1;
    uint64_t next = 0, begin_ms = 0;
    while (field_turn(f, 1)) {
        field_get_counts(f, &counts);
        if (!begin_ms && counts.connected)
            begin_ms = field_mono_ms(f) + REST_MS;
        if (begin_ms && field_mono_ms(f) >= begin_ms)
            publish_due(f, rate, begin_ms, around, &next);
    }
    field_end(f);
    field_get_counts(f, &counts);
    qsort(probe.latencies_us, probe.count, sizeof(*probe.latencies_us), compare);
    printf("published %llu acknowledged %llu refused %llu p50_us %u p99_us %u max_us %u\n",
           (unsigned long long)counts.published, (unsigned long long)counts.acknowledged,
           (unsigned long long)counts.refused, percentile(&probe, 50), percentile(&probe, 99),
           percentile(&probe, 100));
    bool all = counts.published > 0 && counts.acknowledged == counts.published;
    if (probe.out)
        fclose(probe.out);
    free(probe.latencies_us);
    field_free(f);
    return all ? 0 : 1;
}
