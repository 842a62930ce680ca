#include "cli/report/report.h"

void
report_free(struct report *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        free(r->junctions[i]->lights);
        free(r->junctions[i]->queues);
        free(r->junctions[i]->rungs);
        free(r->junctions[i]);
    }
    r->count = 0;
}

/* SUMO's letters: G and g are green, y and Y yellow, u red with yellow, o and O dark or blinking.
 */
static enum report_colour
colour_of(char letter)
{
    switch (letter) {
    case 'G':
    case 'g':
        return REPORT_GREEN;
    case 'y':
    case 'Y':
        return REPORT_YELLOW;
    case 'o':
    case 'O':
        return REPORT_DARK;
    default:
        return REPORT_RED;
    }
}

enum report_colour
report_colour_of(const struct report_junction *j, const struct report_light *light,
                 const struct report_links *links)
{
    enum report_colour best = REPORT_DARK;
    for (uint32_t k = 0; k < j->links_count && light->shown[k]; k++) {
        enum report_colour c = colour_of(light->shown[k]);
        if (links->is[k] && c > best)
            best = c;
    }
    return best;
}

enum report_colour
report_colour_at(const struct report_junction *j, const struct report_links *links, int64_t at_us,
                 uint32_t *inout_at)
{
    uint32_t i = *inout_at;
    if (j->lights_count == 0 || j->lights[0].at_us > at_us)
        return REPORT_DARK;
    while (i + 1 < j->lights_count && j->lights[i + 1].at_us <= at_us)
        i++;
    *inout_at = i;
    return report_colour_of(j, &j->lights[i], links);
}

struct report_links
report_links_of_lane(const struct report_junction *j, uint32_t lane)
{
    struct report_links links = {{false}};
    for (uint32_t k = 0; k < j->links_count; k++)
        links.is[k] = j->link_lane[k] == lane;
    return links;
}
