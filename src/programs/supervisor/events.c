/* events.c -- policy events: what the supervisor writes into the city's own log. */
#include "programs/supervisor/supervisor.h"

#include "programs/messages.h"
#include "runtime/log.h"

#include <stdarg.h>

uint64_t
event_record(struct supervisor *s, struct bytes entry, int tool)
{
    struct record m = {.ref = s->next_ref, .entry = entry};
    if (s->events_count == SUPERVISOR_EVENTS_MAX || CHANNEL_SEND(&s->ledger, record, &m) != OK)
        return 0;
    enum err e = channel_flush(&s->ledger);
    if (e != OK && e != ERR_AGAIN)
        return 0;
    s->events[s->events_count++] = (struct event_wait){s->next_ref, tool, -1};
    return s->next_ref++;
}

uint64_t
event_recordf(struct supervisor *s, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    ASSERT(n > 0 && (size_t)n < sizeof(text));
    uint64_t ref = event_record(s, bytes_of(text, (size_t)n), -1);
    if (ref == 0)
        log_event("event_not_recorded", "entry=%s", log_quote(bytes_of(text, (size_t)n)));
    return ref;
}

static void
settle(struct supervisor *s, uint64_t ref, bool durable, const char *why)
{
    for (size_t i = 0; i < s->events_count; i++) {
        if (s->events[i].ref != ref)
            continue;
        int tool = s->events[i].tool;
        int32_t rejoin = s->events[i].rejoin;
        s->events[i] = s->events[--s->events_count];
        if (rejoin >= 0 && durable && !islands_joined(s, (uint32_t)rejoin)) {
            durable = false;
            why = "the disk does not let go of the cut";
        }
        if (tool >= 0)
            tools_event_recorded(s, tool, durable, why);
        break;
    }
    if (ref == s->charter_ref && durable)
        s->charter_recorded = true;
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct supervisor *s = ctx;
    struct recorded done;
    struct record_failed failed;
    if (id == recorded_id && recorded_decode(body, &done) == OK) {
        settle(s, done.ref, true, "");
        return OK;
    }
    if (id == record_failed_id && record_failed_decode(body, &failed) == OK) {
        log_event("event_refused", "why=%s", log_quote(failed.why));
        settle(s, failed.ref, false, "the ledger could not keep the entry");
        return OK;
    }
    return ERR_MALFORMED;
}

static void
on_ledger(void *ctx, int fd, unsigned events)
{
    struct supervisor *s = ctx;
    (void)fd, (void)events;
    enum err e = channel_receive(&s->ledger, on_frame, s);
    if (e != OK && e != ERR_AGAIN)
        log_event("ledger_malformed", "error=\"%s\"", err_text(e));
}

enum err
events_open(struct supervisor *s)
{
    s->next_ref = (uint64_t)clock_wall_us(&s->clock); /* unlike our predecessor's */
    channel_init(&s->ledger, plan_own_end(&s->plan, FD_LEDGER));
    s->ledger_watch = (struct watch){.fd = s->ledger.fd, .fn = on_ledger, .ctx = s};
    return loop_watch(s->loop, &s->ledger_watch, LOOP_READ);
}
