#include "field/sumo/scenario.h"
#include "base/test.h"

#include <unistd.h>
#include <zlib.h>

TEST(files_are_meant_from_the_folder_on)
{
    struct scenario s;
    CHECK_OK(scenario_parse(
        bytes_text("<configuration><input><net-file value=\"n.net.xml\"/><route-files "
                   "value=\"a.xml, /b.xml\"/><additional-files value=\"c.xml\"/></input>"
                   "<time><begin value=\"25200\"/><end value=\"28800.5\"/></time>"),
        "/city", &s));
    CHECK(strcmp(s.network, "/city/n.net.xml") == 0);
    CHECK(strcmp(s.routes, "/city/a.xml,/b.xml") == 0);
    CHECK(strcmp(s.additional, "/city/c.xml") == 0);
    CHECK(s.begin_s > 25199 && s.end_s > 28800);
}

TEST(what_is_not_said_is_not_known)
{
    struct scenario s;
    CHECK_OK(scenario_parse(bytes_text("<net-file value=\"n\"/>"), "", &s));
    CHECK(strcmp(s.network, "n") == 0 && !s.routes[0] && s.begin_s < 0 && s.end_s < 0);
    CHECK(scenario_parse(bytes_text("<begin value=\"1\"/>"), "", &s) == ERR_MALFORMED);
    CHECK(scenario_parse(bytes_text("<net-file value=\"n\"/><end value=\"x\"/>"), "", &s) ==
          ERR_MALFORMED);
}

TEST(paths_that_do_not_fit_are_refused)
{
    static char xml[2 * SCENARIO_PATH_SIZE], name[SCENARIO_PATH_SIZE];
    struct scenario s;
    memset(name, 'x', sizeof(name) - 1);
    snprintf(xml, sizeof(xml), "<net-file value=\"%s\"/>", name);
    CHECK(scenario_parse(bytes_text(xml), "/f", &s) == ERR_LIMIT);
    CHECK(scenario_read("/nowhere/at.sumocfg", &s) == ERR_IO);
}

/* A file of these bytes, plain or compressed, all of it or as much as is said. */
static enum err
read_back(bool compressed, size_t kept, struct buf *out)
{
    static const char text[] = "<net><edge id=\"a\"/><edge id=\"b\"/></net>";
    char path[] = "scenario-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    gzFile f = gzdopen(dup(fd), compressed ? "w" : "wT");
    CHECK(f && gzwrite(f, text, sizeof(text) - 1) == sizeof(text) - 1 && gzclose(f) == Z_OK);
    off_t size = lseek(fd, 0, SEEK_END);
    CHECK(ftruncate(fd, size > (off_t)kept ? (off_t)kept : size) == 0);
    enum err e = scenario_file(path, out);
    CHECK(e != OK || bytes_are(buf_bytes(out), text));
    CHECK(close(fd) == 0 && unlink(path) == 0);
    return e;
}

TEST(files_are_read_as_they_are_or_compressed)
{
    struct buf b;
    buf_init(&b, 1024 * 1024);
    CHECK_OK(read_back(false, SIZE_MAX / 4, &b));
    buf_reset(&b);
    CHECK_OK(read_back(true, SIZE_MAX / 4, &b));
    buf_reset(&b);
    CHECK(read_back(true, 30, &b) == ERR_MALFORMED); /* cut off */
    buf_fini(&b);
    buf_init(&b, 20);
    CHECK(read_back(true, SIZE_MAX / 4, &b) == ERR_LIMIT);
    buf_fini(&b);
    CHECK(scenario_file("nowhere.xml", &b) == ERR_IO);
}
