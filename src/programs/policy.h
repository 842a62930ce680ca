/*
 * policy.h -- the charter that is about to be in force: read, parsed, checked, signed, not older.
 *
 * What is wrong is printed to standard error, one sentence with file, line and column.
 */
#ifndef PROGRAMS_POLICY_H
#define PROGRAMS_POLICY_H

#include "charter/charter.h"

/*
 * True when CHARTER parses, passes every check, and CHARTER.sig holds good signatures of enough
 * signers, with the keys of STATE/signers.pub. *out_text is the file as read, the caller's.
 */
bool policy_load(const char *charter_path, const char *state, struct charter *out,
                 struct buf *out_text) MUST_USE;

/*
 * Keep exactly the text that was checked as STATE/charter, where the tools find it, and its
 * signatures, out of CHARTER.sig, as STATE/charter.sig: a backup of the state has both.
 */
bool policy_keep(const char *state, const char *charter_path, const struct buf *text) MUST_USE;

/* Charters are numbered upward: an older one is refused, whoever signed it. Remembers the number.
 */
bool policy_number_goes_up(const char *state, const struct charter *c) MUST_USE;

#endif
