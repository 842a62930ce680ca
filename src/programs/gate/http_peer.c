/* http_peer.c -- a connection that speaks HTTP/1.1: one question to the core at a time. */
#include "programs/gate/gate.h"

#include "http/response.h"

enum { PART_MAX = 60000 }; /* of ask_body, see gate_core.def */

static bool
is_stranger(const struct connection *c)
{
    return c->identity.kind == PEER_STRANGER;
}

void
http_peer_begin(struct gate *g, struct connection *c)
{
    (void)g;
    struct http_limits limits = {HTTP_HEAD_MAX, HTTP_BODY_MAX};
    if (is_stranger(c))
        limits = (struct http_limits){HTTP_STRANGER_HEAD_MAX, HTTP_STRANGER_BODY_MAX};
    c->http.phase = HTTP_READING;
    c->http.first = true;
    c->http.timed = false;
    http_reader_init(&c->http.reader, limits);
}

bool
http_peer_idle(const struct connection *c)
{
    return c->http.phase == HTTP_READING && !http_reader_started(&c->http.reader);
}

/* An answer of the gate's own, and the end of the connection. */
static void
give_up(struct gate *g, struct connection *c, uint16_t status, const char *sentence)
{
    g->refused++;
    http_put_error(&c->out, status, sentence, c->http.head_only, false, clock_wall_us(&g->clock));
    connection_end(g, c);
}

static const char *
refusal_text(uint16_t status)
{
    switch (status) {
    case 413:
        return "the body is larger than this gate takes";
    case 414:
        return "the target is longer than this gate takes";
    case 417:
        return "only the expectation 100-continue is known";
    case 431:
        return "the head is larger than this gate takes";
    case 501:
        return "the method is not known";
    case 505:
        return "only HTTP/1.1 is spoken here";
    default:
        return "the request is malformed or ambiguous";
    }
}

static enum err
send_ask(struct gate *g, struct connection *c)
{
    struct http_peer *h = &c->http;
    const struct http_head *r = &h->reader.request;
    enum err e = connection_open_peer(g, c);
    if (e != OK)
        return e;
    struct bytes body = buf_bytes(&h->reader.body);
    h->ref = h->ref == UINT32_MAX ? 1 : h->ref + 1;
    bool browser = r->wants_html && body.len == 0 &&
                   (bytes_are(r->method, "GET") || bytes_are(r->method, "HEAD"));
    struct ask m = {.peer = c->peer,
                    .ref = h->ref,
                    .method = r->method,
                    .target = r->target,
                    .token = r->token,
                    .content_type = browser ? bytes_text("text/html") : r->content_type,
                    .body_length = (uint32_t)body.len};
    e = CHANNEL_SEND(&g->core, ask, &m);
    while (e == OK && body.len) {
        size_t n = body.len < PART_MAX ? body.len : PART_MAX;
        struct ask_body part = {c->peer, h->ref, bytes_of(body.p, n)};
        e = CHANNEL_SEND(&g->core, ask_body, &part);
        body = bytes_skip(body, n);
    }
    return e;
}

static void
on_request(struct gate *g, struct connection *c, bool more_came)
{
    struct http_peer *h = &c->http;
    h->head_only = bytes_are(h->reader.request.method, "HEAD");
    h->keep_alive = h->reader.request.keep_alive;
    h->first = false;
    g->requests++;
    if (web_peer_wanted(c)) {
        uint16_t status;
        const char *why = web_peer_upgrade(g, c, more_came, &status);
        if (why)
            give_up(g, c, status, why);
        return;
    }
    if (send_ask(g, c) != OK) {
        give_up(g, c, 503, "the zone has too much to do");
        return;
    }
    h->phase = HTTP_ASKED;
    c->deadline_ms = clock_mono_ms(&g->clock) + CONNECTION_ANSWER_MS;
}

/* The time for a whole request runs from its first byte: trickling does not lengthen it. */
static void
start_time(struct gate *g, struct connection *c)
{
    if (c->http.timed)
        return;
    c->http.timed = true;
    uint64_t most =
        clock_mono_ms(&g->clock) +
        (uint64_t)(is_stranger(c) ? CONNECTION_STRANGER_IDLE_MS : CONNECTION_REQUEST_MS);
    if (!c->http.first || !is_stranger(c) || most < c->deadline_ms)
        c->deadline_ms = most;
}

size_t
http_peer_run(struct gate *g, struct connection *c, struct bytes in)
{
    struct http_peer *h = &c->http;
    if (h->phase != HTTP_READING || in.len == 0)
        return 0;
    start_time(g, c);
    size_t used = 0;
    enum err e = http_reader_feed(&h->reader, in, &used);
    if (e == OK) {
        on_request(g, c, used < in.len);
    } else if (e != ERR_AGAIN) {
        h->head_only = false;
        give_up(g, c, h->reader.status, refusal_text(h->reader.status));
        return in.len;
    } else if (h->reader.continue_due) {
        h->reader.continue_due = false;
        http_put_continue(&c->out);
    }
    gate_mark(g, c);
    return used;
}

static void
finish_answer(struct gate *g, struct connection *c)
{
    struct http_peer *h = &c->http;
    if (!h->keep_alive || g->stopping) {
        connection_end(g, c);
        return;
    }
    http_reader_next(&h->reader);
    h->phase = HTTP_READING;
    h->timed = false;
    c->deadline_ms =
        clock_mono_ms(&g->clock) +
        (uint64_t)(is_stranger(c) ? CONNECTION_STRANGER_IDLE_MS : CONNECTION_HOLDER_IDLE_MS);
}

enum err
http_peer_answer(struct gate *g, struct connection *c, const struct answer *m)
{
    struct http_peer *h = &c->http;
    if (h->phase != HTTP_ASKED || m->ref != h->ref)
        return ERR_MALFORMED;
    bool bodyless = m->status == 204 || m->status == 304;
    struct http_response r = {.status = m->status,
                              .content_type = m->content_type,
                              .location = m->location,
                              .body_length = m->body_length,
                              .keep_alive = h->keep_alive && !g->stopping,
                              .now_us = clock_wall_us(&g->clock)};
    if (m->status < 200 || (bodyless && m->body_length))
        return ERR_MALFORMED;
    if (http_put_head(&c->out, &r) != OK) {
        gate_note(g, "answer_unfit", "a status or a field that cannot be sent");
        give_up(g, c, 500, "the answer could not be written");
        return OK;
    }
    h->left = m->body_length;
    h->phase = HTTP_ANSWERING;
    c->deadline_ms = clock_mono_ms(&g->clock) + CONNECTION_ANSWER_MS;
    if (h->left == 0)
        finish_answer(g, c);
    gate_mark(g, c);
    return OK;
}

enum err
http_peer_part(struct gate *g, struct connection *c, const struct answer_body *m)
{
    struct http_peer *h = &c->http;
    if (h->phase != HTTP_ANSWERING || m->ref != h->ref || m->part.len == 0 || m->part.len > h->left)
        return ERR_MALFORMED;
    if (!h->head_only)
        buf_put(&c->out, m->part);
    h->left -= m->part.len;
    c->deadline_ms = clock_mono_ms(&g->clock) + CONNECTION_ANSWER_MS;
    if (h->left == 0)
        finish_answer(g, c);
    gate_mark(g, c);
    return OK;
}

void
http_peer_expire(struct gate *g, struct connection *c)
{
    struct http_peer *h = &c->http;
    if (h->phase == HTTP_ASKED)
        give_up(g, c, 504, "the zone did not answer in time");
    else if (h->phase == HTTP_READING && http_reader_started(&h->reader))
        give_up(g, c, 408, "the request took too long");
    else
        connection_end(g, c); /* idle, or an answer that cannot be finished */
}
