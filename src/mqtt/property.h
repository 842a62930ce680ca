/*
 * property.h -- the properties of MQTT 5 (2.2.2), checked once and then read by walking.
 *
 * Property bytes are checked whole by mqtt_properties_check(); afterwards mqtt_property_next() and
 * _find() walk them without failing. They hold the bytes between the property length and the rest.
 */
#ifndef MQTT_PROPERTY_H
#define MQTT_PROPERTY_H

#include "base/base.h"
#include "base/buf.h"

/*
 * Packet types as they stand in the fixed header (2.1.2). Two are ours: WILL for a will's
 * properties, DELIVERY for those of a PUBLISH from a server.
 */
enum mqtt_type {
    MQTT_WILL = 0,
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
    MQTT_DELIVERY,
    MQTT_TYPE_COUNT
};

#define PROPERTY(name, id, type, in, min, max) MQTT_PROPERTY_##name = id,
enum mqtt_property_id {
#include "mqtt/property.def"
    MQTT_PROPERTY_ID_MAX = 0x2A
};

enum { MQTT_USER_PROPERTIES_MAX = 32 }; /* in one packet */

struct mqtt_property {
    enum mqtt_property_id id;
    uint32_t number;    /* of BYTE, TWO, FOUR, VARINT */
    struct bytes value; /* of TEXT, BINARY; the value of a PAIR */
    struct bytes name;  /* of a PAIR */
};

/*
 * Check all property bytes of one packet. ERR_MALFORMED: unknown, in the wrong packet, truncated,
 * not UTF-8. ERR_WRONG_STATE: twice, or a value out of its range (a "protocol error"). ERR_LIMIT:
 * too many user properties.
 */
enum err mqtt_properties_check(struct bytes properties, enum mqtt_type in) MUST_USE;

/* The next property of checked bytes; false at the end. Moves *rest. */
bool mqtt_property_next(struct bytes *rest, struct mqtt_property *out);

/* The first property with this id in checked bytes; *out is untouched when there is none. */
bool mqtt_property_find(struct bytes properties, enum mqtt_property_id id,
                        struct mqtt_property *out);

void mqtt_property_put(struct buf *b, const struct mqtt_property *p);
void mqtt_property_put_number(struct buf *b, enum mqtt_property_id id, uint32_t number);
void mqtt_property_put_text(struct buf *b, enum mqtt_property_id id, struct bytes text);

/* A variable byte integer (1.5.5), at most 268,435,455, and the bytes that it takes. */
void mqtt_put_varint(struct buf *b, uint32_t v);
size_t mqtt_varint_size(uint32_t v);
/* Two bytes of length, then the bytes; more than 65,535 is an overflow of the buffer. */
void mqtt_put_binary(struct buf *b, struct bytes v);
void mqtt_put_number(struct buf *b, uint32_t v, size_t size);

#endif
