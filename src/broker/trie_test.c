#include "broker/trie.h"

#include "base/random.h"
#include "base/test.h"
#include "mqtt/topic.h"

enum { FILTERS_MAX = 3000, TEXT_SIZE = 64 };

struct naive {
    char text[FILTERS_MAX][TEXT_SIZE];
    bool used[FILTERS_MAX];
    uint32_t hits[FILTERS_MAX + 1];
};

static void
count_hit(void *ctx, const struct trie_node *node)
{
    ((struct naive *)ctx)->hits[node->value]++;
}

static uint64_t
next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void
random_text(uint64_t *state, bool filter, char to[static TEXT_SIZE])
{
    static const char *const levels[] = {"a", "b", "", "c-c", "$x"};
    size_t at = 0, count = 1 + next(state) % 5;
    for (size_t i = 0; i < count; i++) {
        const char *level = levels[next(state) % ARRAY_COUNT(levels)];
        uint64_t dice = next(state) % 10;
        if (filter && dice < 3)
            level = "+";
        else if (filter && dice == 3 && i + 1 == count)
            level = "#";
        at += (size_t)snprintf(to + at, TEXT_SIZE - at, "%s%s", i ? "/" : "", level);
    }
    if (at == 0)
        snprintf(to, TEXT_SIZE, "a");
}

static void
compare(struct trie *t, struct naive *n, const char *topic)
{
    memset(n->hits, 0, sizeof(n->hits));
    trie_match(t, bytes_text(topic), count_hit, n);
    for (uint32_t i = 0; i < FILTERS_MAX; i++) {
        bool want = n->used[i] && mqtt_filter_matches(bytes_text(n->text[i]), bytes_text(topic));
        CHECK(n->hits[i + 1] == want); /* T1 */
    }
}

/* The trie against the naive matcher, while filters come and go. */
TEST(a_tree_matches_what_a_naive_matcher_matches)
{
    uint64_t state = test_seed();
    struct budget budget = {0, 1 << 20};
    struct trie t;
    struct naive *n = calloc(1, sizeof(*n));
    CHECK(n);
    trie_init(&t, &budget, state, TRIE_NODES_MAX);
    for (int round = 0; round < 4000; round++) {
        char text[TEXT_SIZE];
        random_text(&state, true, text);
        uint32_t i = (uint32_t)(next(&state) % FILTERS_MAX), node;
        if (n->used[i]) {
            node = trie_find(&t, bytes_text(n->text[i]));
            CHECK(node && t.node[node].value == i + 1);
            t.node[node].value = 0;
            trie_prune(&t, node);
            n->used[i] = false;
        } else if (!(node = trie_find(&t, bytes_text(text))) || t.node[node].value == 0) {
            CHECK_OK(trie_add(&t, bytes_text(text), &node));
            t.node[node].value = i + 1;
            memcpy(n->text[i], text, sizeof(text));
            n->used[i] = true;
        }
        random_text(&state, false, text);
        compare(&t, n, text);
    }
    for (uint32_t i = 0; i < FILTERS_MAX; i++) {
        uint32_t node = n->used[i] ? trie_find(&t, bytes_text(n->text[i])) : 0;
        if (!node)
            continue;
        t.node[node].value = 0;
        trie_prune(&t, node);
    }
    CHECK(t.count == 0 && budget.used == 0); /* T2 */
    trie_fini(&t);
    free(n);
}

TEST(a_full_tree_says_so_and_is_as_before)
{
    struct budget budget = {0, 400};
    struct trie t;
    trie_init(&t, &budget, 1, TRIE_NODES_MAX);
    char text[TEXT_SIZE];
    uint32_t made = 0, node;
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "a/%u/b/c", i);
        uint32_t before = t.count;
        size_t used = budget.used;
        if (trie_add(&t, bytes_text(text), &node) == OK)
            t.node[node].value = ++made;
        else
            CHECK(t.count == before && budget.used == used && !trie_find(&t, bytes_text(text)));
    }
    CHECK(made > 2 && made < 100);
    char deep[2 * TRIE_LEVELS_MAX + 3] = "a";
    budget.max = 1 << 20;
    for (size_t i = 0; i < TRIE_LEVELS_MAX; i++)
        snprintf(deep + 1 + 2 * i, sizeof(deep) - 1 - 2 * i, "/b");
    uint32_t before = t.count;
    CHECK(trie_add(&t, bytes_text(deep), &node) == ERR_LIMIT && t.count == before);
    trie_fini(&t);
    CHECK(budget.used == 0);
}

static void
count_only(void *ctx, const struct trie_node *node)
{
    CHECK(node->value);
    ++*(uint32_t *)ctx;
}

/* 100,000 filters: what a match costs is the nodes that it visits, not how many there are. */
TEST(a_match_costs_its_levels_not_the_number_of_subscriptions)
{
    struct budget budget = {0, 64 << 20};
    struct trie t;
    trie_init(&t, &budget, test_seed(), TRIE_NODES_MAX);
    char text[TEXT_SIZE];
    uint32_t node, hits = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        snprintf(text, sizeof(text), i % 10 ? "city/%u/meter/%u/up" : "city/%u/+/%u/up", i % 1000,
                 i);
        CHECK_OK(trie_add(&t, bytes_text(text), &node));
        t.node[node].value = i + 1;
    }
    t.visited = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        snprintf(text, sizeof(text), "city/%u/meter/%u/up", i % 1000, i);
        trie_match(&t, bytes_text(text), count_only, &hits);
    }
    CHECK(hits == 100000);
    CHECK(t.visited <= 100000 * 10);
    printf("100000 filters: %.1f nodes a match, %zu bytes of text, %u nodes\n",
           (double)t.visited / 100000, budget.used, t.count);
    trie_fini(&t);
}
