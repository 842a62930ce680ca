#include "wire/channel.h"
#include "base/random.h"
#include "base/test.h"
#include "programs/messages.h"

#include <unistd.h>

struct seen {
    size_t frames;
    uint64_t sum;
};

static enum err
count_frame(void *ctx, uint16_t id, struct bytes body)
{
    struct seen *seen = ctx;
    struct record m;
    if (id != record_id)
        return ERR_MALFORMED;
    enum err e = record_decode(body, &m);
    if (e != OK)
        return e;
    seen->frames++;
    seen->sum += m.ref;
    return OK;
}

TEST(frames_arrive_whole_and_in_order_under_back_pressure)
{
    int fds[2];
    struct channel a, b;
    struct seen seen = {0};
    uint64_t sum = 0;
    CHECK_OK(channel_pair(fds));
    channel_init(&a, fds[0]);
    channel_init(&b, fds[1]);
    static char text[10000];
    memset(text, 'x', sizeof(text));
    for (uint64_t i = 0; i < 500; i++) {
        struct record m = {i, bytes_of(text, (size_t)(i * 20))};
        sum += i;
        CHECK_OK(CHANNEL_SEND(&a, record, &m));
    }
    for (int i = 0; i < 10000 && seen.frames < 500; i++) {
        enum err e = channel_flush(&a);
        CHECK(e == OK || e == ERR_AGAIN);
        e = channel_receive(&b, count_frame, &seen);
        CHECK(e == OK || e == ERR_AGAIN);
    }
    CHECK(seen.frames == 500 && seen.sum == sum && channel_waiting(&a) == 0);
    channel_fini(&a);
    CHECK(channel_receive(&b, count_frame, &seen) == ERR_CLOSED);
    channel_fini(&b);
}

TEST(a_full_queue_refuses_and_a_torn_packet_is_malformed)
{
    int fds[2];
    struct channel a, b;
    struct seen seen = {0};
    static uint8_t blob[60000];
    CHECK_OK(channel_pair(fds));
    channel_init(&a, fds[0]);
    channel_init(&b, fds[1]);
    enum err e = OK;
    for (int i = 0; i < 1000 && e == OK; i++) {
        struct tile_part m = {.part = bytes_of(blob, sizeof(blob))};
        e = CHANNEL_SEND(&a, tile_part, &m);
    }
    CHECK(e == ERR_LIMIT);
    CHECK(write(fds[0], "\x03\x01\x00\x00\x00\x09zz", 8) == 8);
    CHECK(channel_receive(&b, count_frame, &seen) == ERR_MALFORMED);
    channel_fini(&a);
    channel_fini(&b);
}

TEST(every_truncation_and_extension_of_a_message_is_refused)
{
    struct buf b;
    buf_init(&b, 4096);
    struct ask m = {.peer = 7,
                    .ref = 1,
                    .method = bytes_text("GET"),
                    .target = bytes_text("/v1.1/Things"),
                    .token = bytes_text("t"),
                    .content_type = bytes_text(""),
                    .body_length = 9};
    ask_encode(&m, &b);
    struct ask back, kept;
    memset(&kept, 0x55, sizeof(kept));
    CHECK_OK(ask_decode(buf_bytes(&b), &back));
    CHECK(back.peer == 7 && bytes_are(back.target, "/v1.1/Things") && back.body_length == 9);
    for (size_t n = 0; n < b.len; n++) {
        struct bytes exact = test_exact(bytes_of(b.p, n));
        back = kept;
        CHECK(ask_decode(exact, &back) == ERR_MALFORMED);
        CHECK(memcmp(&back, &kept, sizeof(kept)) == 0);
        test_exact_free(exact);
    }
    buf_byte(&b, 0);
    CHECK(ask_decode(buf_bytes(&b), &back) == ERR_MALFORMED);
    buf_fini(&b);
}
