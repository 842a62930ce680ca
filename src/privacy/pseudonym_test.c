#include "privacy/pseudonym.h"

#include "base/test.h"

enum { VEHICLES = 3000 };
static struct pseudonym_table table, other;

static struct bytes
vehicle_name(uint32_t i, char to[static 24])
{
    snprintf(to, 24, "vehicle-%u", i);
    return bytes_text(to);
}

static struct pseudonym_session
park(struct pseudonym_table *t, uint32_t i, struct place place, uint64_t now_s, bool *fresh)
{
    char name[24];
    const struct pseudonym_session *s = NULL;
    CHECK_OK(pseudonym_park(t, bytes_text("op"), vehicle_name(i, name), place, now_s, &s, fresh));
    return *s;
}

TEST(a_session_keeps_its_name_until_it_ends)
{
    struct random_seeded seeded = {test_seed()};
    pseudonym_init(&table, random_seeded_source(&seeded));
    struct place here = {454215, -756972}, near = {454220, -756980}, far = {454315, -756972};
    bool fresh;
    struct pseudonym_session a = park(&table, 1, here, 100, &fresh);
    CHECK(fresh);
    struct pseudonym_session b = park(&table, 1, near, 90000, &fresh);
    CHECK(!fresh && memcmp(a.name, b.name, 16) == 0 && b.place.lat_e4 == here.lat_e4);
    struct pseudonym_session c = park(&table, 1, far, 90001, &fresh);
    CHECK(fresh && memcmp(a.name, c.name, 16) != 0 && table.count == 1);
    CHECK(pseudonym_leave(&table, bytes_text("op"), bytes_text("vehicle-1")));
    CHECK(!pseudonym_leave(&table, bytes_text("op"), bytes_text("vehicle-1")));
    struct pseudonym_session d = park(&table, 1, far, 90002, &fresh);
    CHECK(fresh && memcmp(c.name, d.name, 16) != 0);
    const struct pseudonym_session *e;
    CHECK_OK(pseudonym_park(&table, bytes_text("rival"), bytes_text("vehicle-1"), far, 90002, &e,
                            &fresh));
    CHECK(fresh && table.count == 2);
    pseudonym_fini(&table);
}

/* Random parking and leaving against a plain array; then the same table from its bytes. */
TEST(the_table_agrees_with_a_plain_array)
{
    static bool parked[VEHICLES];
    static uint8_t names[VEHICLES][16];
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct place here = {1, 2};
    uint32_t count = 0;
    memset(parked, 0, sizeof(parked));
    pseudonym_init(&table, r);
    for (int step = 0; step < 200000; step++) {
        uint32_t i = (uint32_t)random_below(&r, VEHICLES);
        char name[24];
        bool fresh;
        if (random_below(&r, 2)) {
            struct pseudonym_session s = park(&table, i, here, 7, &fresh);
            CHECK(fresh == !parked[i]);
            CHECK(fresh || memcmp(s.name, names[i], 16) == 0);
            memcpy(names[i], s.name, 16);
            count += fresh ? 1 : 0;
            parked[i] = true;
        } else {
            CHECK(pseudonym_leave(&table, bytes_text("op"), vehicle_name(i, name)) == parked[i]);
            count -= parked[i] ? 1 : 0;
            parked[i] = false;
        }
        CHECK(table.count == count);
    }
    struct buf state;
    buf_init(&state, PSEUDONYM_STATE_MAX);
    pseudonym_save(&table, &state);
    CHECK_OK(buf_error(&state));
    pseudonym_init(&other, r);
    CHECK_OK(pseudonym_load(&other, buf_bytes(&state)));
    for (uint32_t i = 0; i < VEHICLES; i++) {
        bool fresh = true;
        if (!parked[i])
            continue;
        struct pseudonym_session s = park(&other, i, here, 8, &fresh);
        CHECK(!fresh && memcmp(s.name, names[i], 16) == 0);
    }
    CHECK(other.count == count);
    struct bytes cut = buf_bytes(&state);
    cut.len--;
    CHECK(pseudonym_load(&other, cut) == ERR_MALFORMED && other.count == 0);
    CHECK(pseudonym_expire(&table, 8) == count && table.count == 0);
    buf_fini(&state);
    pseudonym_fini(&table);
    pseudonym_fini(&other);
}

TEST(the_saved_state_holds_no_vehicle_id)
{
    struct random_seeded seeded = {test_seed()};
    pseudonym_init(&table, random_seeded_source(&seeded));
    bool fresh;
    (void)park(&table, 1, (struct place){1, 2}, 7, &fresh);
    struct buf state;
    buf_init(&state, PSEUDONYM_STATE_MAX);
    pseudonym_save(&table, &state);
    CHECK(memmem(state.p, state.len, "vehicle", 7) == NULL);
    buf_fini(&state);
    pseudonym_fini(&table);
}

TEST(a_full_table_refuses_and_keeps_what_it_has)
{
    struct random_seeded seeded = {test_seed()};
    pseudonym_init(&table, random_seeded_source(&seeded));
    bool fresh;
    for (uint32_t i = 0; i < PSEUDONYM_SESSIONS_MAX; i++)
        (void)park(&table, i, (struct place){1, 2}, 7, &fresh);
    const struct pseudonym_session *s = NULL;
    CHECK(pseudonym_park(&table, bytes_text("op"), bytes_text("one-more"), (struct place){1, 2}, 7,
                         &s, &fresh) == ERR_LIMIT);
    CHECK(s == NULL && table.count == PSEUDONYM_SESSIONS_MAX);
    (void)park(&table, 0, (struct place){1, 2}, 8, &fresh);
    CHECK(!fresh);
    pseudonym_fini(&table);
}
