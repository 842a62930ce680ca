/*
 * Any bytes as a packet: its frames, written again, are the packet; and a channel that receives the
 * packet hands out those frames, up to the first that is none.
 */
#include "base/fuzz.h"
#include "wire/channel.h"

#include <unistd.h>

struct seen {
    struct buf again;
    bool stop; /* at the second frame */
    uint32_t count;
};

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct seen *seen = ctx;
    channel_put_frame(&seen->again, id, body);
    return seen->stop && ++seen->count == 2 ? ERR_DENIED : OK;
}

/* As channel_receive() goes through a packet, without a socket. */
static enum err
take_apart(struct bytes packet, struct seen *seen)
{
    while (packet.len) {
        uint16_t id;
        struct bytes body;
        enum err e = channel_next_frame(&packet, &id, &body);
        if (e == OK)
            e = on_frame(seen, id, body);
        if (e != OK)
            return e;
    }
    return OK;
}

static enum err
through_socket(struct bytes packet, struct seen *seen)
{
    int fds[2];
    struct channel c;
    enum err e = channel_pair(fds);
    ASSERT(e == OK);
    channel_init(&c, fds[0]);
    ssize_t n = write(fds[1], packet.p, packet.len);
    ASSERT(n == (ssize_t)packet.len);
    e = channel_receive(&c, on_frame, seen);
    ASSERT(channel_receive(&c, on_frame, seen) == ERR_AGAIN);
    close(fds[1]);
    ASSERT(channel_receive(&c, on_frame, seen) == ERR_CLOSED);
    channel_fini(&c);
    return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size - 1 > CHANNEL_PACKET_MAX)
        return 0;
    struct bytes packet = bytes_of(data + 1, size - 1);
    uint8_t *exact = fuzz_exact(packet);
    struct seen one = {.stop = data[0] & 1}, two = one;
    buf_init(&one.again, CHANNEL_PACKET_MAX);
    buf_init(&two.again, CHANNEL_PACKET_MAX);
    enum err e = take_apart(bytes_of(exact, packet.len), &one);
    ASSERT(one.again.len <= packet.len);
    ASSERT(bytes_equal(buf_bytes(&one.again), bytes_of(exact, one.again.len)));
    ASSERT(e != OK || one.again.len == packet.len);
    ASSERT(through_socket(packet, &two) == e);
    ASSERT(bytes_equal(buf_bytes(&one.again), buf_bytes(&two.again)));
    buf_fini(&one.again);
    buf_fini(&two.again);
    free(exact);
    return 0;
}
