/*
 * alias.h -- topic aliases of one direction of one connection (MQTT 5, 3.3.2.3.4).
 *
 * They live as long as the connection (MQTT-3.3.2-7) and take memory when the first one is used.
 */
#ifndef MQTT_ALIAS_H
#define MQTT_ALIAS_H

#include "base/base.h"
#include "base/buf.h"

enum { MQTT_ALIASES_MAX = 16 }; /* told to v5 clients; as many are used towards them */

struct mqtt_aliases {
    uint16_t max;       /* aliases 1 to max may be used */
    uint16_t count;     /* given by mqtt_alias_give() */
    struct buf *topics; /* [MQTT_ALIASES_MAX]; NULL until the first one */
};

/* max: at most MQTT_ALIASES_MAX are used of what the other side allows. */
void mqtt_aliases_init(struct mqtt_aliases *a, uint32_t max);
void mqtt_aliases_fini(struct mqtt_aliases *a);

/* The alias means this topic from now on. ERR_LIMIT: no such alias, or no memory. */
enum err mqtt_alias_set(struct mqtt_aliases *a, uint16_t alias, struct bytes topic) MUST_USE;

/* What an alias means; borrowed until it is set anew. False: nothing yet. */
bool mqtt_alias_get(const struct mqtt_aliases *a, uint16_t alias, struct bytes *out);

/*
 * For sending: the alias of this topic, 0 when there is none to have. *out_known: the other side
 * knows it already, so the topic itself may be left out.
 */
uint16_t mqtt_alias_give(struct mqtt_aliases *a, struct bytes topic, bool *out_known);

#endif
