#include "charter/check_rules.h"
#include "charter/charter_test_kit.h"

#include <dirent.h>

static struct charter c;
static struct charter_findings f;
static uint32_t wrong; /* bad charters with another message than the one they expect */

static bool
ends_with_charter(const char *name)
{
    size_t len = strlen(name), tail = strlen(".charter");
    return len > tail && strcmp(name + len - tail, ".charter") == 0;
}

/* Calls `each` for every charter in a folder, and says how many there were. */
static uint32_t
each_charter(const char *folder, void (*each)(const char *path))
{
    DIR *d = opendir(folder);
    CHECK(d != NULL);
    uint32_t count = 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (!ends_with_charter(e->d_name))
            continue;
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        each(path);
        count++;
    }
    closedir(d);
    return count;
}

/* "# expect: 12:5: part of the message" must be the first thing that is found. */
static void
must_be_refused(const char *path)
{
    struct bytes text = kit_read(path);
    size_t line_end = bytes_find(text, '\n');
    struct bytes line = bytes_of(text.p, line_end);
    CHECK(bytes_start(line, "# expect: "));
    char want[400];
    snprintf(want, sizeof(want), "%.*s", (int)line.len - 10, (const char *)line.p + 10);
    enum err e = kit_judge(text, &c, &f);
    test_exact_free(text);

    char found[400] = "nothing";
    if (e != OK)
        snprintf(found, sizeof(found), "%u:%u: %s", f.list[0].place.line, f.list[0].place.column,
                 f.list[0].text);
    size_t head = strcspn(want, " ") + 1; /* "LINE:COLUMN: " */
    bool same = strncmp(found, want, head) == 0 && strstr(found + head, want + head) != NULL;
    if (!same)
        fprintf(stderr, "%s\n  expected %s\n  found    %s\n", path, want, found);
    wrong += !same;
}

static void
must_check(const char *path)
{
    struct bytes text = kit_read(path);
    enum err e = kit_judge(text, &c, &f);
    test_exact_free(text);
    if (e != OK)
        fprintf(stderr, "%s:%u:%u: %s\n", path, f.list[0].place.line, f.list[0].place.column,
                f.list[0].text);
    CHECK(e == OK && f.count == 0);
}

TEST(every_bad_charter_is_refused_with_its_message)
{
    CHECK(each_charter("charters/bad", must_be_refused) >= 60);
    CHECK(wrong == 0);
}

TEST(every_example_checks) { CHECK(each_charter("charters", must_check) >= 3); }

TEST(the_demo_city_is_what_the_demo_needs)
{
    must_check("charters/demo.charter");
    CHECK(c.zones_count == 4 && c.vendors_count == 2 && c.conduits_count == 1);
    int32_t signals = charter_find_zone(&c, bytes_text("signals"));
    CHECK(signals >= 0 && charter_find_zone(&c, bytes_text("signal")) == -1);
    const struct charter_zone *z = &c.zones[signals];
    CHECK(z->tier == TIER_CRITICAL && z->listen_count == 2 && z->listen[0].port == 8884);
    CHECK(z->commands_count == 5 && z->commands[0].lease_ms == 10000);
    CHECK(z->commands[0].rate_per_hour == 3600 && z->commands[2].people == 1);
    CHECK(z->commands[3].people == 2 && z->commands[4].people == 2);
    CHECK(z->envelope_count == 7 && z->envelope[0].value == 5000);
    CHECK(strcmp(z->envelope[4].name, "intersections") == 0 && z->envelope[4].value == 9);
    int32_t position = charter_find_class(&c, bytes_text("vehicle-position"));
    CHECK(position >= 0 && c.classes[position].keep_s == 86400);
    CHECK(charter_find_caller(&c, bytes_text("auditor")) >= 0);
    CHECK(charter_find_purpose(&c, bytes_text("compliance")) >= 0);
}

TEST(findings_stand_in_the_order_of_the_file_and_stop_at_their_limit)
{
    struct buf b;
    buf_init(&b, CHARTER_BYTES_MAX);
    buf_text(&b, "city \"A\" { sites hall signers clerk need 1 }\n");
    for (int i = 0; i < CHARTER_CLASSES_MAX; i++)
        buf_format(&b, "class c%d { personal yes sites hall biometric yes }\n", i);
    CHECK(kit_judge(buf_bytes(&b), &c, &f) == ERR_DENIED);
    CHECK(f.count == CHARTER_FINDINGS_MAX && f.more);
    for (uint32_t i = 1; i < f.count; i++)
        CHECK(f.list[i - 1].place.line <= f.list[i].place.line);
    buf_fini(&b);
}

TEST(a_word_is_found_whole_and_in_either_number)
{
    CHECK(check_has_word("Hospital wards", "hospital"));
    CHECK(check_has_word("hospitals", "hospital") && check_has_word("the ward", "wards"));
    CHECK(check_has_word("face-count", "face") && check_has_word("FACES", "face"));
    CHECK(!check_has_word("surface-water", "face") && !check_has_word("facet", "face"));
    CHECK(!check_has_word("", "face") && !check_has_word("fac", "face"));
}
