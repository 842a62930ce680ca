/*
 * Corrections, withdrawals, versions and rollups, against a model in memory: whatever was sealed,
 * merged or opened anew in between, both answer the same.
 */
#include "store/embedded/place.h"

#include "base/test.h"

#include <math.h>

enum { MODEL_MAX = 40 * 280, VERSIONS_MAX = 8 };

struct said {
    int64_t time_us, result_us, at_us;
    double number;
    bool is_text; /* then number is the length */
};
static struct model {
    size_t count;
    struct said now[MODEL_MAX];
    bool withdrawn[MODEL_MAX];
    size_t versions[MODEL_MAX];
    struct said was[MODEL_MAX][VERSIONS_MAX];
} model;
static char letters[STORE_TEXT_MAX];

static struct observation
observation_of(const struct said *v)
{
    struct observation o = {.time_us = v->time_us,
                            .time_end_us = v->time_us,
                            .result_time_us = v->result_us,
                            .kind = v->is_text ? RESULT_TEXT : RESULT_NUMBER};
    if (v->is_text)
        o.text = bytes_of(letters, (size_t)v->number);
    else
        o.number = v->number;
    return o;
}

static bool
says(const struct observation *o, const struct said *v)
{
    struct observation want = observation_of(v);
    return o->time_us == want.time_us && o->result_time_us == want.result_time_us &&
           o->kind == want.kind && o->number == want.number && bytes_equal(o->text, want.text);
}

static struct said
something(const struct random_source *r, int64_t around_us)
{
    struct said v = {.time_us = around_us, .number = (double)random_below(r, 100000) / 100};
    if (random_below(r, 20) == 0)
        v.time_us += ((int64_t)random_below(r, 200) - 100) * 3600 * 1000000;
    v.result_us = v.time_us + (int64_t)random_below(r, 3) * 1000000;
    v.is_text = random_below(r, 10) == 0;
    if (v.is_text)
        v.number = (double)random_below(r, random_below(r, 50) ? 30 : sizeof letters);
    return v;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static size_t sorted[MODEL_MAX];
static size_t sorted_count;

static int
by_time(const void *a, const void *b)
{
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;
    if (model.now[i].time_us != model.now[j].time_us)
        return model.now[i].time_us < model.now[j].time_us ? -1 : 1;
    return i < j ? -1 : i > j;
}

static void
sort_model(void)
{
    sorted_count = 0;
    for (size_t i = 0; i < model.count; i++)
        if (!model.withdrawn[i])
            sorted[sorted_count++] = i;
    qsort(sorted, sorted_count, sizeof sorted[0], by_time);
}

struct ranging {
    size_t at;
    bool down;
};

static bool
see_range(void *ctx, uint64_t n, const struct observation *o)
{
    struct ranging *q = ctx;
    CHECK(q->at < sorted_count);
    size_t want = sorted[q->down ? sorted_count - 1 - q->at : q->at];
    CHECK(n == want && says(o, &model.now[want]));
    q->at++;
    return true;
}

struct rolled {
    enum store_step step;
    int64_t us;
    size_t at; /* in `sorted` */
    size_t buckets;
};

/* Made of the sorted model, one bucket after the other. */
static bool
see_rollup(void *ctx, const struct store_rollup *got)
{
    struct rolled *q = ctx;
    struct store_rollup want = {.start_us = got->start_us};
    CHECK(got->count > 0 && got->start_us % q->us == 0);
    for (; q->at < sorted_count; q->at++) {
        const struct said *v = &model.now[sorted[q->at]];
        if (v->is_text)
            continue;
        if (v->time_us >= got->start_us + q->us)
            break;
        CHECK(v->time_us >= got->start_us); /* else a bucket was left out */
        want.min = want.count ? fmin(want.min, v->number) : v->number;
        want.max = want.count ? fmax(want.max, v->number) : v->number;
        want.first = want.count ? want.first : v->number;
        want.last = v->number;
        want.sum += v->number;
        want.count++;
    }
    CHECK(got->count == want.count && got->min == want.min && got->max == want.max);
    CHECK(got->first == want.first && got->last == want.last);
    CHECK(fabs(got->sum - want.sum) < 1e-6);
    q->buckets++;
    return true;
}

static void
compare_rollups(struct store *s)
{
    static const int64_t us[] = {0, 60000000, 3600000000, 86400000000};
    for (enum store_step step = STORE_MINUTE; step <= STORE_DAY; step++) {
        struct rolled q = {step, us[step], 0, 0};
        CHECK_OK(store_rollups(s, 1, step, INT64_MIN, INT64_MAX, see_rollup, &q));
        for (; q.at < sorted_count; q.at++)
            CHECK(model.now[sorted[q.at]].is_text);
    }
}

static void
compare_span(struct store *s)
{
    struct store_span got;
    CHECK_OK(store_span(s, 1, &got));
    CHECK(got.count == sorted_count);
    if (sorted_count == 0)
        return;
    int64_t r0 = INT64_MAX;
    int64_t r1 = INT64_MIN;
    for (size_t i = 0; i < sorted_count; i++) {
        const struct said *v = &model.now[sorted[i]];
        r0 = v->result_us < r0 ? v->result_us : r0;
        r1 = v->result_us > r1 ? v->result_us : r1;
    }
    CHECK(got.first_us == model.now[sorted[0]].time_us);
    CHECK(got.last_us == model.now[sorted[sorted_count - 1]].time_us);
    CHECK(got.first_result_us == r0 && got.last_result_us == r1);
}

struct versions_seen {
    size_t n, count;
};

static bool
see_version(void *ctx, int64_t corrected_us, const struct observation *was)
{
    struct versions_seen *q = ctx;
    CHECK(q->count < model.versions[q->n]);
    const struct said *v = &model.was[q->n][q->count++];
    CHECK(says(was, v) && corrected_us == v->at_us);
    return true;
}

static void
compare_points(struct store *s, const struct random_source *r)
{
    for (size_t k = 0; k < 200 && model.count; k++) {
        size_t n = random_below(r, model.count);
        struct observation o;
        struct versions_seen q = {n, 0};
        enum err e = store_get(s, 1, n, &o);
        CHECK(e == (model.withdrawn[n] ? ERR_NOT_FOUND : OK));
        CHECK(e != OK || says(&o, &model.now[n]));
        e = store_versions(s, 1, n, see_version, &q);
        CHECK(e == (model.withdrawn[n] ? ERR_NOT_FOUND : OK));
        CHECK(e != OK || q.count == model.versions[n]);
    }
}

static void
compare_sum(struct store *s, int64_t from_us, int64_t to_us)
{
    struct store_aggregate got;
    struct store_aggregate want = {0};
    for (size_t i = 0; i < sorted_count; i++) {
        const struct said *v = &model.now[sorted[i]];
        if (v->is_text || v->time_us < from_us || v->time_us >= to_us)
            continue;
        want.count++;
        want.sum += v->number;
    }
    CHECK_OK(store_aggregate(s, 1, from_us, to_us, &got));
    CHECK(got.count == want.count && fabs(got.sum - want.sum) < 1e-6);
}

static void
compare_all(struct store *s, const struct random_source *r)
{
    sort_model();
    for (int down = 0; down < 2; down++) {
        struct ranging q = {0, down};
        struct store_range all = {.from_us = INT64_MIN, .to_us = INT64_MAX, .descending = down};
        CHECK_OK(store_range(s, 1, &all, see_range, &q));
        CHECK(q.at == sorted_count);
    }
    compare_rollups(s);
    compare_span(s);
    compare_points(s, r);
    compare_sum(s, INT64_MIN, INT64_MAX);
    int64_t from_us = T0 + (int64_t)random_below(r, 300) * 3600000000;
    compare_sum(s, from_us, from_us + (int64_t)random_below(r, 300) * 3600000000);
}

/* ---- changing ----------------------------------------------------------------------------- */

static void
append_some(struct place *p, const struct random_source *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t n;
        struct said v = something(r, T0 + (int64_t)model.count * 20 * 1000000);
        struct observation o = observation_of(&v);
        CHECK_OK(store_append(p->s, 1, &o, false, &n));
        CHECK(n == model.count);
        model.now[model.count++] = v;
    }
}

static void
correct(struct place *p, const struct random_source *r, size_t n)
{
    struct said v = something(r, model.now[n].time_us);
    struct observation o = observation_of(&v);
    enum err e = store_correct(p->s, 1, n, &o);
    CHECK(e == (model.withdrawn[n] ? ERR_NOT_FOUND : OK));
    if (e != OK)
        return;
    struct said *was = &model.was[n][model.versions[n]++];
    *was = model.now[n];
    was->at_us = p->clock.wall_us;
    model.now[n] = v;
}

static void
withdraw(struct place *p, size_t n)
{
    CHECK(store_withdraw(p->s, 1, n) == (model.withdrawn[n] ? ERR_NOT_FOUND : OK));
    model.withdrawn[n] = true;
    model.versions[n] = 0;
}

static void
edit_some(struct place *p, const struct random_source *r, size_t count)
{
    size_t near = random_below(r, model.count);
    for (size_t i = 0; i < count; i++) {
        size_t n = random_below(r, 2) ? random_below(r, model.count)
                                      : (near + random_below(r, 20)) % model.count;
        p->clock.wall_us++;
        if (random_below(r, 4) == 0)
            withdraw(p, n);
        else if (model.versions[n] < VERSIONS_MAX)
            correct(p, r, n);
    }
}

static void
maintain(struct place *p)
{
    bool more = true;
    for (size_t i = 0; more && i < 100000; i++)
        CHECK_OK(store_maintain(p->s, &more));
    CHECK(!more);
}

static void
add_stream(struct place *p, uint64_t keep_s)
{
    struct store_stream meta = {"meter", "hall", keep_s, true};
    CHECK_OK(store_add_stream(p->s, 1, &meta));
    CHECK_OK(store_commit(p->s));
}

TEST(changed_and_taken_back_it_reads_as_the_model_does)
{
    struct random_seeded seeded = {test_seed() + 5};
    struct random_source r = random_seeded_source(&seeded);
    memset(letters, 'x', sizeof letters);
    memset(&model, 0, sizeof model);
    struct place p;
    place_init(&p);
    add_stream(&p, 0);
    for (int step = 0; step < 40; step++) {
        append_some(&p, &r, random_below(&r, 280));
        if (model.count)
            edit_some(&p, &r, random_below(&r, 60));
        CHECK_OK(store_commit(p.s));
        switch (random_below(&r, 4)) {
        case 0:
            p.clock.wall_us += (int64_t)3600 * 1000000;
            maintain(&p);
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
        if (step % 3 == 2)
            compare_all(p.s, &r);
    }
    p.clock.wall_us += (int64_t)3600 * 1000000;
    maintain(&p);
    compare_all(p.s, &r);
    place_reopen(&p);
    compare_all(p.s, &r);
    place_fini(&p);
}

TEST(an_abandoned_edit_never_was)
{
    struct place p;
    struct observation o = {.kind = RESULT_NUMBER, .number = 1, .time_us = T0};
    struct observation other = {.kind = RESULT_NUMBER, .number = 2, .time_us = T0 + 5};
    struct observation got;
    struct store_span span;
    uint64_t n;
    place_init(&p);
    add_stream(&p, 0);
    CHECK(store_correct(p.s, 1, 0, &o) == ERR_NOT_FOUND);
    CHECK(store_withdraw(p.s, 2, 0) == ERR_NOT_FOUND);
    CHECK_OK(store_append(p.s, 1, &o, false, &n));
    CHECK_OK(store_correct(p.s, 1, 0, &other)); /* of the same batch */
    CHECK_OK(store_correct(p.s, 1, 0, &o));
    CHECK(store_get(p.s, 1, 0, &got) == ERR_NOT_FOUND);
    CHECK_OK(store_commit(p.s));
    CHECK_OK(store_correct(p.s, 1, 0, &other));
    CHECK_OK(store_withdraw(p.s, 1, 0));
    CHECK(store_withdraw(p.s, 1, 0) == ERR_NOT_FOUND);
    CHECK(store_correct(p.s, 1, 0, &other) == ERR_NOT_FOUND);
    CHECK_OK(store_get(p.s, 1, 0, &got)); /* not yet */
    store_abandon(p.s);
    for (int round = 0; round < 2; round++) {
        CHECK_OK(store_get(p.s, 1, 0, &got));
        CHECK(got.number == 1);
        CHECK_OK(store_span(p.s, 1, &span));
        CHECK(span.count == 1 && span.first_us == T0 && span.last_us == T0);
        place_reopen(&p);
    }
    o.number = NAN;
    CHECK(store_correct(p.s, 1, 0, &o) == ERR_MALFORMED);
    CHECK_OK(store_withdraw(p.s, 1, 0));
    CHECK_OK(store_commit(p.s));
    CHECK_OK(store_span(p.s, 1, &span));
    CHECK(span.count == 0);
    p.clock.wall_us += (int64_t)3600 * 1000000;
    maintain(&p);
    CHECK_OK(store_span(p.s, 1, &span));
    CHECK(span.count == 0);
    place_fini(&p);
}

struct counted {
    size_t count;
};
static bool
count_version(void *ctx, int64_t corrected_us, const struct observation *was)
{
    (void)corrected_us, (void)was;
    ((struct counted *)ctx)->count++;
    return true;
}

TEST(versions_expire_and_go_with_the_stream)
{
    struct place p;
    struct observation o = {.kind = RESULT_NUMBER, .number = 1, .time_us = T0};
    struct counted c = {0};
    uint64_t n;
    place_init(&p);
    add_stream(&p, 7200);
    CHECK_OK(store_append(p.s, 1, &o, false, &n));
    CHECK_OK(store_commit(p.s));
    o.time_us = T0 + (int64_t)7000 * 1000000;
    CHECK_OK(store_correct(p.s, 1, 0, &o));
    CHECK_OK(store_commit(p.s));
    CHECK_OK(store_versions(p.s, 1, 0, count_version, &c));
    CHECK(c.count == 1);
    p.clock.wall_us += (int64_t)7201 * 1000000;
    for (int round = 0; round < 2; round++) {
        c.count = 0;
        CHECK_OK(store_versions(p.s, 1, 0, count_version, &c)); /* it was older than is kept */
        CHECK(c.count == 0);
        maintain(&p);
    }
    CHECK_OK(store_erase_stream(p.s, 1));
    CHECK(store_versions(p.s, 1, 0, count_version, &c) == ERR_EXPIRED);
    CHECK(store_correct(p.s, 1, 0, &o) == ERR_EXPIRED);
    maintain(&p);
    place_reopen(&p);
    place_fini(&p);
}

TEST(many_edits_are_folded_as_they_come)
{
    struct place p;
    struct observation o = {.kind = RESULT_NUMBER};
    uint64_t n;
    bool reopened = false;
    enum { COUNT = 100000 };
    place_init(&p);
    add_stream(&p, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        o.time_us = o.time_end_us = o.result_time_us = T0 + i;
        o.number = 1;
        CHECK_OK(store_append(p.s, 1, &o, false, &n));
        if (i % 5000 == 4999)
            CHECK_OK(store_commit(p.s));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        o.time_us = o.time_end_us = o.result_time_us = T0 + i;
        o.number = 2;
        CHECK_OK(i % 3 == 0 ? store_withdraw(p.s, 1, i) : store_correct(p.s, 1, i, &o));
        if (i % 4000 == 3999)
            CHECK_OK(store_commit(p.s));
        if (i != COUNT / 2 || reopened)
            continue;
        place_reopen(&p);
        reopened = true;
        i -= i % 4000 + 1; /* what was not committed */
    }
    CHECK_OK(store_commit(p.s));
    for (int round = 0; round < 2; round++) {
        struct store_aggregate sum;
        struct store_span span;
        CHECK_OK(store_aggregate(p.s, 1, INT64_MIN, INT64_MAX, &sum));
        CHECK_OK(store_span(p.s, 1, &span));
        CHECK(sum.count == COUNT / 3 * 2 && sum.min == 2 && span.count == sum.count);
        place_reopen(&p);
    }
    place_fini(&p);
}

TEST(what_came_late_goes_in_time_though_its_chunk_stays)
{
    struct place p;
    struct observation o = {.kind = RESULT_NUMBER, .number = 1};
    struct store_span span;
    uint64_t n;
    place_init(&p);
    add_stream(&p, 72 * 3600);
    for (int i = 0; i < 100; i++) {
        o.time_us = T0 - (i == 50 ? (int64_t)71 * 3600 * 1000000 : 0);
        CHECK_OK(store_append(p.s, 1, &o, false, &n));
    }
    CHECK_OK(store_commit(p.s));
    p.clock.wall_us = T0 + (int64_t)3600 * 1000000 - 1;
    maintain(&p);
    CHECK_OK(store_span(p.s, 1, &span));
    CHECK(span.count == 100);
    p.clock.wall_us = T0 + (int64_t)12 * 3600 * 1000000;
    maintain(&p);
    for (int round = 0; round < 2; round++) {
        CHECK_OK(store_span(p.s, 1, &span));
        CHECK(span.count == 99 && span.first_us == T0);
        place_reopen(&p);
    }
    place_fini(&p);
}
