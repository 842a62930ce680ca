/*
 * networks DIR...: the intersections of SUMO scenarios against their networks' own word on who
 * crosses whom: phases that do not fit, and the longest red that can be promised. Exit 1 if a phase
 * does not fit.
 */
#include "bench/signals/ground.h"
#include "field/sumo/executor.h"
#include "field/sumo/world.h"

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

static uint32_t
check(const char *data)
{
    static struct ground g;
    static struct executor x;
    char why[WORLD_WHY_SIZE];
    struct world *w = NULL;
    uint32_t count = 0, bad = 0;
    if (!ground_open(&g, data, NULL, NULL)) {
        fprintf(stderr, "networks: %s\n", g.why);
        exit(3);
    }
    struct world_config c = {.configuration = g.configuration, .begin_s = -1, .seed = 1};
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
    world_close(w);
    ground_close(&g);
    return bad;
}

int
main(int argc, char **argv)
{
    uint32_t bad = 0;
    for (int i = 1; i < argc; i++)
        bad += check(argv[i]);
    printf("%u phases do not fit\n", (unsigned)bad);
    return bad > 0;
}
