#include "programs/messages.h"

#include <sodium.h>

#define TABLE "programs/control.def"
#define TABLE_ROWS control_rows
#include "wire/table_define.h"
#define TABLE "programs/gate_core.def"
#define TABLE_ROWS gate_core_rows
#include "wire/table_define.h"
#define TABLE "programs/core_warden.def"
#define TABLE_ROWS core_warden_rows
#include "wire/table_define.h"
#define TABLE "programs/ledger.def"
#define TABLE_ROWS ledger_rows
#include "wire/table_define.h"
#define TABLE "programs/judge.def"
#define TABLE_ROWS judge_rows
#include "wire/table_define.h"
#define TABLE "programs/conduit.def"
#define TABLE_ROWS conduit_rows
#include "wire/table_define.h"
#define TABLE "programs/supervisor.def"
#define TABLE_ROWS supervisor_rows
#include "wire/table_define.h"

/* An id that is used twice does not compile: it would be the same case twice. */
#define MESSAGE(name, number) case number:
#define U8(field, max)
#define U16(field, max)
#define U32(field, max)
#define U64(field, max)
#define I64(field, min, max)
#define TEXT(field, max)
#define BLOB(field, max)
#define END(name)
UNUSED static void
ids_are_unique(uint16_t id)
{
    switch (id) {
#include "programs/control.def"
#include "programs/gate_core.def"
#include "programs/core_warden.def"
#include "programs/ledger.def"
#include "programs/judge.def"
#include "programs/conduit.def"
#include "programs/supervisor.def"
    default:
        break;
    }
}
#include "wire/table_undefine.h"

void
messages_digest(uint8_t out[static 32])
{
    static const struct field_row *const tables[] = {
        control_rows, gate_core_rows, core_warden_rows, ledger_rows,
        judge_rows,   conduit_rows,   supervisor_rows};
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++) {
        for (const struct field_row *row = tables[t]; row->message; row++) {
            char line[256];
            int n =
                snprintf(line, sizeof(line), "%s %u %s %c %lld %llu\n", row->message, row->id,
                         row->field, row->kind, (long long)row->min, (unsigned long long)row->max);
            ASSERT(n > 0 && (size_t)n < sizeof(line));
            crypto_hash_sha256_update(&state, (const uint8_t *)line, (unsigned long long)n);
        }
    }
    crypto_hash_sha256_final(&state, out);
}
