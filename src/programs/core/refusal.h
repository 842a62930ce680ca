/*
 * refusal.h -- why something was refused, for a person and for a protocol.
 *
 * One refusal serves HTTP (status), MQTT 5 (reason code) and the ledger (rule). `rule` names the
 * charter's line that refused, or is empty when no line did (a malformed body, a full disk).
 */
#ifndef PROGRAMS_CORE_REFUSAL_H
#define PROGRAMS_CORE_REFUSAL_H

#include "base/base.h"
#include "base/buf.h"

/* MQTT 5.0 section 2.4. */
enum {
    REASON_SUCCESS = 0x00,
    REASON_UNSPECIFIED = 0x80,
    REASON_IMPLEMENTATION = 0x83, /* the store failed: not your fault */
    REASON_NOT_AUTHORISED = 0x87,
    REASON_TAKEN_OVER = 0x8E,
    REASON_TOPIC_INVALID = 0x90,
    REASON_BUSY = 0x88, /* not now */
    REASON_SUBSCRIPTION_NONE = 0x11,
    REASON_PACKET_ID_NONE = 0x92,
    REASON_QUOTA = 0x97,
    REASON_RETAIN = 0x9A,
    REASON_QOS = 0x9B,
    REASON_SHARED = 0x9E,
    REASON_PAYLOAD_INVALID = 0x99,
};

enum { REFUSAL_WHY_SIZE = 300, REFUSAL_RULE_SIZE = 160 };

struct refusal {
    int status;     /* HTTP */
    uint8_t reason; /* MQTT 5 */
    char why[REFUSAL_WHY_SIZE];
    char rule[REFUSAL_RULE_SIZE];
};

/* Fill *r (rule becomes empty) and return ERR_DENIED. A text that is too long is cut. */
enum err refuse(struct refusal *r, int status, uint8_t reason, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Name the rule: "charter line 31: class vehicle-position". */
void refusal_rule(struct refusal *r, uint32_t line, const char *kind, const char *name);

/* {"code":403,"type":"error","message":"...","rule":"..."} */
void refusal_render(const struct refusal *r, struct buf *out);

#endif
