#include "http/websocket.h"

#include "base/text.h"
#include "http/head.h"

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { FIN = 0x80, RESERVED = 0x70, MASKED = 0x80 };

void
websocket_init(struct websocket *w)
{
    *w = (struct websocket){0};
}

static enum err
fail(struct websocket *w, enum websocket_status status)
{
    w->closed = true;
    w->status = (uint16_t)status;
    return ERR_MALFORMED;
}

/* How long the head of the frame is, as far as its first two bytes say. */
static size_t
head_size(const struct websocket *w)
{
    uint8_t length = w->head[1] & 0x7F;
    return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4u;
}

static enum err
check_first_bytes(struct websocket *w)
{
    uint8_t opcode = w->head[0] & 15;
    bool control = opcode >= CLOSE;
    if (w->head[0] & RESERVED || !(w->head[1] & MASKED))
        return fail(w, WEBSOCKET_PROTOCOL_ERROR);
    if (opcode == TEXT)
        return fail(w, WEBSOCKET_UNSUPPORTED); /* MQTT-6.0.0-1 */
    if (opcode != CONTINUATION && opcode != BINARY && opcode != CLOSE && opcode != PING &&
        opcode != PONG)
        return fail(w, WEBSOCKET_PROTOCOL_ERROR);
    if (control && (!(w->head[0] & FIN) || (w->head[1] & 0x7F) > WEBSOCKET_CONTROL_MAX))
        return fail(w, WEBSOCKET_PROTOCOL_ERROR);
    if (!control && (opcode == CONTINUATION) != w->in_message)
        return fail(w, WEBSOCKET_PROTOCOL_ERROR);
    return OK;
}

static enum err
begin_frame(struct websocket *w)
{
    uint8_t short_length = w->head[1] & 0x7F;
    size_t more = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    uint64_t length = more ? 0 : short_length;
    for (size_t i = 0; i < more; i++)
        length = length << 8 | w->head[2 + i];
    if ((more == 2 && length < 126) || (more == 8 && length < 65536))
        return fail(w, WEBSOCKET_PROTOCOL_ERROR); /* RFC 6455 5.2: as short as can be */
    if (length > WEBSOCKET_FRAME_MAX)
        return fail(w, WEBSOCKET_TOO_BIG);
    memcpy(w->mask, w->head + 2 + more, sizeof(w->mask));
    w->opcode = w->head[0] & 15;
    if (w->opcode < CLOSE)
        w->in_message = !(w->head[0] & FIN);
    w->left = length;
    w->at = 0;
    w->control_len = 0;
    w->in_frame = true;
    return OK;
}

static enum err
take_head(struct websocket *w, struct bytes *in)
{
    while (w->head_len < 2 || w->head_len < head_size(w)) {
        if (in->len == 0)
            return ERR_AGAIN;
        w->head[w->head_len++] = in->p[0];
        *in = bytes_skip(*in, 1);
        enum err e = w->head_len == 2 ? check_first_bytes(w) : OK;
        if (e != OK)
            return e;
    }
    return begin_frame(w);
}

/* A close frame has no content, or a status that may stand there and a text (RFC 6455 7.4). */
static bool
close_is_well_formed(const struct websocket *w)
{
    if (w->control_len == 0)
        return true;
    if (w->control_len == 1)
        return false;
    unsigned status = (unsigned)w->control[0] << 8 | w->control[1];
    bool known =
        status >= 1000 && status <= 1014 && status != 1004 && status != 1005 && status != 1006;
    return (known || (status >= 3000 && status <= 4999)) &&
           text_is_utf8(bytes_of(w->control + 2, w->control_len - 2u));
}

static enum err
end_frame(struct websocket *w)
{
    w->in_frame = false;
    w->head_len = 0;
    if (w->opcode == PING) {
        memcpy(w->pong, w->control, w->control_len);
        w->pong_len = w->control_len;
        w->pong_due = true;
    }
    if (w->opcode != CLOSE)
        return OK;
    if (!close_is_well_formed(w))
        return fail(w, WEBSOCKET_PROTOCOL_ERROR);
    w->closed = true;
    w->status = (uint16_t)(w->control_len ? w->control[0] << 8 | w->control[1] : 0);
    return ERR_CLOSED;
}

static enum err
take_payload(struct websocket *w, struct bytes *in, struct buf *payload)
{
    size_t n = in->len < w->left ? in->len : (size_t)w->left;
    uint8_t *to = w->control + w->control_len;
    if (w->opcode < CLOSE) {
        to = n ? buf_room(payload, n) : NULL;
        if (n && !to)
            return ERR_LIMIT;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = in->p[i] ^ w->mask[(w->at + i) & 3];
    if (w->opcode < CLOSE && n)
        buf_filled(payload, n);
    else
        w->control_len = (uint8_t)(w->control_len + n);
    w->at += n;
    w->left -= n;
    *in = bytes_skip(*in, n);
    return w->left ? ERR_AGAIN : end_frame(w);
}

enum err
websocket_feed(struct websocket *w, struct bytes in, struct buf *payload)
{
    enum err e = w->closed ? ERR_CLOSED : OK;
    while (e == OK) {
        if (!w->in_frame)
            e = take_head(w, &in);
        if (e == OK)
            e = take_payload(w, &in, payload);
    }
    return e == ERR_AGAIN ? OK : e;
}

static void
put_head(enum opcode opcode, bool last, size_t length, struct buf *out)
{
    buf_byte(out, (uint8_t)((last ? FIN : 0u) | (unsigned)opcode));
    if (length < 126) {
        buf_byte(out, (uint8_t)length);
        return;
    }
    buf_byte(out, 126);
    buf_byte(out, (uint8_t)(length >> 8));
    buf_byte(out, (uint8_t)length);
}

bool
websocket_put_control(struct websocket *w, struct buf *out)
{
    if (w->closed && !w->close_said) {
        websocket_put_close(w, w->status ? (enum websocket_status)w->status : WEBSOCKET_NORMAL,
                            out);
        return true;
    }
    if (!w->pong_due || w->close_said)
        return false;
    w->pong_due = false;
    put_head(PONG, true, w->pong_len, out);
    buf_put(out, bytes_of(w->pong, w->pong_len));
    return true;
}

void
websocket_put_data(const struct websocket *w, struct bytes payload, bool first, bool last,
                   struct buf *out)
{
    ASSERT(payload.len > 0 && payload.len <= WEBSOCKET_OUT_MAX && !w->close_said);
    put_head(first ? BINARY : CONTINUATION, last, payload.len, out);
    buf_put(out, payload);
}

void
websocket_put_close(struct websocket *w, enum websocket_status status, struct buf *out)
{
    if (w->close_said)
        return;
    w->close_said = true;
    put_head(CLOSE, true, 2, out);
    buf_byte(out, (uint8_t)((unsigned)status >> 8));
    buf_byte(out, (uint8_t)status);
}

enum err
websocket_proof(struct bytes key, char out[static WEBSOCKET_PROOF_LEN])
{
    static const char constant[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
    uint8_t nonce[16];
    size_t len = 0;
    _Static_assert(WEBSOCKET_KEY_LEN + sizeof(constant) - 1 == WEBSOCKET_PROOF_LEN, "both fit");
    if (key.len != WEBSOCKET_KEY_LEN || text_base64(key, nonce, sizeof(nonce), &len) != OK ||
        len != sizeof(nonce))
        return ERR_MALFORMED;
    memcpy(out, key.p, WEBSOCKET_KEY_LEN);
    memcpy(out + WEBSOCKET_KEY_LEN, constant, sizeof(constant) - 1);
    return OK;
}

bool
websocket_list_has(struct bytes list, const char *word)
{
    while (list.len) {
        size_t n = bytes_find(list, ',');
        if (bytes_are(http_trim(bytes_of(list.p, n)), word))
            return true;
        list = bytes_skip(list, n < list.len ? n + 1 : n);
    }
    return false;
}
