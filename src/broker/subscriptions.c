/* subscriptions.c -- subscriptions of sessions, at the nodes of the tree and in groups. */
#include "broker/inside.h"
#include "mqtt/topic.h"

#define AT(i) (b->subscription[i])

static struct bytes
filter_of(const struct broker_subscription *s)
{
    return bytes_of(s->filter, s->filter_len);
}

static uint32_t
find(const struct broker *b, uint32_t session, struct bytes filter)
{
    uint32_t i = b->session[session].subscriptions;
    while (i && !bytes_equal(filter, filter_of(&AT(i))))
        i = AT(i).next_own;
    return i;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void
push(struct broker *b, uint32_t *head, uint32_t i)
{
    AT(i).next = *head;
    AT(i).previous = 0;
    if (*head)
        AT(*head).previous = i;
    *head = i;
}

static void
pull(struct broker *b, uint32_t *head, uint32_t i)
{
    if (AT(i).previous)
        AT(AT(i).previous).next = AT(i).next;
    else
        *head = AT(i).next;
    if (AT(i).next)
        AT(AT(i).next).previous = AT(i).previous;
}

static void
push_own(struct broker *b, struct broker_session *s, uint32_t i)
{
    AT(i).next_own = s->subscriptions;
    AT(i).previous_own = 0;
    if (s->subscriptions)
        AT(s->subscriptions).previous_own = i;
    s->subscriptions = i;
    s->subscriptions_count++;
}

static void
pull_own(struct broker *b, struct broker_session *s, uint32_t i)
{
    if (AT(i).previous_own)
        AT(AT(i).previous_own).next_own = AT(i).next_own;
    else
        s->subscriptions = AT(i).next_own;
    if (AT(i).next_own)
        AT(AT(i).next_own).previous_own = AT(i).previous_own;
    s->subscriptions_count--;
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* The group of this name at the node; made if it is not there. All members have the same text. */
static uint32_t
group_at(struct broker *b, uint32_t node, struct bytes whole)
{
    uint32_t g = b->tree.node[node].groups;
    while (g && !bytes_equal(whole, filter_of(&AT(b->group[g].members))))
        g = b->group[g].next;
    if (g)
        return g;
    if (!b->group_free && b->group_high == b->groups_max)
        return 0;
    g = b->group_free ? b->group_free : b->group_high++;
    if (b->group_free)
        b->group_free = b->group[g].next;
    b->group[g] = (struct broker_group){.node = node, .next = b->tree.node[node].groups};
    b->tree.node[node].groups = g;
    return g;
}

static void
leave_group(struct broker *b, uint32_t i)
{
    uint32_t g = AT(i).group;
    struct broker_group *group = &b->group[g];
    if (group->turn == i)
        group->turn = AT(i).next;
    pull(b, &group->members, i);
    if (group->members)
        return;
    uint32_t *at = &b->tree.node[group->node].groups;
    while (*at != g)
        at = &b->group[*at].next;
    *at = group->next;
    *group = (struct broker_group){.next = b->group_free};
    b->group_free = g;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static void
keep(struct broker *b, uint32_t i)
{
    const struct broker_subscription *s = &AT(i);
    if (b->loading || !inside_durable(&b->session[s->session]))
        return;
    struct kept_subscription m = {b->session[s->session].number, s->kind, s->options, s->identifier,
                                  filter_of(s)};
    INSIDE_KEEP(b, kept_subscription, s->number, &m);
}

static uint32_t
take_slot(struct broker *b, struct bytes filter)
{
    if (!b->subscription_free && b->subscription_high == b->subscriptions_max)
        return 0;
    uint8_t *copy = budget_take(&b->budget, filter.len);
    if (!copy)
        return 0;
    memcpy(copy, filter.p, filter.len);
    uint32_t i = b->subscription_free ? b->subscription_free : b->subscription_high++;
    if (b->subscription_free)
        b->subscription_free = AT(i).next;
    AT(i) = (struct broker_subscription){.filter = copy, .filter_len = (uint32_t)filter.len};
    b->subscriptions_count++;
    return i;
}

static void
give_slot(struct broker *b, uint32_t i)
{
    budget_give(&b->budget, AT(i).filter, AT(i).filter_len);
    AT(i) = (struct broker_subscription){.next = b->subscription_free};
    b->subscription_free = i;
    b->subscriptions_count--;
}

/* Into the tree: at its node, or in a group there. */
static enum err
place(struct broker *b, uint32_t i, struct bytes group, struct bytes filter)
{
    uint32_t node;
    enum err e = trie_add(&b->tree, filter, &node);
    if (e != OK)
        return e;
    AT(i).node = node;
    if (group.len == 0) {
        push(b, &b->tree.node[node].value, i);
        return OK;
    }
    uint32_t g = group_at(b, node, filter_of(&AT(i)));
    if (!g) {
        trie_prune(&b->tree, node);
        return ERR_LIMIT;
    }
    AT(i).group = g;
    push(b, &b->group[g].members, i);
    return OK;
}

enum err
broker_subscribe(struct broker *b, uint32_t session, enum broker_kind kind, struct bytes filter,
                 uint8_t options, uint32_t identifier, uint32_t *out_subscription, bool *out_new)
{
    struct broker_session *s = &b->session[session];
    struct bytes group = {0}, plain = filter;
    ASSERT(s->used && filter.len > 0);
    enum err e = kind == BROKER_STA ? OK : mqtt_share_split(filter, &group, &plain);
    if (e != OK || (group.len && (options & BROKER_NO_LOCAL))) /* MQTT-3.8.3-4 */
        return ERR_MALFORMED;
    uint32_t i = find(b, session, filter);
    *out_new = i == 0;
    if (!i) {
        i = s->subscriptions_count < BROKER_SESSION_SUBSCRIPTIONS_MAX ? take_slot(b, filter) : 0;
        if (!i)
            return ERR_LIMIT;
        AT(i).kind = (uint8_t)kind;
        e = kind == BROKER_STA ? OK : place(b, i, group, plain);
        if (e != OK) {
            give_slot(b, i);
            return e;
        }
        AT(i).session = session;
        AT(i).number = b->next_number++;
        push_own(b, s, i);
    }
    AT(i).options = options;
    AT(i).identifier = identifier;
    keep(b, i);
    if (*out_new && kind == BROKER_STA)
        b->ports.indexed(b->ports.ctx, i, true);
    *out_subscription = i;
    return OK;
}

static void
remove_one(struct broker *b, uint32_t i)
{
    struct broker_session *s = &b->session[AT(i).session];
    uint32_t node = AT(i).node;
    if (AT(i).kind == BROKER_STA)
        b->ports.indexed(b->ports.ctx, i, false);
    else if (AT(i).group)
        leave_group(b, i);
    else
        pull(b, &b->tree.node[node].value, i);
    if (node)
        trie_prune(&b->tree, node);
    pull_own(b, s, i);
    if (s->kept)
        inside_forget(b, kept_subscription_id, AT(i).number);
    give_slot(b, i);
}

enum err
broker_unsubscribe(struct broker *b, uint32_t session, struct bytes filter)
{
    uint32_t i = find(b, session, filter);
    if (!i)
        return ERR_NOT_FOUND;
    remove_one(b, i);
    return OK;
}

void
broker_unsubscribe_all(struct broker *b, uint32_t session)
{
    while (b->session[session].subscriptions)
        remove_one(b, b->session[session].subscriptions);
}
