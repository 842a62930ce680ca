#include "authority/city_keys.h"

#include "base/test.h"

#include <ftw.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct charter charter;
static char why[400];

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static const char *
path(const char *name)
{
    static char full[160];
    snprintf(full, sizeof(full), "%s/%s", folder, name);
    return full;
}

static size_t
content(const char *name, char *to, size_t size)
{
    FILE *f = fopen(path(name), "re");
    size_t n = f ? fread(to, 1, size, f) : 0;
    if (f)
        fclose(f);
    return n;
}

static void
set_up(void)
{
    CHECK(sodium_init() >= 0);
    snprintf(folder, sizeof(folder), "/tmp/bulkhead-keys-XXXXXX");
    CHECK(mkdtemp(folder));
    memset(&charter, 0, sizeof(charter));
    snprintf(charter.origin, sizeof(charter.origin), "city.example");
    CHECK_OK(city_keys_make(&charter, folder, why, sizeof(why)));
}

static void
tear_down(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TEST(what_a_full_disk_cut_short_is_made_whole)
{
    char before[200], after[200];
    set_up();
    size_t n = content("keys/judge.vkey", before, sizeof(before));
    CHECK(n > 0 && content("keys/judge.pub", after, sizeof(after)) == 32);
    CHECK(unlink(path("keys/judge.vkey")) == 0 && unlink(path("keys/judge.pub")) == 0);
    FILE *half = fopen(path("keys/judge.vkey.new"), "we");
    CHECK(half && fputs("half", half) >= 0 && fclose(half) == 0);
    CHECK_OK(city_keys_make(&charter, folder, why, sizeof(why)));
    CHECK(content("keys/judge.vkey", after, sizeof(after)) == n && memcmp(before, after, n) == 0);
    CHECK(content("keys/judge.pub", after, sizeof(after)) == 32);
    CHECK(access(path("keys/judge.vkey.new"), F_OK) != 0);
    tear_down();
}

TEST(a_lost_secret_is_never_replaced_silently)
{
    char after[200];
    set_up();
    CHECK(unlink(path("keys/judge.key")) == 0);
    CHECK(city_keys_make(&charter, folder, why, sizeof(why)) == ERR_IO);
    CHECK(strstr(why, "judge.key is lost"));
    CHECK(content("keys/judge.key", after, sizeof(after)) == 0);
    tear_down();
}

TEST(a_secret_that_is_cut_short_is_refused)
{
    set_up();
    CHECK(truncate(path("keys/judge.key"), 63) == 0 && unlink(path("keys/judge.vkey")) == 0);
    CHECK(city_keys_make(&charter, folder, why, sizeof(why)) == ERR_IO);
    CHECK(strstr(why, "is not a key"));
    tear_down();
}
