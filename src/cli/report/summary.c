#include "cli/report/summary.h"

#include "charter/svg.h"
#include "sensorthings/times.h"

static const char *const rungs[REPORT_RUNGS] = {"plan", "virtual queues", "learned rates",
                                                "its own plan"};

static double
seconds(int64_t us)
{
    return (double)us / 1e6;
}

/* Both ends moved into the report's time; 0 when nothing is left. */
static int64_t
within(const struct report *r, int64_t from_us, int64_t to_us)
{
    int64_t from = from_us > r->from_us ? from_us : r->from_us;
    int64_t to = to_us < r->to_us ? to_us : r->to_us;
    return to > from ? to - from : 0;
}

/* ---- lights ------------------------------------------------------------------------------------
 */

static void
see_reds(const struct report *r, const struct report_junction *j, uint32_t lane,
         struct summary *out)
{
    struct report_links links = report_links_of_lane(j, lane);
    bool red = false;
    int64_t since = 0;
    for (uint32_t i = 0; i <= j->lights_count; i++) {
        bool last = i == j->lights_count;
        bool now = !last && report_colour_of(j, &j->lights[i], &links) == REPORT_RED;
        int64_t at = last ? r->to_us : j->lights[i].at_us;
        if (now && !red)
            since = at;
        if (red && !now) {
            double s = seconds(within(r, since, at));
            if (s > out->longest_red_s) {
                out->longest_red_s = s;
                out->longest_red_lane = lane;
            }
        }
        red = now;
    }
}

static bool
begins_green(const struct report_junction *j, uint32_t i)
{
    for (uint32_t k = 0; k < j->links_count; k++)
        if (strchr("Gg", j->lights[i].shown[k]) && !strchr("Gg", j->lights[i - 1].shown[k]))
            return true;
    return false;
}

static void
see_lights(const struct report *r, const struct report_junction *j, struct summary *out)
{
    uint32_t changes = 0;
    for (uint32_t i = 1; i < j->lights_count; i++)
        changes +=
            j->lights[i].at_us >= r->from_us && j->lights[i].at_us < r->to_us && begins_green(j, i);
    int64_t known_us = j->lights_count ? within(r, j->lights[0].at_us, r->to_us) : 0;
    out->has_lights = known_us > 0;
    out->changes_per_hour = known_us > 0 ? changes * 3600.0 / seconds(known_us) : 0;
    for (uint32_t l = 0; l < j->lanes_count; l++)
        see_reds(r, j, l, out);
}

/* ---- queues and rungs --------------------------------------------------------------------------
 */

static void
see_queues(const struct report *r, const struct report_junction *j, struct summary *out)
{
    double vehicle_s = 0, all_s = 0;
    for (uint32_t i = 0; i < j->queues_count; i++) {
        const struct report_queue *q = &j->queues[i];
        int64_t until = i + 1 < j->queues_count ? q[1].at_us : r->to_us;
        double s = seconds(within(r, q->at_us, until));
        all_s += s;
        for (uint32_t l = 0; l < j->lanes_count && s > 0; l++) {
            vehicle_s += s * q->standing[l];
            if (q->standing[l] > out->queue_most) {
                out->queue_most = q->standing[l];
                out->queue_most_lane = l;
            }
        }
    }
    out->has_queues = all_s > 0;
    out->queue_mean = all_s > 0 ? vehicle_s / all_s : 0;
}

static void
see_rungs(const struct report *r, const struct report_junction *j, struct summary *out)
{
    double all_s = 0;
    for (uint32_t i = 0; i < j->rungs_count; i++) {
        int64_t until = i + 1 < j->rungs_count ? j->rungs[i + 1].at_us : r->to_us;
        double s = seconds(within(r, j->rungs[i].at_us, until));
        out->rung_share[j->rungs[i].rung] += s;
        all_s += s;
    }
    out->has_rungs = all_s > 0;
    for (uint32_t k = 0; k < REPORT_RUNGS && all_s > 0; k++)
        out->rung_share[k] /= all_s;
}

void
summary_of(const struct report *r, const struct report_junction *j, struct summary *out)
{
    *out = (struct summary){.granted = j->granted, .refused = j->refused};
    ASSERT(r->to_us > r->from_us);
    if (j->granted >= j->granted_first && j->refused >= j->refused_first) {
        out->granted -= j->granted_first; /* else the service began anew in between */
        out->refused -= j->refused_first;
    }
    see_lights(r, j, out);
    see_queues(r, j, out);
    see_rungs(r, j, out);
}

void
summary_file(uint32_t index, char to[static SUMMARY_FILE_SIZE])
{
    snprintf(to, SUMMARY_FILE_SIZE, "queues-%u.svg", index + 1);
}

/* ---- as text -----------------------------------------------------------------------------------
 */

static void
put_instant(struct buf *b, int64_t us)
{
    struct sta_civil c = sta_civil_of(us);
    buf_format(b, "%04d-%02d-%02d %02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour, c.minute,
               c.second);
}

static void
put_delay(struct buf *b, const struct report *r)
{
    if (!r->has_delay)
        return;
    buf_format(b, "delay %.1f s a vehicle, with the fixed plan %.1f s", r->delay_s,
               r->fixed_delay_s);
    if (r->fixed_delay_s > 0)
        buf_format(b, ": %.2f of it", r->delay_s / r->fixed_delay_s);
    buf_byte(b, '\n');
}

static void
put_rungs(struct buf *b, const struct summary *s)
{
    bool first = true;
    for (uint32_t k = 0; k < REPORT_RUNGS; k++) {
        if (s->rung_share[k] <= 0)
            continue;
        buf_format(b, "%s%s %.0f %%", first ? "" : ", ", rungs[k], s->rung_share[k] * 100);
        first = false;
    }
    if (!s->has_rungs)
        buf_text(b, "not known");
}

void
summary_text(const struct report *r, const struct corridor *corridor, struct buf *b)
{
    buf_format(b, "zone %s, ", r->zone);
    put_instant(b, r->from_us);
    buf_text(b, " to ");
    put_instant(b, r->to_us);
    buf_format(b, " UTC, %u intersections\n", r->count);
    put_delay(b, r);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct report_junction *j = r->junctions[i];
        struct summary s;
        summary_of(r, j, &s);
        buf_format(b, "%s: %.0f changes an hour, longest red %.0f s", j->name, s.changes_per_hour,
                   s.longest_red_s);
        if (s.longest_red_s > 0)
            buf_format(b, " (lane %s)", j->lane[s.longest_red_lane]);
        if (s.has_queues)
            buf_format(b, ", %.1f standing on average, at most %u", s.queue_mean, s.queue_most);
        if (s.queue_most)
            buf_format(b, " (lane %s)", j->lane[s.queue_most_lane]);
        buf_format(b, ", refused %llu of %llu, rung: ", (unsigned long long)s.refused,
                   (unsigned long long)(s.refused + s.granted));
        put_rungs(b, &s);
        buf_byte(b, '\n');
    }
    if (!corridor)
        return;
    buf_text(b, "street:");
    for (uint32_t i = 0; i < corridor->count; i++)
        buf_format(b, " %s", corridor->stops[i].junction->name);
    buf_format(b, " (%.0f m)\n", corridor->stops[corridor->count - 1].at_m);
}

/* ---- as a page ---------------------------------------------------------------------------------
 */

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Signals</title>\n"
    "<style>body{font:14px sans-serif;margin:2em;color:#222;background:#fff}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:3px 8px;text-align:right}"
    "td.t,th.t{text-align:left}figure{margin:1.5em 0;overflow-x:auto}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#15171a}a{color:#8ab8ff}}"
    "</style>\n";

static void
put_cell_text(struct buf *b, const char *text)
{
    buf_text(b, "<td class=\"t\">");
    svg_escaped(b, bytes_text(text));
    buf_text(b, "</td>");
}

static void
put_row(struct buf *b, const struct report *r, uint32_t index)
{
    const struct report_junction *j = r->junctions[index];
    char file[SUMMARY_FILE_SIZE];
    struct summary s;
    summary_of(r, j, &s);
    summary_file(index, file);
    buf_format(b, "<tr><td class=\"t\"><a href=\"%s\">", file);
    svg_escaped(b, bytes_text(j->name));
    buf_format(b, "</a></td><td>%.0f</td><td>%.0f</td>", s.changes_per_hour, s.longest_red_s);
    put_cell_text(b, s.longest_red_s > 0 ? j->lane[s.longest_red_lane] : "");
    buf_format(b, "<td>%.1f</td><td>%u</td><td>%llu</td><td>%llu</td><td class=\"t\">",
               s.queue_mean, s.queue_most, (unsigned long long)s.granted,
               (unsigned long long)s.refused);
    put_rungs(b, &s);
    buf_text(b, "</td>");
    put_cell_text(b, j->why);
    put_cell_text(b, j->reason);
    buf_text(b, "</tr>\n");
}

static void
put_pictures(struct buf *b, const struct report *r, const struct corridor *corridor)
{
    if (corridor)
        buf_text(b, "<h2>Space-time diagram</h2>\n<figure><img src=\"space-time.svg\" "
                    "alt=\"space-time diagram\"></figure>\n");
    buf_text(b, "<h2>Queues</h2>\n");
    for (uint32_t i = 0; i < r->count; i++) {
        char file[SUMMARY_FILE_SIZE];
        summary_file(i, file);
        buf_format(b, "<figure><img src=\"%s\" loading=\"lazy\" alt=\"queues at ", file);
        svg_escaped(b, bytes_text(r->junctions[i]->name));
        buf_text(b, "\"></figure>\n");
    }
}

void
summary_html(const struct report *r, const struct corridor *corridor, struct buf *b)
{
    buf_text(b, page_head);
    buf_text(b, "<h1>Signals of zone ");
    svg_escaped(b, bytes_text(r->zone));
    buf_text(b, "</h1>\n<p>");
    put_instant(b, r->from_us);
    buf_text(b, " to ");
    put_instant(b, r->to_us);
    buf_text(b, " UTC</p>\n<p>");
    put_delay(b, r);
    buf_text(b, "</p>\n<table><tr><th class=\"t\">intersection</th><th>changes an hour</th>"
                "<th>longest red, s</th><th class=\"t\">on lane</th><th>standing, mean</th>"
                "<th>standing, most on a lane</th><th>leases granted</th><th>refused</th>"
                "<th class=\"t\">rung of the ladder</th><th class=\"t\">why, last</th>"
                "<th class=\"t\">last refusal</th></tr>\n");
    for (uint32_t i = 0; i < r->count; i++)
        put_row(b, r, i);
    buf_text(b, "</table>\n");
    put_pictures(b, r, corridor);
}
