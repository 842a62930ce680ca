/* session_parts.h -- what the files of session.h share; used inside src/mqtt only. */
#ifndef MQTT_SESSION_PARTS_H
#define MQTT_SESSION_PARTS_H

#include "mqtt/session.h"

enum { MQTT_WHY_MAX = 512 }; /* bytes of a sentence, and of the properties with it */

/* SUCCESS goes on, anything else closes with that reason; s->why may hold a sentence. */
typedef enum mqtt_reason mqtt_packet_fn(struct mqtt_session *s, struct buf *out,
                                        struct mqtt_event *event);

/* session_connect.c */
mqtt_packet_fn mqtt_on_connect;
/* A CONNECT that could not be decoded: say so to a client that can understand it. */
void mqtt_refuse_connect(struct mqtt_session *s, uint8_t version, enum mqtt_reason reason,
                         struct buf *out);

/* session_answer.c */
struct mqtt_open *mqtt_open_at(struct mqtt_session *s, uint32_t ref);
/* Take `count` refs for one packet; the caller made sure that they are free. */
uint32_t mqtt_open_refs(struct mqtt_session *s, enum mqtt_type type, uint16_t packet_id,
                        uint8_t qos, size_t count);
bool mqtt_refs_fit(const struct mqtt_session *s, size_t count);
/* DISCONNECT, with the sentence when it fits. */
void mqtt_put_goodbye(struct mqtt_session *s, uint8_t reason, struct buf *out);
/* The nearest reason that a packet of ours may carry. */
uint8_t mqtt_legal_reason(enum mqtt_type type, uint8_t reason);

/* Close with this reason and sentence. */
static inline enum mqtt_reason
mqtt_refuse(struct mqtt_session *s, enum mqtt_reason reason, const char *why)
{
    s->why = why;
    return reason;
}

#endif
