/*
 * websocket_fuzz.c -- any bytes as a client's frames: whole and in uneven pieces they give the same
 * payload, the same end and the same answers; and what is written reads back as frames of a server.
 */
#include "http/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
    struct buf payload, control;
    enum err e;
};

static void
run(struct bytes in, size_t piece, struct end *out)
{
    struct websocket w;
    websocket_init(&w);
    buf_init(&out->payload, 1 << 20);
    buf_init(&out->control, 4096);
    out->e = OK;
    while (in.len && out->e == OK) {
        size_t n = piece && piece < in.len ? piece : in.len;
        out->e = websocket_feed(&w, bytes_of(in.p, n), &out->payload);
        in = bytes_skip(in, n);
    }
    while (websocket_put_control(&w, &out->control))
        continue;
    ASSERT(out->e == OK || out->e == ERR_LIMIT || w.closed);
    ASSERT(!w.closed || (w.close_said && websocket_feed(&w, in, &out->payload) == ERR_CLOSED));
    ASSERT(buf_error(&out->control) == OK && out->control.len <= 2 * (2 + WEBSOCKET_CONTROL_MAX));
}

static void
end_fini(struct end *e)
{
    buf_fini(&e->payload);
    buf_fini(&e->control);
}

/* Masked as a client would, our own frame comes back as what went in. */
static void
check_own_frame(struct bytes payload)
{
    struct websocket w;
    struct buf frame, masked, back;
    websocket_init(&w);
    buf_init(&frame, 1 << 17);
    buf_init(&masked, 1 << 17);
    buf_init(&back, 1 << 17);
    websocket_put_data(&w, payload, true, true, &frame);
    size_t head = frame.len - payload.len;
    ASSERT(head <= WEBSOCKET_OUT_HEAD_MAX);
    frame.p[1] |= 0x80;
    buf_put(&masked, bytes_of(frame.p, head));
    buf_put(&masked, bytes_of("\0\0\0\0", 4));
    buf_put(&masked, payload);
    enum err e = websocket_feed(&w, buf_bytes(&masked), &back);
    ASSERT(e == OK && bytes_equal(buf_bytes(&back), payload));
    buf_fini(&frame);
    buf_fini(&masked);
    buf_fini(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > WEBSOCKET_OUT_MAX)
        return 0;
    struct end whole, cut;
    struct bytes in = bytes_of(data + 1, size - 1);
    run(in, 0, &whole);
    run(in, 1u + data[0] % 17, &cut);
    ASSERT(whole.e == cut.e);
    ASSERT(bytes_equal(buf_bytes(&whole.payload), buf_bytes(&cut.payload)));
    ASSERT(bytes_equal(buf_bytes(&whole.control), buf_bytes(&cut.control)));
    end_fini(&whole);
    end_fini(&cut);
    check_own_frame(bytes_of(data, size));
    char proof[WEBSOCKET_PROOF_LEN];
    if (websocket_proof(in, proof) == OK)
        ASSERT(in.len == WEBSOCKET_KEY_LEN);
    (void)websocket_list_has(in, "mqtt");
    return 0;
}
