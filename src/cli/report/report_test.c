/* report_test.c -- from a device's JSON to pictures: what is drawn, what is left out, and escapes.
 */
#include "cli/report/pictures.h"
#include "cli/report/summary.h"

#include "base/test.h"
#include "base/text.h"

#define START_US (1790000000LL * 1000000)

/* Intersections along a street to the east: an east-west phase and a north-south one. */
static void
add_junction(struct report *r, int i, bool feeders)
{
    static struct buf b;
    if (b.max == 0)
        buf_init(&b, 8192);
    buf_reset(&b);
    buf_format(&b,
               "{\"name\":\"J%d\",\"properties\":{\"phases\":[\"GGrr\",\"rrGG\"],\"links\":["
               "{\"lane\":\"e%d\",\"exit\":\"e%d\"},{\"lane\":\"w%d\",\"exit\":\"w%d\"},"
               "{\"lane\":\"n%d\",\"exit\":\"s%d\"},{\"lane\":\"s%d\",\"exit\":\"e%d\"}],"
               "\"lanes\":[\"e%d\",\"w%d\",\"n%d\",\"s%d\"],\"exits\":[\"e%d\",\"w%d\",\"s%d\"],"
               "\"lane_kmh\":[36,36,50,50]",
               i, i, i + 1, i, i - 1, i, i, i, i + 1, i, i, i, i, i + 1, i - 1, i);
    if (feeders)
        buf_format(&b,
                   ",\"feeders\":[{\"exit\":\"e%d\",\"m\":300,\"lanes\":[0]},"
                   "{\"exit\":\"w%d\",\"m\":310,\"lanes\":[1]}]",
                   i, i);
    buf_format(&b,
               "},\"Locations\":[{\"location\":{\"type\":\"Point\",\"coordinates\":[%.6f,53.0]}}],"
               "\"Datastreams\":[{\"@iot.id\":%d,\"name\":\"state\"},"
               "{\"@iot.id\":%d,\"name\":\"queue\"},{\"@iot.id\":%d,\"name\":\"why\"}]}",
               8.0 + i * 0.0045, 10 * i + 1, 10 * i + 2, 10 * i + 3);
    CHECK(buf_error(&b) == OK);
    CHECK_OK(report_read_thing(r, buf_bytes(&b)));
}

static void
row(report_row_fn *each, struct report_junction *j, double at_s, const char *result)
{
    char time[64] = "", text[700];
    struct buf b;
    buf_init(&b, sizeof(time));
    text_put_time(&b, START_US + (int64_t)(at_s * 1e6));
    CHECK_OK(bytes_copy_text(buf_bytes(&b), time, sizeof(time)));
    buf_fini(&b);
    snprintf(text, sizeof(text), "{\"phenomenonTime\":\"%s\",\"result\":%s}", time, result);
    each(j, bytes_text(text));
}

/* 60-s cycles: east-west 30 s, 3 s yellow, north-south 24 s, 3 s yellow; 30 s later at each stop.
 */
static void
run_fixed(struct report_junction *j, double offset_s)
{
    for (int cycle = -2; cycle < 12; cycle++) {
        double t = cycle * 60 + offset_s;
        row(report_read_state, j, t, "{\"shown\":\"GGrr\",\"why\":\"\"}");
        row(report_read_state, j, t + 30, "{\"shown\":\"yyrr\"}");
        row(report_read_state, j, t + 33, "{\"shown\":\"rrGG\"}");
        row(report_read_state, j, t + 57, "{\"shown\":\"rryy\"}");
    }
}

static struct report *
street(int count, bool feeders)
{
    struct report *r = calloc(1, sizeof(*r));
    CHECK(r);
    r->from_us = START_US;
    r->to_us = START_US + 600LL * 1000000;
    snprintf(r->zone, sizeof(r->zone), "signals");
    for (int i = 1; i <= count; i++)
        add_junction(r, i, feeders);
    for (uint32_t i = 0; i < r->count; i++)
        run_fixed(r->junctions[i], i * 30.0);
    return r;
}

static void
done(struct report *r)
{
    report_free(r);
    free(r);
}

static bool
has(const struct buf *b, const char *needle)
{
    return memmem(b->p, b->len, needle, strlen(needle)) != NULL;
}

static size_t
times(const struct buf *b, const char *needle)
{
    size_t n = 0;
    for (size_t i = 0; i + strlen(needle) <= b->len; i++)
        n += memcmp(b->p + i, needle, strlen(needle)) == 0;
    return n;
}

TEST(a_thing_is_read_with_its_place_streams_and_neighbours)
{
    struct report *r = street(3, true);
    const struct report_junction *j = r->junctions[1];
    CHECK(r->count == 3 && strcmp(j->name, "J2") == 0);
    CHECK(j->lanes_count == 4 && j->links_count == 4 && j->phases_count == 2);
    CHECK(j->placed && j->streams.state == 21 && j->streams.queue == 22 && j->streams.rung == 0);
    CHECK(j->feeders_count == 2 && j->feeders[0].metres == 300 && j->feeders[0].lanes == 1);
    CHECK(report_read_thing(r, bytes_text("{\"name\":\"tank\",\"properties\":{}}")) ==
          ERR_MALFORMED);
    CHECK(report_read_thing(r, bytes_text("not JSON")) == ERR_MALFORMED);
    CHECK(r->count == 3);
    done(r);
}

TEST(the_street_is_found_whether_by_feeders_or_by_lanes)
{
    static struct corridor c;
    char missing[REPORT_NAME_SIZE];
    for (int feeders = 0; feeders < 2; feeders++) {
        struct report *r = street(4, feeders);
        CHECK_OK(corridor_find(r, &c));
        CHECK(c.count == 4 && c.measured);
        CHECK(strcmp(c.stops[0].junction->name, "J1") == 0);
        if (feeders)
            CHECK(c.stops[3].at_m == 900);
        else
            CHECK(c.stops[3].at_m > 880 && c.stops[3].at_m < 920);
        /* Inside: from the east lane to the next; at the ends: what is green with the rest. */
        for (uint32_t i = 0; i < 4; i++) {
            CHECK(c.stops[i].out.is[0] && !c.stops[i].out.is[3]);
            CHECK(c.stops[i].in.is[1] && !c.stops[i].in.is[2]);
        }
        CHECK(c.stops[1].out_s > 29 && c.stops[1].out_s < 31);
        CHECK_OK(corridor_named(r, "J3,J2", &c, missing));
        CHECK(c.count == 2 && strcmp(c.stops[0].junction->name, "J3") == 0);
        CHECK(corridor_named(r, "J3,J9", &c, missing) == ERR_NOT_FOUND &&
              strcmp(missing, "J9") == 0);
        done(r);
    }
}

/* Offsets of 30 s at 30 s of driving: the whole green goes through, eastwards; westwards, against
 * the offsets, one meets green after 60 s, which is a cycle. */
TEST(bands_are_where_one_meets_green_all_the_way)
{
    static struct corridor c;
    static struct corridor_band bands[100];
    struct report *r = street(3, true);
    CHECK_OK(corridor_find(r, &c));
    uint32_t n = corridor_bands(&c, r, 0, 2, bands, 100);
    CHECK(n >= 9);
    for (uint32_t i = 1; i + 1 < n; i++)
        CHECK(bands[i].to_us - bands[i].from_us == 30 * 1000000LL);
    for (uint32_t i = 0; i < r->count; i++) {
        r->junctions[i]->lights_count = 0;
        run_fixed(r->junctions[i], 0); /* no offsets: half a cycle later it is red */
    }
    CHECK(corridor_bands(&c, r, 0, 2, bands, 100) == 0);
    CHECK(corridor_bands(&c, r, 0, 1, bands, 1) <= 1);
    done(r);
}

TEST(phases_stand_in_where_nothing_says_what_is_shown)
{
    struct report *r = street(2, true);
    struct report_junction *j = r->junctions[0];
    struct report_links east = report_links_of_lane(j, 0), north = report_links_of_lane(j, 2);
    uint32_t a = 0, b = 0;
    j->lights_count = 0;
    row(report_read_lanes, j, 0, "{\"phase\":0,\"age\":3}");
    row(report_read_lanes, j, 1, "{\"phase\":0,\"age\":4}");
    row(report_read_lanes, j, 2, "{\"phase\":-1,\"age\":0}");
    row(report_read_lanes, j, 5, "{\"phase\":1,\"age\":0}");
    row(report_read_lanes, j, 6, "{\"phase\":7,\"age\":0}");
    row(report_read_lanes, j, 4, "{\"phase\":0,\"age\":0}"); /* not in order: left out */
    CHECK(j->lights_count == 3);
    CHECK(report_colour_at(j, &east, START_US - 1, &a) == REPORT_DARK);
    CHECK(report_colour_at(j, &east, START_US + 1000000, &a) == REPORT_GREEN);
    CHECK(report_colour_at(j, &east, START_US + 2000000, &a) == REPORT_YELLOW);
    CHECK(report_colour_at(j, &north, START_US + 2000000, &b) == REPORT_RED);
    CHECK(report_colour_at(j, &north, START_US + 9000000, &b) == REPORT_GREEN);
    done(r);
}

TEST(figures_are_those_of_the_time_that_was_asked)
{
    struct report *r = street(2, true);
    struct report_junction *j = r->junctions[0];
    struct summary s;
    row(report_read_queue, j, -100, "{\"standing\":{\"e1\":2,\"n1\":0}}");
    row(report_read_queue, j, 300, "{\"standing\":{\"e1\":0,\"n1\":8}}");
    row(report_read_rung, j, -5000, "{\"rung\":0}");
    row(report_read_rung, j, 450, "{\"rung\":2}");
    row(report_read_rung, j, 450, "{\"rung\":9}");
    row(report_read_refusals, j, -500, "{\"granted\":10,\"refused\":1,\"reason\":\"old\"}");
    row(report_read_refusals, j, 500, "{\"granted\":70,\"refused\":3,\"reason\":\"too early\"}");
    summary_of(r, j, &s);
    CHECK(s.has_lights && s.has_queues && s.has_rungs);
    CHECK(s.changes_per_hour == 120);
    CHECK(s.longest_red_s == 33 && strcmp(j->lane[s.longest_red_lane], "n1") == 0);
    CHECK(s.queue_mean > 4.99 && s.queue_mean < 5.01 && s.queue_most == 8);
    CHECK(s.granted == 60 && s.refused == 2 && strcmp(j->reason, "too early") == 0);
    CHECK(s.rung_share[0] > 0.74 && s.rung_share[0] < 0.76 && s.rung_share[2] > 0.24);
    row(report_read_refusals, j, 550, "{\"granted\":5,\"refused\":0}"); /* it began anew */
    summary_of(r, j, &s);
    CHECK(s.granted == 5 && s.refused == 0);
    report_read_status(r, bytes_text("steps=7\nfixed_delay_s=40.5\ndelay_s=20.25\n"));
    CHECK(r->has_delay && r->delay_s == 20.25 && r->fixed_delay_s == 40.5);
    struct buf b;
    buf_init(&b, 100000);
    j->lights_count = 0;
    row(report_read_state, j, 300, "{\"shown\":\"rrGG\"}"); /* known for the second half only */
    row(report_read_state, j, 400, "{\"shown\":\"GGrr\"}");
    summary_of(r, j, &s);
    CHECK(s.changes_per_hour == 12);
    j->lights_count = 0;
    run_fixed(j, 0);
    summary_text(r, NULL, &b);
    CHECK(has(&b, "delay 20.2 s a vehicle, with the fixed plan 40.5 s: 0.50 of it"));
    CHECK(has(&b, "J1: 120 changes an hour, longest red 33 s (lane n1)"));
    buf_fini(&b);
    done(r);
}

/* Every "<" of a device is escaped, in every text that is written. */
TEST(what_a_device_calls_itself_stays_a_name)
{
    static const char evil[] =
        "{\"name\":\"<script>alert(1)</script>\\u0007\",\"properties\":{\"phases\":[\"G\"],"
        "\"links\":[{\"lane\":\"</text><script>\",\"exit\":\"\\\"&\"}],"
        "\"lanes\":[\"</text><script>\"],\"exits\":[\"\\\"&\"]}}";
    static struct corridor c;
    struct report *r = street(2, true);
    CHECK_OK(report_read_thing(r, bytes_text(evil)));
    struct report_junction *j = r->junctions[2];
    row(report_read_state, j, 0, "{\"shown\":\"<\"}");
    row(report_read_why, j, 1, "\"<script>\\u0001\"");
    row(report_read_refusals, j, 1, "{\"granted\":1,\"refused\":1,\"reason\":\"<script>\"}");
    row(report_read_queue, j, 1, "{\"standing\":{\"</text><script>\":3}}");
    CHECK(j->queues_count == 1 && j->queues[0].standing[0] == 3);
    CHECK_OK(corridor_find(r, &c));
    c.stops[1].junction = j; /* so that the name is drawn, too */
    struct buf b;
    buf_init(&b, PICTURE_BYTES_MAX);
    space_time_svg(r, &c, &b);
    queues_svg(r, j, &b);
    summary_html(r, &c, &b);
    CHECK(buf_error(&b) == OK && !has(&b, "<script") && has(&b, "&lt;script"));
    for (size_t i = 0; i < b.len; i++)
        CHECK(b.p[i] >= ' ' || b.p[i] == '\n');
    buf_fini(&b);
    done(r);
}

TEST(pictures_hold_an_axis_with_units_bars_and_bands)
{
    static struct corridor c;
    struct report *r = street(3, true);
    struct buf b;
    buf_init(&b, PICTURE_BYTES_MAX);
    CHECK_OK(corridor_find(r, &c));
    space_time_svg(r, &c, &b);
    CHECK(has(&b, "Distance along the street in m") && has(&b, "time of day, UTC, 2026-09-21"));
    CHECK(times(&b, "class=\"band\"") >= 9 && times(&b, "class=\"red\"") > 30);
    CHECK(has(&b, "600 m") && has(&b, "prefers-color-scheme:dark"));
    CHECK(times(&b, "<text") == times(&b, "</text>") && times(&b, "<svg") == 1);
    buf_reset(&b);
    for (int i = 0; i < 20; i++) {
        char text[100];
        snprintf(text, sizeof(text), "{\"standing\":{\"e1\":%d,\"s1\":%d}}", i % 9, i % 4);
        row(report_read_queue, r->junctions[0], i * 30, text);
    }
    queues_svg(r, r->junctions[0], &b);
    CHECK(times(&b, "class=\"queue\"") == 4 && has(&b, "Queues at J1") && has(&b, ">8</text>"));
    buf_fini(&b);
    done(r);
}

TEST(a_report_without_rows_is_drawn_all_the_same)
{
    static struct corridor c;
    struct report *r = street(2, true);
    struct buf b;
    buf_init(&b, PICTURE_BYTES_MAX);
    for (uint32_t i = 0; i < r->count; i++)
        r->junctions[i]->lights_count = 0;
    CHECK_OK(corridor_find(r, &c));
    space_time_svg(r, &c, &b);
    queues_svg(r, r->junctions[0], &b);
    summary_html(r, NULL, &b);
    summary_text(r, &c, &b);
    CHECK(buf_error(&b) == OK && has(&b, "class=\"dark\"") && has(&b, "not known"));
    buf_fini(&b);
    done(r);
}
