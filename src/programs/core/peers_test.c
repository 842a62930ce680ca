/* peers_test.c -- who is connected: fixed pools, places that are given again, rates that stay. */
#include "programs/core/peers.h"

#include "base/test.h"

static struct peers *p;

static enum err
add(uint64_t id, const char *name, struct peer **out)
{
    static const uint8_t digest[32] = {1};
    struct peer_open m = {.peer = id,
                          .kind = PEER_DEVICE,
                          .name = bytes_text(name),
                          .key_digest = bytes_of(digest, sizeof(digest)),
                          .protocol = 1};
    return peers_add(p, &m, out);
}

static const char *
name_of(uint32_t i)
{
    static char name[16];
    snprintf(name, sizeof(name), "dev-%u", i);
    return name;
}

static void
begin(void)
{
    if (!p)
        p = calloc(1, sizeof(*p));
    CHECK(p);
    peers_init(p);
}

TEST(connections_of_one_device_share_its_rate)
{
    struct peer *a, *b, *other;
    begin();
    CHECK_OK(add(1, "dev-1", &a));
    CHECK_OK(add(2, "dev-1", &b));
    CHECK_OK(add(3, "dev-2", &other));
    CHECK(a != b && a->device == b->device && other->device != a->device && a->device->peers == 2);
    CHECK(add(3, "dev-3", &other) == ERR_EXISTS && add(0, "dev-3", &other) == ERR_MALFORMED);
    a->device->bucket.milli = 7;
    peers_drop(p, a);
    peers_drop(p, b);
    CHECK(!peers_get(p, 1) && !peers_get(p, 2) && peers_get(p, 3) && p->count == 1);
    CHECK_OK(add(4, "dev-1", &a)); /* who comes again finds the rate as it was left */
    CHECK(a->device->bucket.milli == 7 && peers_get(p, 4) == a);
}

TEST(full_pools_refuse_and_freed_places_serve_again)
{
    struct peer *peer;
    begin();
    for (uint32_t i = 0; i < PEERS_MAX; i++)
        CHECK_OK(add(i + 1, name_of(i), &peer));
    CHECK(add(PEERS_MAX + 1, name_of(0), &peer) == ERR_LIMIT);
    for (uint32_t i = 0; i < PEERS_MAX; i += 3)
        peers_drop(p, peers_get(p, i + 1));
    for (uint32_t i = 0; i < PEERS_MAX; i += 3)
        CHECK_OK(add(PEERS_MAX + i + 1, name_of(i), &peer));
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        peer = peers_get(p, i % 3 ? i + 1 : PEERS_MAX + i + 1);
        CHECK(peer && strcmp(peer->name, name_of(i)) == 0 && peer->device->peers == 1);
    }
    CHECK(p->count == PEERS_MAX);
}

TEST(the_longest_silent_device_yields_its_place)
{
    struct peer *peer;
    begin();
    for (uint32_t i = 0; i < DEVICES_MAX; i++) {
        CHECK_OK(add(i + 1, name_of(i), &peer));
        peer->device->bucket.filled_ms = 1000 + (i ^ 5);
    }
    for (uint32_t i = 0; i < DEVICES_MAX; i++)
        if (i != 5) /* 5 was silent longest, but is connected */
            peers_drop(p, peers_get(p, i + 1));
    CHECK_OK(add(DEVICES_MAX + 1, "newcomer", &peer));
    CHECK(peer->device->bucket.filled_ms == 0);
    CHECK_OK(add(DEVICES_MAX + 2, "dev-4", &peer)); /* 4 ^ 5 is 1: its place was the next */
    CHECK(peer->device->bucket.filled_ms == 0);
    CHECK_OK(add(DEVICES_MAX + 3, "dev-5", &peer));
    CHECK(peer->device->bucket.filled_ms == 1000 && peer->device->peers == 2);
    CHECK_OK(add(DEVICES_MAX + 4, "dev-6", &peer));
    CHECK(peer->device->bucket.filled_ms == 1000 + 3);
}
