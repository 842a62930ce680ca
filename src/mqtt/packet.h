/*
 * packet.h -- the packets of MQTT 3.1.1 and 5, as a server reads and writes them.
 *
 * Decoding takes exactly one frame and borrows from it; nothing is allocated. Only what a client
 * may send to us is decoded: CONNECT, PUBLISH and its four acknowledgements, SUBSCRIBE,
 * UNSUBSCRIBE, PINGREQ, DISCONNECT. AUTH is framed, and refused: there is no enhanced
 * authentication here. Sections are those of the OASIS texts of MQTT 5 (2019) and 3.1.1 (2014).
 */
#ifndef MQTT_PACKET_H
#define MQTT_PACKET_H

#include "base/base.h"
#include "base/buf.h"
#include "mqtt/property.h"

enum {
    MQTT_V311 = 4,
    MQTT_V5 = 5,
    MQTT_PACKET_MAX = 60000, /* a whole packet; told to v5 clients in CONNACK */
    MQTT_FILTERS_MAX = 32,   /* in one SUBSCRIBE or UNSUBSCRIBE */
};

/* Reason codes (2.4); below 0x80 is success. */
enum mqtt_reason {
    MQTT_SUCCESS = 0x00,
    MQTT_WITH_WILL = 0x04, /* of DISCONNECT */
    MQTT_UNSPECIFIED = 0x80,
    MQTT_MALFORMED = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_IMPLEMENTATION = 0x83,
    MQTT_BAD_VERSION = 0x84,
    MQTT_BAD_CLIENT_ID = 0x85,
    MQTT_BAD_PASSWORD = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_SERVER_UNAVAILABLE = 0x88,
    MQTT_SERVER_BUSY = 0x89,
    MQTT_SHUTTING_DOWN = 0x8B,
    MQTT_BAD_AUTH_METHOD = 0x8C,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8D,
    MQTT_TAKEN_OVER = 0x8E,
    MQTT_FILTER_INVALID = 0x8F,
    MQTT_TOPIC_INVALID = 0x90,
    MQTT_PACKET_ID_IN_USE = 0x91,
    MQTT_PACKET_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAXIMUM_EXCEEDED = 0x93,
    MQTT_TOPIC_ALIAS_INVALID = 0x94,
    MQTT_PACKET_TOO_LARGE = 0x95,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_ADMINISTRATIVE = 0x98,
    MQTT_PAYLOAD_INVALID = 0x99,
};

struct mqtt_frame {
    enum mqtt_type type;
    uint8_t flags;     /* the low four bits of the first byte */
    struct bytes body; /* what follows the fixed header */
    size_t size;       /* of the whole packet */
};

struct mqtt_connect {
    uint8_t version; /* MQTT_V311 or MQTT_V5 */
    bool clean_start;
    bool has_will, will_retain;
    uint8_t will_qos;
    bool has_user, has_password;
    uint16_t keep_alive_s;
    struct bytes properties; /* v5; empty in 3.1.1 */
    struct bytes client_id;
    struct bytes will_properties, will_topic, will_payload;
    struct bytes user, password;
};

struct mqtt_publish {
    bool dup, retain;
    uint8_t qos;        /* 0 to 2 */
    uint16_t packet_id; /* 0 only with QoS 0 */
    struct bytes topic; /* no wildcard, no NUL; empty only in v5 (a topic alias) */
    struct bytes properties;
    uint16_t alias; /* mqtt_put() writes it in front of the properties; 0: none */
    struct bytes payload;
};

/* PUBACK, PUBREC, PUBREL, PUBCOMP; and DISCONNECT, with packet_id 0. */
struct mqtt_ack {
    uint16_t packet_id;
    uint8_t reason;
    struct bytes properties;
};

struct mqtt_filter {
    struct bytes text; /* never empty; wildcards are not checked here, see topic.h */
    uint8_t options;   /* of SUBSCRIBE (3.8.3.1) */
};

/* SUBSCRIBE and UNSUBSCRIBE. */
struct mqtt_filters {
    uint16_t packet_id;
    struct bytes properties;
    size_t count; /* 1 to MQTT_FILTERS_MAX */
    struct mqtt_filter filter[MQTT_FILTERS_MAX];
};

struct mqtt_packet {
    enum mqtt_type type;
    union {
        struct mqtt_connect connect;
        struct mqtt_publish publish;
        struct mqtt_ack ack;
        struct mqtt_filters filters;
    };
};

/*
 * Find the packet at the start of `in`. ERR_AGAIN: more bytes are needed. ERR_LIMIT: it would be
 * larger than `limit`; known from the header alone. ERR_MALFORMED: the length, the type 0, or the
 * flags of the fixed header. ERR_WRONG_STATE: a type that no client may send, or that is not
 * served.
 */
enum err mqtt_frame_find(struct bytes in, size_t limit, struct mqtt_frame *out) MUST_USE;

/*
 * Decode one frame of a connection that speaks `version` (which a CONNECT does not need).
 * ERR_MALFORMED, ERR_WRONG_STATE (a "protocol error"), ERR_UNSUPPORTED (a CONNECT of another
 * version), ERR_LIMIT (too many filters or user properties). *out is untouched on failure.
 */
enum err mqtt_decode(const struct mqtt_frame *frame, uint8_t version,
                     struct mqtt_packet *out) MUST_USE;

/* The reason code that a failure of the two functions above is answered with. */
enum mqtt_reason mqtt_reason_of(enum err e);

/* The version that a CONNECT asks for, before it is decoded; 0 when even that cannot be read. */
uint8_t mqtt_connect_version(const struct mqtt_frame *frame);

/* Write any packet that mqtt_decode() reads, byte for byte as it was. */
void mqtt_put(struct buf *b, uint8_t version, const struct mqtt_packet *p);

/* The answers of a server. `properties` are v5 property bytes; they are left out in 3.1.1. */
void mqtt_put_connack(struct buf *b, uint8_t version, bool session_present, uint8_t code,
                      struct bytes properties);
/* SUBACK or UNSUBACK; the latter has no codes in 3.1.1. */
void mqtt_put_codes(struct buf *b, uint8_t version, enum mqtt_type type, uint16_t packet_id,
                    struct bytes properties, struct bytes codes);
void mqtt_put_pingresp(struct buf *b);
/* The size of a PUBLISH as mqtt_put() writes it. */
size_t mqtt_publish_size(uint8_t version, const struct mqtt_publish *p);

#endif
