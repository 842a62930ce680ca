#include "base/test.h"
#include "ledger/trust.h"

#define LOG_KEY "city.example/access-log+5a1c3bb9+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"

/* The witness numbered i, as a line "witness wI KEY". */
static void
put_witness(struct buf *b, uint8_t i)
{
    struct cosigner c = {.key = {i, 7}};
    snprintf(c.name, sizeof(c.name), "w%u.example", i);
    buf_format(b, "witness w%u ", i);
    cosigner_put(b, &c);
    buf_byte(b, '\n');
}

static enum err
parse(const char *before, uint8_t witnesses, const char *after, struct trust *t,
      struct trust_fault *fault)
{
    struct buf b;
    buf_init(&b, TRUST_BYTES_MAX);
    buf_text(&b, before);
    for (uint8_t i = 0; i < witnesses; i++)
        put_witness(&b, i);
    buf_text(&b, after);
    struct bytes exact = test_exact(buf_bytes(&b));
    enum err e = trust_parse(exact, t, fault);
    test_exact_free(exact);
    buf_fini(&b);
    return e;
}

static struct trust t;

TEST(the_specifications_example)
{
    struct trust_fault fault;
    CHECK_OK(parse("# ours\n\n \t \nlog " LOG_KEY "\n", 6,
                   "group X-witnesses 2 w0 w1 w2\n\tgroup Y any w3 w4 w5 \n"
                   "group X-and-Y all X-witnesses Y\n  # enough\nquorum X-and-Y\n",
                   &t, &fault));
    CHECK(t.logs_count == 1 && strcmp(t.logs[0].origin, "city.example/access-log") == 0);
    for (uint32_t set = 0; set < 64; set++) {
        uint32_t x = (set & 1) + (set >> 1 & 1) + (set >> 2 & 1);
        CHECK(trust_is_quorum(&t, set) == (x >= 2 && set >> 3 != 0));
    }
}

TEST(one_witness_or_none_may_be_the_quorum)
{
    struct trust_fault fault;
    CHECK_OK(parse("", 2, "quorum w1\n", &t, &fault));
    CHECK(!trust_is_quorum(&t, 1) && trust_is_quorum(&t, 2));
    CHECK_OK(parse("", 0, "quorum none\n", &t, &fault));
    CHECK(trust_is_quorum(&t, 0));
}

TEST(addresses_are_kept)
{
    struct trust_fault fault;
    struct buf b;
    CHECK_OK(parse("log " LOG_KEY " https://log.example/\n", 1, "quorum none\n", &t, &fault));
    CHECK(strcmp(t.logs[0].url, "https://log.example/") == 0 && t.witnesses[0].url[0] == '\0');
    buf_init(&b, 1024);
    trust_put(&b, &t);
    CHECK(
        bytes_start(buf_bytes(&b), "log " LOG_KEY " https://log.example/\nwitness w0 w0.example+"));
    buf_fini(&b);
}

/* Behind two witnesses and before nothing: each must be refused in its line, 3. */
TEST(lines_that_are_refused)
{
    static const char *const lines[] = {
        "nonsense\n",
        "log\n",
        "log nonsense\n",
        "log " LOG_KEY " a b\n",
        "witness w9\n",
        "witness w9 " LOG_KEY "\n", /* a key that signs notes */
        "group g any\n",
        "group g 0 w0 w1\n",
        "group g 3 w0 w1\n",
        "group g 01 w0 w1\n",
        "group g some w0 w1\n",
        "group g all w0 w2\n",
        "group g all w0 w0\n",
        "group g all none\n",
        "group g all g\n",
        "group none all w0\n",
        "group w0 all w1\n",
        "quorum\n",
        "quorum w2\n",
        "quorum w0 w1\n",
        "quorum w0", /* no end of the line */
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct trust_fault fault = {0, NULL};
        CHECK(parse("", 2, lines[i], &t, &fault) == ERR_MALFORMED);
        CHECK(fault.line == 3 && fault.why);
    }
}

TEST(nobody_counts_twice)
{
    struct trust_fault fault = {0, NULL};
    CHECK(parse("", 2, "group a any w0\ngroup b any w0 w1\nquorum b\n", &t, &fault) != OK);
    CHECK(fault.line == 4);
    CHECK(parse("", 2, "quorum w0\nquorum w1\n", &t, &fault) != OK && fault.line == 4);
    CHECK(parse("", 2, "", &t, &fault) != OK && strstr(fault.why, "quorum"));
    CHECK(parse("log " LOG_KEY "\nlog " LOG_KEY "\n", 0, "quorum none\n", &t, &fault) != OK);
    CHECK(fault.line == 2);
    struct buf b;
    buf_init(&b, 4096);
    put_witness(&b, 0);
    buf_text(&b, "witness other ");
    struct cosigner same = {.name = "other.example", .key = {0, 7}};
    cosigner_put(&b, &same);
    buf_text(&b, "\nquorum none\n");
    CHECK(trust_parse(buf_bytes(&b), &t, &fault) != OK && fault.line == 2);
    buf_fini(&b);
}

TEST(limits_and_octets)
{
    struct trust_fault fault = {0, NULL};
    CHECK_OK(parse("", 32, "quorum w31\n", &t, &fault));
    CHECK(trust_is_quorum(&t, 1U << 31));
    CHECK(parse("", 33, "quorum w31\n", &t, &fault) != OK && fault.line == 33);
    CHECK(parse("\r\n", 1, "quorum w0\n", &t, &fault) == ERR_MALFORMED);
    CHECK(parse("\x7f\n", 1, "quorum w0\n", &t, &fault) == ERR_MALFORMED);
    CHECK_OK(parse("# \xc3\xa9\xff ok\n", 1, "quorum w0\n", &t, &fault));
}
