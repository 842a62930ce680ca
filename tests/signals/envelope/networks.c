/*
 * networks [--wishes N] DIR...: the intersections of SUMO scenarios against their networks' own
 * word on who crosses whom: phases that do not fit, and the longest red that can be promised. Exit
 * 1 if a phase does not fit.
 */
#include "bench/signals/ground.h"
#include "field/sumo/executor.h"
#include "field/sumo/world.h"
#include "tests/signals/envelope/storm.h"

static const struct executor_times times = {3, 1, 7, 120};

/* Lanes of a letter, for people. */
static void
print_letter(const struct site *s, uint32_t letter)
{
    for (uint32_t k = 0; k < s->links_count; k++) {
        if (s->links[k].letter == letter)
            printf(" %s>%s", s->lanes[s->links[k].lane], s->exits[s->links[k].exit]);
    }
}

static uint32_t
print_phase(const struct executor *x, const struct site *s, uint32_t p)
{
    const struct intersection *in = &x->intersection;
    uint32_t bad = 0;
    for (uint32_t a = 0; a < s->letters_count; a++) {
        for (uint32_t b = a + 1; b < s->letters_count; b++) {
            char only[LIGHTS_LINKS_MAX + 1] = {0};
            uint32_t i, k;
            memset(only, 'r', s->letters_count);
            only[a] = s->phases[p][a];
            only[b] = s->phases[p][b];
            if (intersection_fits(in, only, only, &i, &k))
                continue;
            bad++;
            printf("  %s phase %u (%s): %u %c and %u %c:", s->device, (unsigned)p, s->phases[p],
                   (unsigned)a, only[a], (unsigned)b, only[b]);
            print_letter(s, a);
            printf(" |");
            print_letter(s, b);
            printf("\n");
        }
    }
    return bad;
}

/* The matrix alone, also where the executor had to do without. */
static uint32_t
print_site(const struct site *s, struct executor *x)
{
    uint32_t bad = 0, walks = 0, crossings = 0;
    enum err e = executor_init(x, s, &times);
    bool by_matrix = x->by_matrix;
    struct intersection *in = &x->intersection;
    executor_cross_by_street(in, s);
    for (uint32_t p = 0; p < s->phases_count; p++)
        bad += print_phase(x, s, p) > 0;
    for (uint32_t i = 0; i < s->letters_count; i++) {
        walks += in->links[i].walk;
        for (uint32_t k = 0; k < i; k++)
            crossings += link_in(&in->crosses[i], k);
    }
    printf("%-40s %2u letters (%u walks) %2u phases, %u do not fit; %u crossing pairs; cover %u, "
           "round %u s; "
           "%s\n",
           s->device, (unsigned)s->letters_count, (unsigned)walks, (unsigned)s->phases_count,
           (unsigned)bad, (unsigned)crossings, (unsigned)in->cover_count, in->round_s,
           e != OK     ? x->why
           : by_matrix ? "by its matrix"
                       : x->why);
    return bad;
}

/* So many wishes to one intersection, as its executor has it. */
static uint64_t
storm(const struct site *s, struct executor *x, uint64_t wishes, struct storm_result *sum)
{
    static struct storm_result out;
    if (executor_init(x, s, &times) != OK)
        return 0;
    storm_run(&(struct storm_config){.x = &x->intersection, .wishes = wishes, .seed = 1}, &out);
    uint64_t bad = checker_violations(&out.checker);
    if (bad)
        printf("  %s: %llu violations, %s\n", s->device, (unsigned long long)bad,
               out.checker.first);
    sum->wishes += out.wishes;
    sum->seconds += out.seconds;
    sum->forced += out.forced;
    sum->changes += out.changes;
    return bad;
}

static uint64_t
storms(const struct site *sites, uint32_t count, struct executor *x, uint64_t wishes)
{
    static struct storm_result sum;
    uint64_t bad = 0;
    sum = (struct storm_result){0};
    for (uint32_t i = 0; i < count && wishes > 0; i++)
        bad += storm(&sites[i], x, (wishes + count - 1) / count, &sum);
    if (wishes > 0)
        printf("  storm: %llu wishes, %llu seconds, %llu changes, %llu forced, %llu violations\n",
               (unsigned long long)sum.wishes, (unsigned long long)sum.seconds,
               (unsigned long long)sum.changes, (unsigned long long)sum.forced,
               (unsigned long long)bad);
    fflush(stdout);
    return bad;
}

static uint64_t
check(const char *data, uint64_t wishes)
{
    static struct ground g;
    static struct executor x;
    char why[WORLD_WHY_SIZE];
    struct world *w = NULL;
    uint32_t count = 0;
    uint64_t bad = 0;
    if (!ground_open(&g, data, NULL, NULL, NULL)) {
        fprintf(stderr, "networks: %s\n", g.why);
        exit(3);
    }
    struct world_config c = {
        .configuration = g.configuration, .outputs = g.outputs.prefix, .begin_s = -1, .seed = 1};
    if (world_open(&c, &w, why) != OK) {
        fprintf(stderr, "networks: %s\n", why);
        ground_close(&g);
        exit(3);
    }
    const struct site *sites = world_sites(w, &count);
    printf("%s: %u intersections, %u left alone\n", g.name, (unsigned)count,
           (unsigned)world_left_alone(w));
    for (uint32_t i = 0; i < count; i++)
        bad += print_site(&sites[i], &x);
    bad += storms(sites, count, &x, wishes);
    world_close(w);
    ground_close(&g);
    return bad;
}

int
main(int argc, char **argv)
{
    uint64_t bad = 0, wishes = 0;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--wishes") == 0) {
        wishes = strtoull(argv[2], NULL, 10);
        first = 3;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: networks [--wishes N] DIR...\n");
        return 2;
    }
    for (int i = first; i < argc; i++)
        bad += check(argv[i], wishes);
    printf("%llu phases that do not fit and rules that broke\n", (unsigned long long)bad);
    return bad > 0;
}
