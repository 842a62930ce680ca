/* backup_place_test.c -- seals, lists, and what goes from a backup's directory and what stays. */
#include "cli/backup_place.h"

#include "base/test.h"
#include "cli/backup_run.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(what_is_sealed_opens_with_each_key_it_was_sealed_to_and_no_other)
{
    CHECK(sodium_init() >= 0);
    struct backup_secret secret[3];
    struct backup_recipients to = {.count = 2};
    struct buf sealed, out;
    buf_init(&sealed, 4096);
    buf_init(&out, 4096);
    for (size_t i = 0; i < 3; i++)
        backup_key_new(&secret[i]);
    memcpy(to.key[0], secret[0].public_key, 32);
    memcpy(to.key[1], secret[1].public_key, 32);
    CHECK_OK(backup_seal(&to, "a", bytes_text("what nobody reads"), &sealed));
    for (size_t i = 0; i < 2; i++) {
        buf_reset(&out);
        CHECK_OK(backup_unseal(&secret[i], "a", buf_bytes(&sealed), &out));
        CHECK(bytes_are(buf_bytes(&out), "what nobody reads"));
    }
    CHECK(backup_unseal(&secret[2], "a", buf_bytes(&sealed), &out) == ERR_NOT_FOUND);
    CHECK(backup_unseal(&secret[0], "b", buf_bytes(&sealed), &out) == ERR_CRYPTO);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.p[i] ^= 0x80;
        buf_reset(&out);
        enum err e = backup_unseal(&secret[0], "a", buf_bytes(&sealed), &out);
        CHECK(e == ERR_CRYPTO || e == ERR_NOT_FOUND || e == ERR_MALFORMED);
        sealed.p[i] ^= 0x80;
        CHECK(backup_unseal(&secret[0], "a", bytes_of(sealed.p, i), &out) != OK);
    }
    buf_fini(&sealed);
    buf_fini(&out);
}

TEST(key_files_say_which_half_they_are)
{
    struct backup_secret secret, again;
    uint8_t public_key[32];
    struct buf b;
    buf_init(&b, 256);
    backup_key_new(&secret);
    backup_key_put_secret(&b, &secret);
    CHECK_OK(backup_key_parse_secret(buf_bytes(&b), &again));
    CHECK(memcmp(&again, &secret, sizeof again) == 0);
    CHECK(backup_key_parse_public(buf_bytes(&b), public_key) == ERR_MALFORMED);
    buf_reset(&b);
    backup_key_put_public(&b, &secret);
    CHECK_OK(backup_key_parse_public(buf_bytes(&b), public_key));
    CHECK(memcmp(public_key, secret.public_key, 32) == 0);
    CHECK(backup_key_parse_secret(buf_bytes(&b), &again) == ERR_MALFORMED);
    b.p[b.len - 3] = '!';
    CHECK(backup_key_parse_public(buf_bytes(&b), public_key) == ERR_MALFORMED);
    buf_fini(&b);
}

TEST(only_plain_paths_below_the_state_are_paths)
{
    static const char *const good[] = {"charter", "keys/judge.key", "zones/a-b/warden.state",
                                       "A_1/b"};
    static const char *const bad[] = {"",   "/etc/passwd", "a/../b", "..",   ".ssh/x", "a//b",
                                      "a/", "a/.b",        "a b",    "a\nb", "a\\b",   "./a"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        CHECK(backup_is_path(bytes_text(good[i])));
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        CHECK(!backup_is_path(bytes_text(bad[i])));
}

TEST(a_list_without_its_end_is_no_list)
{
    uint8_t key[32] = {1};
    struct buf b;
    struct backup_list l;
    struct backup_line line = {.kind = LINE_KEYS, .path = "bikes", .until_s = 77, .size = 5};
    buf_init(&b, 4096);
    backup_list_begin(&b, 3, -5, key);
    backup_list_put(&b, &line);
    size_t begun = b.len;
    backup_list_end(&b);
    CHECK_OK(backup_list_open(buf_bytes(&b), &l));
    CHECK(l.generation == 3 && l.time_us == -5 && memcmp(l.ids_key, key, 32) == 0);
    CHECK_OK(backup_list_next(&l, &line));
    CHECK(line.kind == LINE_KEYS && line.until_s == 77 && strcmp(line.path, "bikes") == 0);
    CHECK(backup_list_next(&l, &line) == ERR_NOT_FOUND);
    for (size_t len = begun; len < b.len; len++) {
        enum err e = backup_list_open(bytes_of(b.p, len), &l);
        while (e == OK)
            e = backup_list_next(&l, &line);
        CHECK(e == ERR_MALFORMED);
    }
    buf_fini(&b);
}

/* ---- a directory ------------------------------------------------------------------------- */

static char folder[] = "/tmp/bulkhead-place-XXXXXX";

static void
make_generation(struct backup_place *p, uint32_t number, const uint8_t *first, size_t count)
{
    char name[80];
    struct buf index;
    buf_init(&index, 4096);
    snprintf(name, sizeof name, "generations/%u.part", number);
    CHECK(mkdirat(p->fd, name, 0700) == 0);
    for (size_t i = 0; i < count; i++) {
        uint8_t row[BACKUP_ID_SIZE + 8] = {first[i]};
        row[BACKUP_ID_SIZE] = 3;
        buf_put(&index, bytes_of(row, sizeof row));
        backup_piece_name(name, row);
        CHECK(backup_write(p, name, bytes_text("abc")));
    }
    snprintf(name, sizeof name, "generations/%u.part/index", number);
    CHECK(backup_write(p, name, buf_bytes(&index)));
    snprintf(name, sizeof name, "keys/bikes.%u.0", number);
    CHECK(backup_write(p, name, bytes_text("always")));
    snprintf(name, sizeof name, "keys/bikes.%u.1000", number);
    CHECK(backup_write(p, name, bytes_text("until a thousand")));
    CHECK(backup_complete(p, number));
    buf_fini(&index);
}

static bool
has(const struct backup_place *p, uint8_t id)
{
    uint8_t full[BACKUP_ID_SIZE] = {id};
    char name[80];
    backup_piece_name(name, full);
    return backup_size(p, name) == 3;
}

TEST(keys_go_with_their_generation_or_their_time_and_pieces_with_their_last_name)
{
    struct backup_place p, second;
    struct backup_expired e;
    CHECK(mkdtemp(folder));
    CHECK(backup_place_open(&p, folder, true));
    CHECK(!backup_place_open(&second, folder, true)); /* one at a time */
    make_generation(&p, 1, (const uint8_t[]){1, 2}, 2);
    CHECK(backup_size(&p, "keys/bikes.1.1000") > 0);
    /* A copy of the keys as a thief would have looked at them, by another name of the file. */
    CHECK(linkat(p.fd, "keys/bikes.1.1000", p.fd, "kept", 0) == 0);
    make_generation(&p, 2, (const uint8_t[]){2, 3}, 2);
    CHECK(backup_size(&p, "keys/bikes.1.1000") < 0 && backup_size(&p, "keys/bikes.1.0") < 0);
    struct buf kept;
    CHECK(backup_read(&p, "kept", 100, &kept));
    CHECK(kept.len == strlen("until a thousand") && sodium_is_zero(kept.p, kept.len));
    buf_fini(&kept);
    CHECK(backup_expire(&p, 7, 999, &e) && e.keys == 0 && e.generations == 0 && e.pieces == 0);
    CHECK(backup_expire(&p, 7, 1000, &e) && e.keys == 1);
    CHECK(backup_size(&p, "keys/bikes.2.1000") < 0 && backup_size(&p, "keys/bikes.2.0") > 0);
    CHECK(has(&p, 1) && has(&p, 2) && has(&p, 3));
    CHECK(backup_expire(&p, 1, 1000, &e) && e.generations == 1 && e.pieces == 1);
    CHECK(!has(&p, 1) && has(&p, 2) && has(&p, 3));
    CHECK(mkdirat(p.fd, "generations/3.part", 0700) == 0);
    backup_place_close(&p);
    CHECK(backup_place_open(&p, folder, true));
    CHECK(p.count == 1 && p.generations[0] == 2);
    CHECK(faccessat(p.fd, "generations/3.part", F_OK, 0) != 0);
    backup_place_close(&p);
    test_remove_tree(folder);
}

TEST(an_index_finds_what_was_put_and_nothing_else)
{
    struct backup_index x = {0};
    uint8_t id[BACKUP_ID_SIZE] = {0};
    CHECK(backup_index_find(&x, id) == 0);
    for (uint32_t i = 0; i < 5000; i++) {
        memcpy(id, &i, sizeof i);
        backup_index_put(&x, id, i + 1);
    }
    for (uint32_t i = 0; i < 6000; i++) {
        memcpy(id, &i, sizeof i);
        CHECK(backup_index_find(&x, id) == (i < 5000 ? i + 1 : 0));
    }
    backup_index_fini(&x);
}

TEST(what_is_kept_with_the_keys_is_read_as_it_was_put)
{
    struct buf b;
    struct backup_kept k = {
        .kind = KEPT_FILE, .path = "zones/a/warden.state", .bytes = bytes_text("x")};
    struct backup_kept part = {.kind = KEPT_PART, .bytes = bytes_text("rows")};
    struct backup_kept out;
    buf_init(&b, 4096);
    backup_put_kept(&b, &k);
    backup_put_kept(&b, &part);
    struct bytes left = buf_bytes(&b);
    CHECK_OK(backup_next_kept(&left, &out));
    CHECK(out.kind == KEPT_FILE && strcmp(out.path, k.path) == 0 && bytes_are(out.bytes, "x"));
    CHECK_OK(backup_next_kept(&left, &out));
    CHECK(out.kind == KEPT_PART && bytes_are(out.bytes, "rows"));
    CHECK(backup_next_kept(&left, &out) == ERR_NOT_FOUND);
    for (size_t len = 1; len < b.len; len++) {
        enum err e = OK;
        for (left = bytes_of(b.p, len); e == OK;)
            e = backup_next_kept(&left, &out);
        CHECK(e == ERR_MALFORMED || (e == ERR_NOT_FOUND && left.len == 0));
    }
    buf_reset(&b);
    snprintf(k.path, sizeof k.path, "../x");
    backup_put_kept(&b, &k);
    left = buf_bytes(&b);
    CHECK(backup_next_kept(&left, &out) == ERR_MALFORMED);
    buf_fini(&b);
}
