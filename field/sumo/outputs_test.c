#include "field/sumo/outputs.h"
#include "base/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file as SUMO would open it: the prefix before the last part of its name. */
static bool
writes(const struct outputs *o, const char *directory, const char *name)
{
    char path[2048];
    snprintf(path, sizeof(path), "%s/%s%s", directory, o->prefix, name);
    FILE *f = fopen(path, "we");
    return f && fclose(f) == 0;
}

static bool
is_there(const char *directory, const char *name)
{
    char path[2048];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

TEST(all_is_written_into_the_folder_and_goes_with_it)
{
    struct outputs o;
    char data[] = "/tmp/outputs.XXXXXX", deep[64];
    CHECK(mkdtemp(data));
    snprintf(deep, sizeof(deep), "%s/deep", data);
    CHECK(mkdir(deep, 0700) == 0);
    CHECK_OK(outputs_open(&o, NULL));
    char folder[OUTPUTS_FOLDER_SIZE];
    memcpy(folder, o.folder, sizeof(folder));
    CHECK(writes(&o, data, "a.xml") && writes(&o, deep, "b.xml") && writes(&o, "/", "c.xml"));
    CHECK(writes(&o, o.folder, "trips.xml"));
    static const char *const names[] = {"a.xml", "b.xml", "c.xml", "trips.xml"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        CHECK(is_there(folder, names[i]) && !is_there(data, names[i]) && !is_there(deep, names[i]));
    outputs_close(&o);
    CHECK(access(folder, F_OK) != 0);
    outputs_close(&o); /* nothing is left to do */

    CHECK_OK(outputs_open(&o, data)); /* one that stays */
    CHECK(writes(&o, deep, "a.xml"));
    outputs_close(&o);
    CHECK(is_there(data, "a.xml") && unlinkat(AT_FDCWD, deep, AT_REMOVEDIR) == 0);
    snprintf(deep, sizeof(deep), "%s/a.xml", data);
    CHECK(unlink(deep) == 0 && rmdir(data) == 0);
}

TEST(a_folder_that_sumo_would_read_otherwise_is_refused)
{
    struct outputs o;
    char data[] = "/tmp/TIME.XXXXXX";
    CHECK(mkdtemp(data));
    CHECK(outputs_open(&o, data) == ERR_LIMIT);
    CHECK(outputs_open(&o, "/tmp/outputs-not-there") == ERR_IO);
    CHECK(rmdir(data) == 0);
}
