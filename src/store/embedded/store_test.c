#include "store/embedded/place.h"

#include "base/test.h"

#include <math.h>

static void
add_stream(struct place *p, uint32_t id, uint64_t keep_s)
{
    struct store_stream meta = {"vehicle-position", "hall", keep_s, true};
    CHECK_OK(store_add_stream(p->s, id, &meta));
}

static uint64_t
append(struct place *p, uint32_t stream, int64_t time_us, double v)
{
    struct observation o = {.time_us = time_us,
                            .time_end_us = time_us,
                            .result_time_us = time_us,
                            .kind = RESULT_NUMBER,
                            .number = v};
    uint64_t n = UINT64_MAX;
    CHECK_OK(store_append(p->s, stream, &o, false, &n));
    return n;
}

static void
maintain(struct place *p)
{
    bool more = true;
    for (size_t i = 0; more && i < 100000; i++)
        CHECK_OK(store_maintain(p->s, &more));
    CHECK(!more);
}

/* Everything that is sealed by age. */
static void
seal_all(struct place *p)
{
    p->clock.wall_us += (int64_t)3600 * 1000000;
    maintain(p);
}

struct seen {
    size_t count, stop_at;
    int64_t time_us[8192];
    uint64_t n[8192];
    double number[8192];
};

static bool
see(void *ctx, uint64_t n, const struct observation *o)
{
    struct seen *seen = ctx;
    CHECK(seen->count < ARRAY_COUNT(seen->n));
    seen->time_us[seen->count] = o->time_us;
    seen->n[seen->count] = n;
    seen->number[seen->count++] = o->number;
    return seen->count != seen->stop_at;
}

static struct seen seen;

static void
range(struct place *p, uint32_t stream, struct store_range r, size_t stop_at)
{
    seen.count = 0;
    seen.stop_at = stop_at;
    CHECK_OK(store_range(p->s, stream, &r, see, &seen));
}

static const struct store_range whole = {.from_us = INT64_MIN, .to_us = INT64_MAX};

TEST(what_is_committed_is_there_after_opening)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 7, 0);
    CHECK(append(&p, 7, T0, 1.5) == 0);
    CHECK(append(&p, 7, T0 + 1, 2.5) == 1);
    CHECK(store_dirty(p.s));
    CHECK_OK(store_decide(p.s, bytes_text("accepted 7")));
    CHECK_OK(store_commit(p.s));
    CHECK(!store_dirty(p.s));
    append(&p, 7, T0 + 2, 9);
    CHECK_OK(store_decide(p.s, bytes_text("never")));
    store_abandon(p.s);
    uint64_t size;
    uint8_t root[32];
    store_head(p.s, &size, root);
    CHECK(size == 1);
    for (int round = 0; round < 3; round++) {
        place_reopen(&p);
        range(&p, 7, whole, 0);
        CHECK(seen.count == 2 && seen.number[0] == 1.5 && seen.number[1] == 2.5);
        uint8_t again[32];
        store_head(p.s, &size, again);
        CHECK(size == 1 && memcmp(root, again, 32) == 0);
        if (round == 1)
            seal_all(&p);
    }
    struct store_span span;
    CHECK_OK(store_span(p.s, 7, &span));
    CHECK(span.count == 2 && span.first_us == T0 && span.last_us == T0 + 1);
    CHECK(store_span(p.s, 8, &span) == ERR_NOT_FOUND);
    place_fini(&p);
}

TEST(a_stream_of_the_batch_is_not_there_before_the_commit)
{
    struct place p;
    place_init(&p);
    struct store_span span;
    add_stream(&p, 1, 0);
    struct store_stream meta = {"c", "s", 0, false};
    CHECK(store_add_stream(p.s, 1, &meta) == ERR_EXISTS);
    CHECK(store_span(p.s, 1, &span) == ERR_NOT_FOUND);
    struct store_range r = whole;
    CHECK(store_range(p.s, 1, &r, see, &seen) == ERR_NOT_FOUND);
    store_abandon(p.s);
    struct observation o = {.kind = RESULT_NUMBER};
    uint64_t n;
    CHECK(store_append(p.s, 1, &o, false, &n) == ERR_NOT_FOUND);
    add_stream(&p, 1, 0);
    CHECK_OK(store_commit(p.s));
    CHECK_OK(store_span(p.s, 1, &span));
    o.number = NAN;
    CHECK(store_append(p.s, 1, &o, false, &n) == ERR_MALFORMED);
    place_fini(&p);
}

struct entities {
    size_t count;
    uint8_t type[16];
    uint64_t id[16];
    char text[16][16];
};
static void
each_entity(void *ctx, uint8_t type, uint64_t id, struct bytes record)
{
    struct entities *all = ctx;
    CHECK(all->count < 16);
    all->type[all->count] = type;
    all->id[all->count] = id;
    CHECK_OK(bytes_copy_text(record, all->text[all->count++], 16));
}

TEST(entities_are_put_changed_and_deleted)
{
    struct place p;
    place_init(&p);
    CHECK_OK(store_put_entity(p.s, 2, 9, bytes_text("two-nine")));
    CHECK_OK(store_put_entity(p.s, 1, 5, bytes_text("one-five")));
    CHECK_OK(store_put_entity(p.s, 2, 3, bytes_text("old")));
    CHECK_OK(store_commit(p.s));
    CHECK_OK(store_put_entity(p.s, 2, 3, bytes_text("new")));
    CHECK_OK(store_put_entity(p.s, 1, 6, bytes_text("gone")));
    CHECK_OK(store_commit(p.s));
    place_reopen(&p);
    CHECK_OK(store_put_entity(p.s, 1, 6, (struct bytes){0}));
    CHECK_OK(store_commit(p.s));
    CHECK_OK(store_put_entity(p.s, 1, 7, bytes_text("not committed")));
    for (int round = 0; round < 3; round++) {
        struct entities all = {0};
        CHECK_OK(store_each_entity(p.s, each_entity, &all));
        CHECK(all.count == 3);
        CHECK(all.type[0] == 1 && all.id[0] == 5 && strcmp(all.text[0], "one-five") == 0);
        CHECK(all.type[1] == 2 && all.id[1] == 3 && strcmp(all.text[1], "new") == 0);
        CHECK(all.type[2] == 2 && all.id[2] == 9 && strcmp(all.text[2], "two-nine") == 0);
        place_reopen(&p);
        seal_all(&p);
    }
    place_fini(&p);
}

/* A model in memory beside the store; both are asked the same. */
struct model {
    size_t count;
    int64_t time_us[6000];
    double number[6000];
};

static int
model_compare(const void *a, const void *b, void *ctx)
{
    const struct model *m = ctx;
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;
    if (m->time_us[i] != m->time_us[j])
        return m->time_us[i] < m->time_us[j] ? -1 : 1;
    return i < j ? -1 : i > j;
}

static void
compare_range(struct place *p, const struct model *m, int64_t from, int64_t to, bool down,
              size_t page)
{
    static size_t index[6000];
    for (size_t i = 0; i < m->count; i++)
        index[i] = i;
    qsort_r(index, m->count, sizeof index[0], model_compare, (void *)(uintptr_t)m);
    struct store_range r = {.from_us = from, .to_us = to, .descending = down};
    size_t at = 0;
    range(p, 1, r, page);
    for (size_t k = 0; k < m->count; k++) {
        size_t i = index[down ? m->count - 1 - k : k];
        if (m->time_us[i] < from || m->time_us[i] >= to)
            continue;
        if (at == seen.count) { /* next page */
            CHECK(page && seen.count == page);
            r.after = true;
            r.after_us = seen.time_us[at - 1];
            r.after_n = seen.n[at - 1];
            range(p, 1, r, page);
            at = 0;
            CHECK(seen.count > 0);
        }
        CHECK(seen.n[at] == i && seen.time_us[at] == m->time_us[i]);
        CHECK(memcmp(&seen.number[at], &m->number[i], 8) == 0);
        at++;
    }
    CHECK(at == seen.count);
}

static void
compare_sum(struct place *p, const struct model *m, int64_t from, int64_t to)
{
    struct store_aggregate want = {0};
    for (size_t i = 0; i < m->count; i++) {
        if (m->time_us[i] < from || m->time_us[i] >= to)
            continue;
        want.min = want.count == 0 ? m->number[i] : fmin(want.min, m->number[i]);
        want.max = want.count == 0 ? m->number[i] : fmax(want.max, m->number[i]);
        want.sum += m->number[i];
        want.count++;
    }
    struct store_aggregate got;
    CHECK_OK(store_aggregate(p->s, 1, from, to, &got));
    CHECK(got.count == want.count && got.min == want.min && got.max == want.max);
    CHECK(fabs(got.sum - want.sum) < 1e-6);
}

static void
compare_all(struct place *p, const struct model *m, const struct random_source *r)
{
    compare_range(p, m, INT64_MIN, INT64_MAX, false, 0);
    compare_range(p, m, INT64_MIN, INT64_MAX, true, 0);
    for (size_t i = 0; i < 4; i++) {
        int64_t from = T0 + (int64_t)random_below(r, 6000) * 1000;
        int64_t to = from + (int64_t)random_below(r, 3000) * 1000;
        compare_range(p, m, from, to, i % 2, 1 + random_below(r, 700));
        compare_sum(p, m, from, to);
    }
    compare_sum(p, m, INT64_MIN, INT64_MAX);
    for (size_t i = 0; i < 20 && m->count; i++) {
        uint64_t n = random_below(r, m->count);
        struct observation o;
        CHECK_OK(store_get(p->s, 1, n, &o));
        CHECK(o.time_us == m->time_us[n] && o.number == m->number[n]);
    }
    struct observation o;
    CHECK(store_get(p->s, 1, m->count, &o) == ERR_NOT_FOUND);
}

TEST(late_and_mixed_data_read_as_one_series)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 0);
    static struct model m;
    m.count = 0;
    struct random_source r = random_seeded_source(&(struct random_seeded){test_seed() + 1});
    for (int step = 0; step < 24; step++) {
        size_t count = 1 + random_below(&r, 400);
        for (size_t i = 0; i < count; i++) {
            int64_t late = random_below(&r, 10) ? 0 : (int64_t)random_below(&r, 4000);
            m.time_us[m.count] = T0 + ((int64_t)m.count - late) * 1000;
            m.number[m.count] = (double)random_below(&r, 100000) / 100;
            CHECK(append(&p, 1, m.time_us[m.count], m.number[m.count]) == m.count);
            m.count++;
        }
        CHECK_OK(store_commit(p.s));
        switch (random_below(&r, 4)) {
        case 0:
            seal_all(&p);
            break;
        case 1:
            maintain(&p);
            break;
        case 2:
            place_reopen(&p);
            break;
        default:
            break;
        }
        if (step % 4 == 3)
            compare_all(&p, &m, &r);
    }
    place_fini(&p);
}

TEST(every_kind_of_result_comes_back)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 0);
    const struct observation all[] = {
        {.kind = RESULT_NUMBER, .number = -0.0, .time_us = T0, .time_end_us = T0},
        {.kind = RESULT_BOOL, .number = 1, .time_us = T0 + 1, .time_end_us = T0 + 9},
        {.kind = RESULT_TEXT, .text = bytes_text("h\xc3\xa9"), .time_us = T0, .feature_id = 5},
        {.kind = RESULT_JSON,
         .text = bytes_text("[1]"),
         .extra = bytes_text("{\"resultQuality\":1}"),
         .time_us = -5,
         .result_time_us = 77},
        {.kind = RESULT_TEXT},
    };
    uint64_t n;
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        CHECK_OK(store_append(p.s, 1, &all[i], false, &n));
    CHECK_OK(store_commit(p.s));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
            struct observation o;
            CHECK_OK(store_get(p.s, 1, i, &o));
            CHECK(o.kind == all[i].kind && memcmp(&o.number, &all[i].number, 8) == 0);
            CHECK(o.time_us == all[i].time_us && o.time_end_us == all[i].time_end_us);
            CHECK(o.result_time_us == all[i].result_time_us && o.feature_id == all[i].feature_id);
            CHECK(bytes_equal(o.text, all[i].text) && bytes_equal(o.extra, all[i].extra));
        }
        if (round == 0)
            place_reopen(&p);
        else
            seal_all(&p);
    }
    place_fini(&p);
}

TEST(the_same_message_is_stored_once)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 0);
    struct observation o = {.kind = RESULT_NUMBER};
    uint64_t n;
    for (int round = 0; round < 4; round++) {
        for (uint64_t i = 0; i < 2000; i++) {
            o.time_us = o.time_end_us = T0 + (int64_t)i / 2;
            o.number = (double)(i % 2);
            o.result_time_us = T0 + round; /* the receiver's clock may differ */
            enum err e = store_append(p.s, 1, &o, true, &n);
            CHECK(e == (round == 0 ? OK : ERR_EXISTS) && n == i);
        }
        CHECK_OK(store_commit(p.s));
        if (round == 1)
            maintain(&p); /* one part sealed, one part not */
        if (round == 2)
            place_reopen(&p);
    }
    o.number = 5;
    CHECK_OK(store_append(p.s, 1, &o, true, &n));
    CHECK(n == 2000);
    CHECK(store_append(p.s, 1, &o, true, &n) == ERR_EXISTS && n == 2000); /* in the batch too */
    place_fini(&p);
}

TEST(a_destroyed_stream_is_gone_for_good)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 0);
    add_stream(&p, 2, 0);
    for (int i = 0; i < 1500; i++) {
        append(&p, 1, T0 + i, i);
        append(&p, 2, T0 + i, i);
    }
    CHECK_OK(store_commit(p.s));
    maintain(&p);
    append(&p, 1, T0 + 5000, 1);
    CHECK_OK(store_erase_stream(p.s, 1)); /* commits, then destroys */
    for (int round = 0; round < 3; round++) {
        struct store_range r = whole;
        struct store_span span;
        struct observation o = {.kind = RESULT_NUMBER};
        uint64_t n;
        struct store_aggregate sum;
        CHECK(store_range(p.s, 1, &r, see, &seen) == ERR_EXPIRED);
        CHECK(store_get(p.s, 1, 0, &o) == ERR_EXPIRED);
        CHECK(store_aggregate(p.s, 1, 0, INT64_MAX, &sum) == ERR_EXPIRED);
        CHECK(store_append(p.s, 1, &o, false, &n) == ERR_EXPIRED);
        CHECK_OK(store_span(p.s, 1, &span));
        CHECK(span.count == 0);
        struct store_stream meta = {"c", "s", 0, false};
        CHECK(store_add_stream(p.s, 1, &meta) == ERR_EXISTS);
        range(&p, 2, whole, 0);
        CHECK(seen.count == 1500);
        place_reopen(&p);
        if (round == 1)
            maintain(&p);
    }
    CHECK_OK(store_erase_stream(p.s, 1));
    CHECK(store_erase_stream(p.s, 3) == ERR_NOT_FOUND);
    place_fini(&p);
}

struct where {
    uint64_t live, destroyed;
    int64_t expires_us;
    size_t journals;
};
static void
each_copy(void *ctx, const struct store_copy *copy)
{
    struct where *w = ctx;
    if (strcmp(copy->class_name, "vehicle-position") == 0) {
        CHECK(strcmp(copy->site, "hall") == 0 && strcmp(copy->file, "store.db") == 0);
        w->live += copy->keys_live;
        w->destroyed += copy->keys_destroyed;
        w->expires_us = copy->expires_us;
    }
    w->journals += strncmp(copy->file, "journal.", 8) == 0 && copy->keys_live;
}

TEST(expired_observations_go_and_their_key_with_the_last)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 3600);
    add_stream(&p, 2, 0);
    for (int i = 0; i < 3000; i++) {
        append(&p, 1, T0 + (int64_t)i * 1000000, i);
        append(&p, 2, T0 + (int64_t)i * 1000000, i);
    }
    CHECK_OK(store_commit(p.s));
    maintain(&p);
    p.clock.wall_us = T0 + (int64_t)(3600 + 1100) * 1000000;
    maintain(&p);
    range(&p, 1, whole, 0);
    CHECK(seen.count == 1900 && seen.number[0] == 1100); /* to the second, not to the chunk */
    struct store_span span;
    CHECK_OK(store_span(p.s, 1, &span));
    CHECK(span.count == 3000 - 1024);
    struct where w = {0};
    CHECK_OK(store_each_copy(p.s, each_copy, &w));
    CHECK(w.live == 3 && w.destroyed == 0); /* a second key after an hour */
    CHECK(w.expires_us == T0 + (int64_t)(1024 + 3600) * 1000000);
    p.clock.wall_us = T0 + (int64_t)(3600 + 3000) * 1000000;
    maintain(&p);
    CHECK_OK(store_span(p.s, 1, &span));
    CHECK(span.count == 0);
    range(&p, 1, whole, 0);
    CHECK(seen.count == 0);
    w = (struct where){0};
    CHECK_OK(store_each_copy(p.s, each_copy, &w));
    CHECK(w.live == 2 && w.destroyed == 2 && w.journals >= 1);
    CHECK(append(&p, 1, p.clock.wall_us, 5) == 3000); /* ordinals go on */
    CHECK_OK(store_commit(p.s));
    place_reopen(&p);
    seal_all(&p);
    place_reopen(&p);
    p.clock.wall_us -= (int64_t)3600 * 1000000;
    range(&p, 1, whole, 0);
    CHECK(seen.count == 1 && seen.n[0] == 3000);
    range(&p, 2, whole, 0);
    CHECK(seen.count == 3000);
    place_fini(&p);
}

TEST(a_shorter_keep_of_a_new_charter_holds_for_what_was_stored_before)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 30 * 24 * 3600);
    for (int i = 0; i < 2000; i++)
        append(&p, 1, T0 + (int64_t)i * 1000000, i);
    CHECK_OK(store_commit(p.s));
    maintain(&p);
    p.clock.wall_us = T0 + (int64_t)(3600 + 1000) * 1000000;
    range(&p, 1, whole, 0);
    CHECK(seen.count == 2000);
    place_reopen(&p);
    store_keep_class(p.s, "another-class", 1);
    range(&p, 1, whole, 0);
    CHECK(seen.count == 2000);
    store_keep_class(p.s, "vehicle-position", 3600);
    maintain(&p);
    range(&p, 1, whole, 0);
    CHECK(seen.count == 1000 && seen.number[0] == 1000);
    place_fini(&p);
}
TEST(keys_of_expired_days_are_destroyed_while_the_stream_goes_on)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 24 * 3600);
    uint64_t minutes = 3 * 24 * 60;
    for (uint64_t i = 0; i < minutes; i++) {
        append(&p, 1, p.clock.wall_us, (double)i);
        p.clock.wall_us += 60000000;
        if (i % 10 == 9) {
            CHECK_OK(store_commit(p.s));
            maintain(&p);
        }
        if (i % 1500 == 1499)
            place_reopen(&p);
    }
    for (int round = 0; round < 2; round++) {
        struct where w = {0};
        CHECK_OK(store_each_copy(p.s, each_copy, &w));
        CHECK(w.live >= 8 && w.live <= 11 && w.destroyed >= 13 && w.destroyed <= 17);
        range(&p, 1, whole, 0);
        CHECK(seen.count == 24 * 60 && seen.number[0] == (double)(minutes - 24 * 60));
        struct store_aggregate sum;
        CHECK_OK(store_aggregate(p.s, 1, INT64_MIN, INT64_MAX, &sum));
        CHECK(sum.count == 24 * 60 && sum.min == seen.number[0]);
        place_reopen(&p);
    }
    CHECK_OK(store_erase_stream(p.s, 1));
    struct where w = {0};
    CHECK_OK(store_each_copy(p.s, each_copy, &w));
    CHECK(w.live == 0 && w.destroyed >= 22);
    place_fini(&p);
}

TEST(another_key_zone_or_directory_does_not_open)
{
    struct place p;
    place_init(&p);
    add_stream(&p, 1, 0);
    append(&p, 1, T0, 1);
    CHECK_OK(store_commit(p.s));
    store_close(p.s);
    struct store_config other = p.config;
    other.master_key[31] ^= 1;
    CHECK(store_open(&other, &p.s) == ERR_CRYPTO);
    other = p.config;
    snprintf(other.zone, sizeof other.zone, "signals");
    CHECK(store_open(&other, &p.s) == ERR_CRYPTO);
    place_open(&p);
    range(&p, 1, whole, 0);
    CHECK(seen.count == 1);
    place_fini(&p);
}

TEST(the_journal_goes_round_under_load)
{
    struct place p;
    place_init(&p);
    for (uint32_t i = 0; i < 100; i++)
        add_stream(&p, i, 0);
    uint64_t decided = 0;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 5000; i++) {
            append(&p, (uint32_t)i % 100, T0 + round * 50 + i / 100, round);
            if (i % 5 == 0) {
                CHECK_OK(store_decide(p.s, bytes_text("ok")));
                decided++;
            }
        }
        CHECK_OK(store_commit(p.s));
        bool more;
        if (round % 2)
            CHECK_OK(store_maintain(p.s, &more));
    }
    uint64_t size;
    uint8_t root[32];
    uint8_t again[32];
    store_head(p.s, &size, root);
    CHECK(size == decided);
    place_reopen(&p);
    store_head(p.s, &size, again);
    CHECK(size == decided && memcmp(root, again, 32) == 0);
    for (uint32_t i = 0; i < 100; i++) {
        struct store_aggregate sum;
        CHECK_OK(store_aggregate(p.s, i, INT64_MIN, INT64_MAX, &sum));
        CHECK(sum.count == 15000 && sum.sum == 50.0 * 299 * 150);
    }
    place_fini(&p);
}

TEST(a_full_store_says_so_and_still_commits)
{
    struct place p;
    place_init(&p);
    store_close(p.s);
    p.config.disk_bytes = DISK_BYTES / 4 + 512 * 1024;
    place_open(&p);
    add_stream(&p, 1, 0);
    CHECK_OK(store_commit(p.s));
    enum err e = OK;
    for (int i = 0; e == OK && i < 100000; i++) {
        e = store_decide(p.s, bytes_text("fill"));
        if (i % 1000 == 0)
            CHECK_OK(store_commit(p.s));
    }
    CHECK(e == ERR_LIMIT);
    CHECK_OK(store_commit(p.s));
    CHECK_OK(store_erase_stream(p.s, 1)); /* destroying always works */
    place_fini(&p);
}
