/*
 * websocket.h -- the frames of RFC 6455 as a server reads and writes them, for one connection.
 *
 * Binary messages only, no extensions; payload passes through as a stream, however it was cut into
 * frames and messages, because the protocol on top has packets of its own (MQTT 5, chapter 6).
 *
 * W1  A frame that is not masked, has reserved bits or an unknown opcode, is longer coded than
 *     needed, or comes at the wrong place in a message ends the connection with 1002; text with
 *     1003; a frame that announces more than WEBSOCKET_FRAME_MAX with 1009.
 * W2  What is kept does not grow with what comes: part of a frame's head, one control frame, one
 *     pong (the newest, RFC 6455 5.5.3).
 * W3  After a close in either direction nothing more is taken or written but the one answer to it.
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "base/base.h"
#include "base/buf.h"

enum {
    WEBSOCKET_FRAME_MAX = 16 * 1024 * 1024, /* bytes of payload that a frame may announce */
    WEBSOCKET_CONTROL_MAX = 125,
    WEBSOCKET_HEAD_MAX = 14,
    WEBSOCKET_OUT_HEAD_MAX = 4, /* in front of what websocket_put_data() writes */
    WEBSOCKET_OUT_MAX = 65535,
};

/* Status codes (RFC 6455 7.4.1). */
enum websocket_status {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_UNSUPPORTED = 1003,
    WEBSOCKET_TOO_BIG = 1009,
};

struct websocket {
    bool closed;     /* nothing more is taken (W3) */
    bool close_said; /* our close frame was written */
    uint16_t status; /* that our close frame carries; 0: none */
    bool in_message; /* a fragment was not the last */
    uint8_t head[WEBSOCKET_HEAD_MAX];
    size_t head_len; /* of the frame's head that has come; all of it when `in_frame` */
    bool in_frame;
    uint8_t opcode, mask[4];
    uint64_t left; /* of its payload */
    uint64_t at;   /* of its payload: how much has come */
    uint8_t control[WEBSOCKET_CONTROL_MAX];
    uint8_t pong[WEBSOCKET_CONTROL_MAX];
    uint8_t control_len, pong_len;
    bool pong_due;
};

void websocket_init(struct websocket *w);

/*
 * Take all of `in`; data is appended to `payload`. ERR_CLOSED: the other side closed.
 * ERR_MALFORMED: it broke the rules. In both cases websocket_put_control() writes what has to be
 * said, and then the connection ends. ERR_LIMIT: `payload` is full.
 */
enum err websocket_feed(struct websocket *w, struct bytes in, struct buf *payload) MUST_USE;

/* Write what is due: a pong, an answer to a close. True if something was written. */
bool websocket_put_control(struct websocket *w, struct buf *out);

/*
 * A binary message, unmasked, in frames of 1 to WEBSOCKET_OUT_MAX bytes: its first one, its last
 * one; mostly both.
 */
void websocket_put_data(const struct websocket *w, struct bytes payload, bool first, bool last,
                        struct buf *out);

/* Our own close, once. */
void websocket_put_close(struct websocket *w, enum websocket_status status, struct buf *out);

/*
 * The opening handshake: "Sec-WebSocket-Key" must be 16 bytes in base64. The text that its answer
 * is the SHA-1 of: the key and the standard's constant.
 */
enum { WEBSOCKET_KEY_LEN = 24, WEBSOCKET_PROOF_LEN = WEBSOCKET_KEY_LEN + 36 };
enum err websocket_proof(struct bytes key, char out[static WEBSOCKET_PROOF_LEN]) MUST_USE;

/* True if `word` stands in a comma-separated list (RFC 6455 4.2.1: of subprotocols). */
bool websocket_list_has(struct bytes list, const char *word);

#endif
