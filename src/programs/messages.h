/*
 * messages.h -- every message between processes, from the tables beside it.
 */
#ifndef PROGRAMS_MESSAGES_H
#define PROGRAMS_MESSAGES_H

#include "base/base.h"
#include "base/buf.h"

#define TABLE "programs/control.def"
#include "wire/table_declare.h"
#undef TABLE
#define TABLE "programs/gate_core.def"
#include "wire/table_declare.h"
#undef TABLE
#define TABLE "programs/core_warden.def"
#include "wire/table_declare.h"
#undef TABLE
#define TABLE "programs/ledger.def"
#include "wire/table_declare.h"
#undef TABLE
#define TABLE "programs/judge.def"
#include "wire/table_declare.h"
#undef TABLE
#define TABLE "programs/conduit.def"
#include "wire/table_declare.h"
#undef TABLE

#define TABLE "programs/supervisor.def"
#include "wire/table_declare.h"
#undef TABLE

enum peer_kind { PEER_STRANGER, PEER_DEVICE, PEER_CALLER };

/* SHA-256 over every table: peers that differ refuse each other. */
void messages_digest(uint8_t out[static 32]);

#endif
