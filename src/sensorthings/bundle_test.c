#include "sensorthings/bundle.h"
#include "base/test.h"

static struct arena arena;
static struct sta_bundle bundle;
static struct sta_error error;

static int
reads(const char *type, const char *body)
{
    if (!arena.p)
        arena_init(&arena, STA_BUNDLE_ARENA_BYTES);
    arena_reset(&arena);
    error = (struct sta_error){0};
    bundle = (struct sta_bundle){0};
    return sta_bundle_read(bytes_text(type), bytes_text(body), &arena, &bundle, &error) == OK
               ? 200
               : error.status;
}

static bool
refused(const char *type, const char *body, int status, const char *why)
{
    int is = reads(type, body);
    if (is == status && strstr(error.text, why))
        return true;
    printf("%d %s\n", is, error.text);
    return false;
}

#define MIXED "multipart/mixed; boundary=b"
#define HTTP "--b\r\nContent-Type: application/http\r\n\r\n"
#define SET "--b\r\nContent-Type: multipart/mixed; boundary=cs\r\n\r\n"
#define IN_SET(id) "--cs\r\nContent-Type: application/http\r\nContent-ID: " id "\r\n\r\n"

TEST(parts_come_in_order_with_their_sets)
{
    CHECK(reads("Multipart/Mixed; charset=utf-8; Boundary=\"b\"",
                "preamble\r\n" HTTP
                "GET /v1.1/Things(1) HTTP/1.1\r\nHost: x\r\n\r\n\r\n" SET IN_SET(
                    "1") "POST /v1.1/Things HTTP/1.1\r\nContent-Type: "
                         "application/json\r\nContent-Length: 4\r\n\r\n{\n }more\r\n" IN_SET(
                             "2") "PATCH $1 HTTP/1.1\r\n\r\n{}\r\n--cs--\r\n" HTTP
                                  "DELETE Things(2) HTTP/1.1\r\n\r\n\r\n--b--") == 200);
    CHECK(bundle.count == 4 && bundle.sets == 1 && !bundle.json);
    const struct sta_bundle_part *p = bundle.parts;
    CHECK(bytes_are(p[0].method, "GET") && bytes_are(p[0].target, "/v1.1/Things(1)") && !p[0].set);
    CHECK(bytes_are(p[1].body, "{\n }") && p[1].set == 1 && bytes_are(p[1].id, "1"));
    CHECK(bytes_are(p[1].content_type, "application/json"));
    CHECK(bytes_are(p[2].target, "$1") && p[2].set == 1 && bytes_are(p[2].body, "{}"));
    CHECK(bytes_are(p[3].method, "DELETE") && p[3].set == 0);
}

TEST(a_broken_request_is_its_own_affair)
{
    CHECK(reads(MIXED, HTTP "nonsense\r\n\r\n" HTTP "GET Things HTTP/1.1\r\n\r\n\r\n" HTTP
                            "POST Things HTTP/1.1\r\nContent-Length: 99\r\n\r\n{}\r\n" HTTP
                            "GET Things HTTP/1.1\r\nno colon\r\n\r\n\r\n--b--\r\n") == 200);
    CHECK(bundle.count == 4);
    CHECK(bundle.parts[0].error.status == 400 && bundle.parts[1].error.status == 0);
    CHECK(bundle.parts[2].error.status == 400 && bundle.parts[3].error.status == 400);
}

TEST(a_broken_batch_is_refused_as_a_whole)
{
    CHECK(refused("text/plain", "x", 415, "multipart/mixed or"));
    CHECK(refused("multipart/mixed", "x", 400, "boundary"));
    CHECK(refused("multipart/mixed; boundary=a\"b", "x", 400, "boundary"));
    CHECK(refused("multipart/mixed; boundary="
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "x", 400, "boundary"));
    CHECK(refused(MIXED, "", 400, "does not end"));
    CHECK(refused(MIXED, HTTP "GET Things HTTP/1.1\r\n\r\n\r\n", 400, "does not end"));
    CHECK(refused(MIXED, "--b\nContent-Type: application/http\n\nGET Things HTTP/1.1\n\n--b--\n",
                  400, "CRLF"));
    CHECK(refused(MIXED, "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", 400,
                  "application/http"));
    CHECK(refused(MIXED,
                  SET "--cs\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d--\r\n--cs--"
                      "\r\n--b--",
                  400, "no other set"));
    CHECK(refused(MIXED, "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\r\n--b--", 400,
                  "of its own"));
    CHECK(refused(MIXED,
                  SET IN_SET("1") "POST Things HTTP/1.1\r\n\r\n{}\r\n" IN_SET(
                      "1") "POST Things HTTP/1.1\r\n\r\n{}\r\n--cs--\r\n--b--",
                  400, "have the id '1'"));
}

TEST(ten_thousand_parts_are_too_many)
{
    struct buf body;
    buf_init(&body, 1024 * 1024);
    for (int i = 0; i < 10000; i++)
        buf_text(&body, HTTP "GET Things HTTP/1.1\r\n\r\n\r\n");
    buf_text(&body, "--b--\r\n");
    CHECK(refused(MIXED, buf_string(&body), 400, "at most 1000 requests"));
    buf_reset(&body);
    for (int i = 0; i < 3000; i++)
        buf_text(&body, SET "--cs--\r\n");
    buf_text(&body, "--b--\r\n");
    CHECK(refused(MIXED, buf_string(&body), 400, "too many change sets"));
    buf_fini(&body);
}

TEST(the_json_form_says_the_same)
{
    CHECK(
        reads("application/json",
              "{\"requests\":[{\"id\":\"0\",\"method\":\"get\",\"url\":\"Things\"},"
              "{\"id\":\"1\",\"atomicityGroup\":\"g\",\"method\":\"post\",\"url\":\"Things\","
              "\"body\":{\"name\":\"n\"}},{\"id\":\"2\",\"atomicityGroup\":\"g\",\"method\":"
              "\"patch\",\"url\":\"$1\",\"headers\":{\"Content-Type\":"
              "\"application/json-patch+json\"},\"body\":[]},"
              "{\"id\":\"3\",\"atomicityGroup\":\"h\",\"method\":\"delete\",\"url\":\"Things(1)\"}"
              "]}") == 200);
    CHECK(bundle.json && bundle.count == 4 && bundle.sets == 2);
    CHECK(bundle.parts[0].set == 0 && bundle.parts[1].set == 1 && bundle.parts[2].set == 1);
    CHECK(bundle.parts[3].set == 2 && bytes_are(bundle.parts[1].body, "{\"name\":\"n\"}"));
    CHECK(bytes_are(bundle.parts[2].content_type, "application/json-patch+json"));
    CHECK(refused("application/json", "[", 400, "not JSON"));
    CHECK(refused("application/json", "[]", 400, "requests"));
    CHECK(refused("application/json", "{\"requests\":[1]}", 400, "a request is"));
    CHECK(refused("application/json", "{\"requests\":[{}]}", 400, "needs 'id'"));
    CHECK(refused("application/json", "{\"requests\":[{\"id\":1}]}", 400, "'id'"));
#define ONE(id, group)                                                                             \
    "{\"id\":\"" id "\",\"method\":\"get\",\"url\":\"x\",\"atomicityGroup\":\"" group "\"}"
    CHECK(refused("application/json",
                  "{\"requests\":[" ONE("1", "g") "," ONE("2", "h") "," ONE("3", "g") "]}", 400,
                  "neighbours"));
    CHECK(refused("application/json", "{\"requests\":[" ONE("1", "g") "," ONE("1", "g") "]}", 400,
                  "have the id"));
}

TEST(references_stand_for_what_was_made)
{
    struct sta_bundle_part p = {
        .target = bytes_text("$1/Datastreams?$top=1"),
        .body = bytes_text("{\"Thing\":{\"@iot.id\" : \"$1\"},\"x\":\"$1\",\"Sensor\":{\"@iot.id\":"
                           "\"$10\"}}")};
    if (!arena.p)
        arena_init(&arena, STA_BUNDLE_ARENA_BYTES);
    arena_reset(&arena);
    CHECK_OK(sta_bundle_refer(&p, bytes_text("1"), bytes_text("/v1.1/Things(7)"), 7, &arena));
    CHECK(bytes_are(p.target, "/v1.1/Things(7)/Datastreams?$top=1"));
    CHECK(bytes_are(p.body, "{\"Thing\":{\"@iot.id\" : 7},\"x\":\"$1\",\"Sensor\":{\"@iot.id\":"
                            "\"$10\"}}"));
    p.target = bytes_text("$10");
    CHECK_OK(sta_bundle_refer(&p, bytes_text("1"), bytes_text("/v1.1/Things(7)"), 7, &arena));
    CHECK(bytes_are(p.target, "$10"));
    p.target = bytes_text("Things(1)");
    CHECK_OK(sta_bundle_target(&p, &arena));
    CHECK(bytes_are(p.target, "/v1.1/Things(1)"));
    p.target = bytes_text("https://elsewhere.test:1/v1.1/Things");
    CHECK_OK(sta_bundle_target(&p, &arena));
    CHECK(bytes_are(p.target, "/v1.1/Things"));
}
