#include "sensorthings/patch.h"
#include "base/test.h"
#include "sensorthings/json.h"

static struct arena arena;
static struct sta_error error;

/* The patched document, or the status. */
static bool
gives(const char *document, const char *patch, const char *wanted)
{
    struct bytes out;
    size_t bad;
    if (!arena.p)
        arena_init(&arena, 4 * 1024 * 1024);
    arena_reset(&arena);
    error = (struct sta_error){0};
    CHECK(sta_json_check(bytes_text(document), &bad) && sta_json_check(bytes_text(patch), &bad));
    enum err e = sta_json_patch(bytes_text(document), bytes_text(patch), &arena, &out, &error);
    if (e != OK) {
        char status[16];
        snprintf(status, sizeof(status), "%d", error.status);
        return strcmp(wanted, status) == 0;
    }
    if (bytes_are(out, wanted))
        return true;
    printf("%.*s\n", BYTES_PRINTF(out));
    return false;
}

/* RFC 6902 appendix A, in its order. */
TEST(the_examples_of_the_standard)
{
    CHECK(gives("{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
                "{\"foo\":\"bar\",\"baz\":\"qux\"}"));
    CHECK(gives("{\"foo\":[\"bar\",\"baz\"]}",
                "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
                "{\"foo\":[\"bar\",\"qux\",\"baz\"]}"));
    CHECK(gives("{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
                "{\"foo\":\"bar\"}"));
    CHECK(gives("{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
                "{\"foo\":[\"bar\",\"baz\"]}"));
    CHECK(gives("{\"baz\":\"qux\",\"foo\":\"bar\"}",
                "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
                "{\"baz\":\"boo\",\"foo\":\"bar\"}"));
    CHECK(gives("{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
                "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
                "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}"));
    CHECK(gives("{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
                "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
                "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}"));
    CHECK(gives("{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
                "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
                "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
                "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}"));
    CHECK(gives("{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]",
                "409"));
    CHECK(gives("{\"foo\":\"bar\"}",
                "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
                "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}"));
    CHECK(gives("{\"foo\":\"bar\"}",
                "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
                "{\"foo\":\"bar\",\"baz\":\"qux\"}"));
    CHECK(gives("{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]",
                "409"));
    CHECK(gives("{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
                "{\"/\":9,\"~1\":10}"));
    CHECK(gives("{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]",
                "409"));
    CHECK(gives("{\"foo\":[\"bar\"]}",
                "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
                "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}"));
}

TEST(copies_replacements_in_lists_and_the_whole_document)
{
    CHECK(gives("{\"a\":[1,2,3]}", "[{\"op\":\"replace\",\"path\":\"/a/1\",\"value\":9}]",
                "{\"a\":[1,9,3]}"));
    CHECK(gives("{\"a\":[1,2,3]}", "[{\"op\":\"replace\",\"path\":\"/a/2\",\"value\":9}]",
                "{\"a\":[1,2,9]}"));
    CHECK(gives("{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"}]",
                "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"));
    CHECK(gives("{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":{\"b\":2}}]",
                "{\"b\":2}"));
    CHECK(gives("{\"a\":[]}", "[{\"op\":\"add\",\"path\":\"/a/0\",\"value\":1}]", "{\"a\":[1]}"));
    CHECK(
        gives("{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":2}]", "{\"a\":[1,2]}"));
    CHECK(gives("{\"\\u0061b\":1}", "[{\"op\":\"remove\",\"path\":\"/ab\"}]", "{}"));
    CHECK(gives("{\"a\":{\"b\":1,\"c\":[1.0]}}",
                "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"c\":[1],\"b\":1e0}}]",
                "{\"a\":{\"b\":1,\"c\":[1.0]}}"));
}

TEST(what_does_not_fit_is_said_and_changes_nothing)
{
    CHECK(gives("{}", "{}", "400") && gives("{}", "[1]", "400") && gives("{}", "[{}]", "400"));
    CHECK(gives("{}", "[{\"op\":\"jump\",\"path\":\"/a\"}]", "400"));
    CHECK(gives("{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", "400"));
    CHECK(gives("{}", "[{\"op\":\"add\",\"value\":1}]", "400"));
    CHECK(gives("{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", "400"));
    CHECK(gives("{}", "[{\"op\":\"add\",\"path\":\"/a~2\",\"value\":1}]", "400"));
    CHECK(gives("{}", "[{\"op\":\"move\",\"path\":\"/a\"}]", "400"));
    CHECK(gives("{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "409"));
    CHECK(gives("{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", "409"));
    CHECK(gives("{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"\"}]", "409"));
    CHECK(gives("{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":1}]", "409"));
    CHECK(gives("{\"a\":[1]}", "[{\"op\":\"remove\",\"path\":\"/a/-\"}]", "409"));
    CHECK(gives("{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/01\",\"value\":1}]", "409"));
    CHECK(
        gives("{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", "409"));
    CHECK(
        gives("{\"a\":1}",
              "[{\"op\":\"add\",\"path\":\"/b\",\"value\":2},{\"op\":\"remove\",\"path\":\"/c\"}]",
              "409"));
}

TEST(a_patch_cannot_grow_without_end)
{
    struct buf patch;
    buf_init(&patch, 64 * 1024);
    buf_text(&patch, "[{\"op\":\"add\",\"path\":\"/a\",\"value\":{\"a\":{}}}");
    for (int i = 0; i < 40; i++)
        buf_text(&patch, ",{\"op\":\"copy\",\"from\":\"\",\"path\":\"/a/b\"}"
                         ",{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"}");
    buf_byte(&patch, ']');
    CHECK(gives("{\"x\":1}", buf_string(&patch), "413"));
    buf_reset(&patch);
    for (int i = 0; i <= STA_PATCH_STEPS_MAX; i++)
        buf_format(&patch, "%s{\"op\":\"test\",\"path\":\"\",\"value\":{}}", i ? "," : "[");
    buf_byte(&patch, ']');
    CHECK(gives("{}", buf_string(&patch), "413"));
    buf_fini(&patch);
}

TEST(members_are_merged_at_the_top_only)
{
    struct bytes out;
    if (!arena.p)
        arena_init(&arena, 4 * 1024 * 1024);
    CHECK_OK(sta_json_merge(bytes_text("{\"a\":1,\"b\":{\"x\":1}}"),
                            bytes_text("{\"b\":{\"y\":2},\"c\":null}"), &arena, &out));
    CHECK(bytes_are(out, "{\"a\":1,\"b\":{\"y\":2},\"c\":null}"));
    CHECK_OK(sta_json_merge(bytes_text("{}"), bytes_text("{}"), &arena, &out));
    CHECK(bytes_are(out, "{}"));
}
