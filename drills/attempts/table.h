/*
 * table.h -- the system-call tables of the programs, as an attacker knows them who has read the
 * source: which numbers a program may use at all.
 */
#ifndef DRILLS_ATTEMPTS_TABLE_H
#define DRILLS_ATTEMPTS_TABLE_H

#include "runtime/sandbox_rules.h"

/* whatever a table names */
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

static const struct sandbox_rule gate_rules[] = {
#include "programs/gate/gate.seccomp.def"
};
static const struct sandbox_rule core_rules[] = {
#include "programs/core/core.seccomp.def"
};
static const struct sandbox_rule warden_rules[] = {
#include "programs/warden/warden.seccomp.def"
};
static const struct sandbox_rule ledger_rules[] = {
#include "programs/ledger/ledger.seccomp.def"
};
static const struct sandbox_rule judge_rules[] = {
#include "programs/judge/judge.seccomp.def"
};
static const struct sandbox_rule conduit_rules[] = {
#include "programs/conduit/conduit.seccomp.def"
};

/* `program`: "bulkhead-core-bikes". A program that is not known allows nothing. */
static inline bool
table_allows(const char *program, long number)
{
#define ROWS(kind)                                                                                 \
    {                                                                                              \
        "bulkhead-" #kind, kind##_rules, ARRAY_COUNT(kind##_rules)                                 \
    }
    static const struct {
        const char *prefix;
        const struct sandbox_rule *rules;
        size_t count;
    } tables[] = {ROWS(gate), ROWS(core), ROWS(warden), ROWS(ledger), ROWS(judge), ROWS(conduit)};
#undef ROWS
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++) {
        if (strncmp(program, tables[t].prefix, strlen(tables[t].prefix)) != 0)
            continue;
        for (size_t i = 0; i < tables[t].count; i++)
            if (tables[t].rules[i].number == number)
                return true;
    }
    return false;
}

#endif
