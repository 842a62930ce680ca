/*
 * agent.h -- one SNMPv3 session with one agent: USM, authentication and privacy, nothing less.
 *
 * net-snmp, told to read no file, to load no MIB and to know no other version. Its socket is ours:
 * UDP, connected to the agent's address before the walls go up, read and written with read(2) and
 * write(2) only, so that a confined process can reach no other address. The engine is discovered
 * at the first question and never changed after: another box at the same address is a matter for
 * a person.
 *
 * Each question is bounded: AGENT_TRIES x AGENT_WAIT_MS (discovery of the engine comes on top
 * once). Answers come from a stranger: they are matched by net-snmp, then each name, type and range
 * is compared here.
 */
#ifndef FIELD_NTCIP_AGENT_H
#define FIELD_NTCIP_AGENT_H

#include "field/ntcip/cabinet.h"

enum {
    AGENT_NAMES_MAX = 24,
    AGENT_WAIT_MS = 250,
    AGENT_TRIES = 2,
    AGENT_SLACK_MS = 50,
    AGENT_PACKET_MAX = 8192
};

struct agent;

/* The keys may be wiped afterwards. ERR_IO with a sentence in *out_why. */
enum err agent_open(const struct cabinet *c, const struct keys *keys, struct agent **out,
                    const char **out_why) MUST_USE;
void agent_free(struct agent *s);

int agent_fd(const struct agent *s);

/* How often the agent says it has started, by its last answer under our keys; 0: none yet. */
uint32_t agent_boots(const struct agent *s);

/*
 * Ask for up to AGENT_NAMES_MAX names. OK: each out[i] is what the agent has, or not there.
 * ERR_AGAIN: no answer in time. ERR_CRYPTO: our user or keys are not the agent's. ERR_DENIED: the
 * agent refuses. ERR_MALFORMED: an answer to something else. *out is written on OK only.
 */
enum err agent_get(struct agent *s, const struct ntcip_name *names, size_t count,
                   struct ntcip_value *out) MUST_USE;

/* Set them in one request. ERR_DENIED also for what ntcip_may_set() refuses: nothing is sent. */
enum err agent_set(struct agent *s, const struct ntcip_name *names, const int32_t *numbers,
                   size_t count) MUST_USE;

#endif
