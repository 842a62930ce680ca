#include "base/hash.h"

#include "base/test.h"

static uint64_t
of(const char *text)
{
    return hash_bytes(HASH_START, bytes_text(text));
}

/* draft-eastlake-fnv-21, appendix C: test vectors without a NUL. */
TEST(the_published_vectors_come_out)
{
    CHECK(of("") == UINT64_C(0xcbf29ce484222325));
    CHECK(of("a") == UINT64_C(0xaf63dc4c8601ec8c));
    CHECK(of("foobar") == UINT64_C(0x85944171f73967e8));
}

TEST(in_pieces_it_is_the_same)
{
    CHECK(hash_bytes(of("foo"), bytes_text("bar")) == of("foobar"));
    CHECK(hash_number(HASH_START, UINT64_C(0x0807060504030201)) ==
          hash_bytes(HASH_START, bytes_of("\1\2\3\4\5\6\7\10", 8)));
}

TEST(a_free_place_is_never_a_name)
{
    CHECK(hash_or_one(0) == 1 && hash_or_one(7) == 7);
    CHECK(hash_folded(UINT64_C(0x1234567800000000)) == UINT64_C(0x1234567812345678));
}
