#include "charter/matrix.h"
#include "base/test.h"
#include "charter/charter_test_kit.h"

static struct charter c;
static struct charter_findings f;
static struct matrix m, other;

static void
read_demo(void)
{
    struct bytes text = kit_read("charters/demo.charter");
    CHECK_OK(kit_judge(text, &c, &f));
    test_exact_free(text);
    matrix_predict(&m, &c);
}

static const char *
cell(const char *from, const char *to)
{
    static char letters[5];
    int32_t a = matrix_find(&m, from), b = matrix_find(&m, to);
    CHECK(a >= 0 && b >= 0);
    matrix_letters(m.cells[a][b], letters);
    return letters;
}

TEST(the_demo_city_as_a_person_would_draw_it)
{
    static const struct {
        const char *from, *to, *letters;
    } rows[] = {
        {"bikes/gate", "bikes/core", "rw--"},
        {"bikes/gate", "signals/core", "----"},
        {"bikes/core", "signals/core", "-w-d"},
        {"signals/core", "bikes/core", "r---"},
        {"bike-counts/conduit", "signals/core", "-w-d"},
        {"bike-counts/conduit", "bikes/core", "r---"},
        {"signals/core", "signals/warden", "r-c-"},
        {"signals/warden", "signals/core", "r-cd"},
        {"signals/core", "energy/warden", "----"},
        {"water/core", "signals/core", "----"},
        {"city/ledger", "energy/core", "r--d"},
        {"city/ledger", "energy/gate", "----"},
        {"city/judge", "bikes/core", "----"},
        {"city/judge", "city/ledger", "-w--"},
    };
    read_demo();
    CHECK(m.count == 13 && matrix_find(&m, "water/warden") < 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK(strcmp(cell(rows[i].from, rows[i].to), rows[i].letters) == 0);
    for (uint32_t i = 0; i < m.count; i++)
        CHECK(m.cells[i][i] == 0);
}

TEST(every_effect_has_a_message_that_carries_it)
{
    read_demo();
    for (uint32_t from = 0; from < m.count; from++)
        for (uint32_t to = 0; to < m.count; to++)
            for (unsigned e = MATRIX_READ; e <= MATRIX_DISTURB; e *= 2)
                if (m.cells[from][to] & e)
                    CHECK(matrix_by(&m, from, to, (enum matrix_effect)e)[0] != '?');
    uint32_t gate = (uint32_t)matrix_find(&m, "water/gate");
    CHECK(strcmp(matrix_by(&m, gate, gate - 1, MATRIX_COMMAND), "?") == 0);
}

TEST(a_conduit_that_carries_only_a_command_passes_nothing)
{
    read_demo();
    snprintf(c.conduits[0].carries[0], CHARTER_NAME_SIZE, "phase-request");
    matrix_predict(&m, &c);
    CHECK(strcmp(cell("bikes/core", "signals/core"), "----") == 0);
    CHECK(strcmp(cell("bike-counts/conduit", "signals/core"), "-w--") == 0);
    struct buf b;
    buf_init(&b, 1024 * 1024);
    matrix_put_text(&b, &m);
    CHECK(strstr(buf_string(&b), "bike-counts: the charter permits it") != NULL);
    buf_fini(&b);
}

TEST(a_command_for_which_people_are_needed_is_none_of_the_cores)
{
    read_demo();
    for (uint32_t i = 0; i < c.zones[0].commands_count; i++)
        c.zones[0].commands[i].people = 2;
    matrix_predict(&m, &c);
    CHECK(strcmp(cell("signals/core", "signals/warden"), "r---") == 0);
}

TEST(a_class_that_states_no_purpose_is_read_for_all_unless_it_is_personal)
{
    uint32_t caller, purpose;
    read_demo();
    c.classes[0].purposes = 0;
    CHECK(charter_class_purposes(&c, 0) == 7 && !c.classes[0].personal);
    c.classes[0].personal = true;
    CHECK(charter_class_purposes(&c, 0) == 0);
    c.zones[0].holds = 1;
    CHECK(!matrix_reader(&c, 0, &caller, &purpose));
}

TEST(each_cell_that_differs_is_a_line)
{
    struct buf b;
    read_demo();
    other = m;
    buf_init(&b, 65536);
    CHECK(matrix_put_difference(&b, &m, &other) == 0 && b.len == 0);
    other.cells[matrix_find(&m, "water/core")][matrix_find(&m, "bikes/core")] = MATRIX_READ;
    CHECK(matrix_put_difference(&b, &m, &other) == 1);
    CHECK(strcmp(buf_string(&b), "water/core -> bikes/core: predicted ----, measured r---\n") == 0);
    buf_fini(&b);
}

TEST(words_json_and_picture_are_whole)
{
    struct buf b;
    read_demo();
    snprintf(c.city, sizeof(c.city), "A<&>");
    buf_init(&b, 1024 * 1024);
    matrix_put_text(&b, &m);
    CHECK(strstr(buf_string(&b), "  -w-d  bikes -> signals\n") != NULL);
    CHECK(strstr(buf_string(&b), "matrix: 13 compartments, 156 pairs, 38 touched, 118 not\n"));
    buf_reset(&b);
    matrix_put_json(&b, &m);
    CHECK(strstr(buf_string(&b), "{\"from\":\"bikes/core\",\"to\":\"signals/core\",\"effects\":"
                                 "\"-w-d\",\"by\":{\"writes\":\"zone_count\""));
    buf_reset(&b);
    matrix_put_svg(&b, &m);
    CHECK(strstr(buf_string(&b), "A&lt;&amp;&gt;") && strstr(buf_string(&b), "</svg>\n"));
    CHECK(strstr(buf_string(&b), "it can write to and disturb signals (zone_count)"));
    buf_fini(&b);
}

TEST(the_largest_charter_fits)
{
    memset(&c, 0, sizeof(c));
    c.zones_count = CHARTER_ZONES_MAX;
    c.conduits_count = CHARTER_CONDUITS_MAX;
    for (uint32_t i = 0; i < c.zones_count; i++) {
        snprintf(c.zones[i].name, CHARTER_NAME_SIZE, "zone-%u", i);
        c.zones[i].commands_count = 1;
    }
    for (uint32_t i = 0; i < c.conduits_count; i++) {
        snprintf(c.conduits[i].name, CHARTER_NAME_SIZE, "way-%u", i);
        c.conduits[i].from = i % CHARTER_ZONES_MAX;
        c.conduits[i].to = (i + 1) % CHARTER_ZONES_MAX;
    }
    matrix_predict(&m, &c);
    CHECK(m.count == MATRIX_MAX);
    struct buf b;
    buf_init(&b, 16 * 1024 * 1024);
    matrix_put_svg(&b, &m);
    CHECK_OK(buf_error(&b));
    buf_fini(&b);
}
