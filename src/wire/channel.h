/*
 * channel.h -- one end of a SOCK_SEQPACKET pair between two of our processes.
 *
 * A packet holds one or more frames: id (2 bytes), length (4), body. Sending queues frames
 * into packets; channel_flush() writes what the kernel takes and keeps the rest, up to a bound.
 * A peer that sends a malformed packet is broken or hostile: the channel reports ERR_MALFORMED
 * and its owner drops it and tells the supervisor; programs/mistrust.h says until when.
 *
 * Only read(2) and write(2) are used, so that a confined process needs nothing else; descriptors
 * travel only before the sandbox closes, through the two functions at the end.
 */
#ifndef WIRE_CHANNEL_H
#define WIRE_CHANNEL_H

#include "base/base.h"
#include "base/buf.h"

enum {
    CHANNEL_PACKET_MAX = 64 * 1024,             /* what one send carries */
    CHANNEL_FRAME_MAX = CHANNEL_PACKET_MAX - 6, /* the longest body */
    CHANNEL_QUEUE_MAX = 8 * 1024 * 1024,        /* what waits for a slow reader, at most */
};

struct channel {
    int fd;
    struct buf packet; /* frames that are not a finished packet yet */
    struct buf queue;  /* finished packets: length (4), bytes */
    size_t queue_at;   /* sent of the queue */
    bool broken;
};

/* Takes the descriptor (non-blocking is set by the one who made it). */
void channel_init(struct channel *c, int fd);
void channel_fini(struct channel *c);

/* Queue a frame; ERR_LIMIT when the queue is full: nothing was queued, stop producing. */
enum err channel_send(struct channel *c, uint16_t id, struct bytes body) MUST_USE;

/* Write what goes. OK (all gone), ERR_AGAIN (wait for EPOLLOUT), ERR_CLOSED, ERR_IO. */
enum err channel_flush(struct channel *c) MUST_USE;

/* Bytes that wait; producers slow down above some share of CHANNEL_QUEUE_MAX. */
size_t channel_waiting(const struct channel *c);

/*
 * Read one packet and call `each` for its frames. OK: a packet was handled; ERR_AGAIN: none there;
 * ERR_CLOSED; ERR_MALFORMED; or the first error that `each` returned (the rest is dropped).
 */
typedef enum err channel_frame_fn(void *ctx, uint16_t id, struct bytes body);
enum err channel_receive(struct channel *c, channel_frame_fn *each, void *ctx) MUST_USE;

/*
 * A new beginning with whoever holds the other end now: what waits to be read is read and thrown
 * away, what waits to be sent is dropped. OK: it is empty; ERR_AGAIN: packets_max were thrown away
 * and there is more (or the other end is closed), nothing else changed; ERR_CLOSED; ERR_IO.
 */
enum err channel_forget(struct channel *c, uint32_t packets_max) MUST_USE;

/*
 * Queue message `name` of a table, from a pointer to its struct. It is written where it leaves
 * from; only when the packet turns out to be too full, a second time, into the next one.
 */
#define CHANNEL_SEND(to, name, message)                                                            \
    ({                                                                                             \
        struct channel *to_ = (to);                                                                \
        size_t start_;                                                                             \
        enum err send_e_;                                                                          \
        do {                                                                                       \
            start_ = channel_frame_begin(to_, name##_id);                                          \
            name##_encode(message, &to_->packet);                                                  \
            send_e_ = channel_frame_end(to_, start_);                                              \
        } while (send_e_ == ERR_AGAIN);                                                            \
        send_e_;                                                                                   \
    })
/* The halves of it. ERR_AGAIN: it did not fit behind the others; encode it once more. */
size_t channel_frame_begin(struct channel *c, uint16_t id);
enum err channel_frame_end(struct channel *c, size_t start) MUST_USE;
/* An empty buffer for one body, good until the next call. */
struct buf *channel_body(void);

/* A connected pair, close-on-exec, non-blocking, with send buffers for full packets; both ends
 * refuse descriptors where the kernel can (channel_refuse_fds). */
enum err channel_pair(int out_fds[static 2]) MUST_USE;

/* From now on nobody can pass a descriptor to this socket (SO_PASSRIGHTS 0, Linux 6.16). False
 * where the kernel does not know how: then a passed one waits unread, since we only read(2). */
bool channel_refuse_fds(int socket_fd);

/* Before confinement: one packet with at most one descriptor (fd -1: none); blocks. */
enum err channel_send_fd(int socket_fd, struct bytes packet, int fd) MUST_USE;
enum err channel_receive_fd(int socket_fd, void *packet, size_t size, size_t *out_len,
                            int *out_fd) MUST_USE;

/* A packet with one frame, for the two above. */
void channel_put_frame(struct buf *b, uint16_t id, struct bytes body);
/* Takes the next frame off `rest`; ERR_MALFORMED when it is torn. */
enum err channel_next_frame(struct bytes *rest, uint16_t *out_id, struct bytes *out_body) MUST_USE;

#endif
