#include "sensorthings/filter.h"
#include "base/random.h"
#include "base/test.h"

static struct arena arena;

static enum err
parse(struct bytes text, const struct sta_expr **out, struct sta_error *error)
{
    struct bytes exact = test_exact(text);
    struct bytes kept = arena_dup(&arena, exact);
    test_exact_free(exact);
    return sta_filter_parse(kept, STA_OBSERVATION, &arena, out, error);
}

static bool
prints(const char *text, const char *expected)
{
    const struct sta_expr *e;
    struct sta_error error = {0};
    struct buf out;
    if (!arena.p)
        arena_init(&arena, 1024 * 1024);
    arena_reset(&arena);
    buf_init(&out, 64 * 1024);
    bool same = parse(bytes_text(text), &e, &error) == OK;
    if (same)
        sta_filter_print(e, STA_OBSERVATION, &out);
    same = same && strcmp(buf_string(&out), expected) == 0;
    if (!same)
        printf("%s\n  %s %s\n", text, buf_string(&out), error.text);
    buf_fini(&out);
    return same;
}

TEST(precedence_is_that_of_the_standard)
{
    CHECK(prints("true or false and not true", "true or false and not true"));
    CHECK(prints("(true or false) and true", "(true or false) and true"));
    CHECK(prints("(true and false) or true", "true and false or true"));
    CHECK(prints("result add 2 mul 3 sub 4 gt 1 eq true", "result add 2 mul 3 sub 4 gt 1 eq true"));
    CHECK(prints("result sub (2 sub 3) gt 1", "result sub (2 sub 3) gt 1"));
    CHECK(prints("((result sub 2)) sub 3 gt 1", "result sub 2 sub 3 gt 1"));
    CHECK(prints("not (result gt 1)", "not (result gt 1)"));
    CHECK(prints("-(result) gt -5", "-(result) gt -5"));
    CHECK(prints("result gt 1 eq (result lt 2)", "result gt 1 eq result lt 2"));
}

TEST(literals_come_out_as_they_mean)
{
    CHECK(prints("result eq 'it''s'", "result eq 'it''s'"));
    CHECK(prints("result eq 1.50e1", "result eq 15"));
    CHECK(prints("phenomenonTime eq 2026-03-01T12:00:00+02:00",
                 "phenomenonTime eq 2026-03-01T10:00:00.000Z"));
    CHECK(prints("phenomenonTime eq 2026-03-01T12:00:00 02:00",
                 "phenomenonTime eq 2026-03-01T10:00:00.000Z"));
    CHECK(prints("phenomenonTime eq '2026-03-01T12:00:00Z'",
                 "phenomenonTime eq 2026-03-01T12:00:00.000Z"));
    CHECK(prints("now() sub phenomenonTime lt duration'P1DT1.5S'",
                 "now() sub phenomenonTime lt duration'PT86401.500000S'"));
    CHECK(prints("date(phenomenonTime) eq 2026-03-01", "date(phenomenonTime) eq 2026-03-01"));
    CHECK(prints("time(phenomenonTime) lt 12:30:00.5", "time(phenomenonTime) lt 12:30:00.500000"));
    CHECK(prints("@iot.id eq 1", "id eq 1"));
}

TEST(depth_and_size_are_bounded)
{
    char text[8192];
    const struct sta_expr *e;
    struct sta_error error;
    arena_reset(&arena);
    memset(text, '(', 40);
    CHECK(parse(bytes_of(text, 40), &e, &error) != OK && strstr(error.text, "deep"));
    size_t len = 0;
    for (int i = 0; i < 400; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "not ");
    CHECK(parse(bytes_of(text, len), &e, &error) != OK && strstr(error.text, "deep"));
    len = (size_t)snprintf(text, sizeof(text), "true");
    for (int i = 0; i < 300; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, " or true");
    CHECK(parse(bytes_of(text, len), &e, &error) != OK && strstr(error.text, "parts"));
}

/* A random expression as text; `kind` is what it must give. */
static void
random_expr(struct random_source *r, enum sta_kind kind, int depth, struct buf *out)
{
    static const char *const bools[] = {"true", "false", "result", "parameters/on"};
    static const char *const numbers[] = {"1",  "-2.5",          "result",
                                          "id", "Datastream/id", "length('a')"};
    static const char *const texts[] = {"'a'",    "'it''s'",   "''", "Datastream/name",
                                        "result", "'\xc3\xa9'"};
    static const char *const times[] = {"phenomenonTime", "now()", "2026-03-01T12:00:00Z",
                                        "resultTime"};
    static const char *const logic[] = {" and ", " or "}, *const sums[] = {" add ", " sub ",
                                                                           " mul ", " div ",
                                                                           " mod "};
    static const char *const compares[] = {" eq ", " ne ", " gt ", " ge ", " lt ", " le "};
    uint64_t pick = depth > 0 ? random_below(r, 5) : 0;
    buf_byte(out, '(');
    if (kind == STA_BOOL && pick == 1) {
        random_expr(r, STA_BOOL, depth - 1, out);
        buf_text(out, logic[random_below(r, 2)]);
        random_expr(r, STA_BOOL, depth - 1, out);
    } else if (kind == STA_BOOL && pick == 2) {
        buf_text(out, "not ");
        random_expr(r, STA_BOOL, depth - 1, out);
    } else if (kind == STA_BOOL && pick > 2) {
        static const enum sta_kind kinds[] = {STA_NUMBER, STA_TEXT, STA_TIME};
        enum sta_kind k = kinds[random_below(r, 3)];
        random_expr(r, k, depth - 1, out);
        buf_text(out, compares[random_below(r, 6)]);
        random_expr(r, k, depth - 1, out);
    } else if (kind == STA_NUMBER && pick > 1) {
        buf_text(out, pick == 2 ? "-" : "");
        random_expr(r, STA_NUMBER, depth - 1, out);
        if (pick > 2) {
            buf_text(out, sums[random_below(r, 5)]);
            buf_text(out, "1");
        }
    } else if (kind == STA_TEXT && pick > 2) {
        buf_text(out, "concat(");
        random_expr(r, STA_TEXT, depth - 1, out);
        buf_byte(out, ',');
        random_expr(r, STA_TEXT, depth - 1, out);
        buf_byte(out, ')');
    } else if (kind == STA_BOOL) {
        buf_text(out, bools[random_below(r, ARRAY_COUNT(bools))]);
    } else if (kind == STA_NUMBER) {
        buf_text(out, numbers[random_below(r, ARRAY_COUNT(numbers))]);
    } else if (kind == STA_TEXT) {
        buf_text(out, texts[random_below(r, ARRAY_COUNT(texts))]);
    } else {
        buf_text(out, times[random_below(r, ARRAY_COUNT(times))]);
    }
    buf_byte(out, ')');
}

static bool
same_tree(const struct sta_expr *a, const struct sta_expr *b)
{
    if (a->op != b->op || a->kind != b->kind || a->args_count != b->args_count ||
        a->function != b->function)
        return false;
    if (a->op == STA_OP_LITERAL)
        return a->literal.number == b->literal.number && a->literal.time_us == b->literal.time_us &&
               bytes_equal(a->literal.text, b->literal.text);
    if (a->op == STA_OP_PATH)
        return a->path->property == b->path->property && a->path->type == b->path->type &&
               a->path->members_count == b->path->members_count;
    for (uint32_t i = 0; i < a->args_count; i++)
        if (!same_tree(a->args[i], b->args[i]))
            return false;
    return true;
}

TEST(random_filters_print_and_parse_to_the_same_tree)
{
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf text, printed;
    buf_init(&text, 64 * 1024);
    buf_init(&printed, 64 * 1024);
    int parsed = 0;
    for (int i = 0; i < 5000; i++) {
        const struct sta_expr *a, *b;
        struct sta_error error;
        arena_reset(&arena);
        buf_reset(&text);
        buf_reset(&printed);
        random_expr(&r, STA_BOOL, 5, &text);
        if (parse(buf_bytes(&text), &a, &error) != OK) {
            CHECK(strstr(error.text, "parts") || strstr(error.text, "cannot"));
            continue;
        }
        parsed++;
        sta_filter_print(a, STA_OBSERVATION, &printed);
        CHECK_OK(parse(buf_bytes(&printed), &b, &error));
        CHECK(same_tree(a, b));
    }
    CHECK(parsed > 4000);
    buf_fini(&text);
    buf_fini(&printed);
}
