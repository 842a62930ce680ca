#include "http/answer.h"
#include "base/test.h"

static enum err
parse(const char *text, struct http_answer *a)
{
    struct bytes exact = test_exact(bytes_text(text));
    enum err e = http_answer_parse(exact, a);
    test_exact_free(exact);
    return e;
}

TEST(a_whole_answer_and_every_beginning_of_it)
{
    static const char text[] =
        "HTTP/1.1 409 Conflict\r\nDate: x\r\ncontent-TYPE:  text/x.tlog.size \r\n"
        "Content-Length: 4\r\n\r\n300\n";
    struct http_answer a;
    struct bytes all = bytes_text(text);
    CHECK_OK(http_answer_parse(all, &a));
    CHECK(a.status == 409 && bytes_are(a.content_type, "text/x.tlog.size") &&
          bytes_are(a.body, "300\n"));
    for (size_t cut = 0; cut < all.len; cut++) {
        struct bytes exact = test_exact(bytes_of(all.p, cut));
        CHECK(http_answer_parse(exact, &a) == ERR_AGAIN);
        test_exact_free(exact);
    }
}

TEST(interim_answers_are_skipped)
{
    struct http_answer a;
    CHECK_OK(
        parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &a));
    CHECK(a.status == 200 && a.body.len == 0 && a.content_type.len == 0);
    CHECK_OK(parse("HTTP/1.1 204 No Content\r\n\r\n", &a));
}

TEST(answers_that_two_would_read_in_two_ways)
{
    static const struct {
        const char *text;
        enum err e;
    } rows[] = {
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nContent-Length: 01\r\n\r\nx", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 0\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Type: b\r\nContent-Length: 0\r\n\r\n",
         ERR_MALFORMED},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ERR_UNSUPPORTED},
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_answer a;
        CHECK(parse(rows[i].text, &a) == rows[i].e);
    }
}
