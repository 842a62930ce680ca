/*
 * check_rules.h -- what the files of the checker share; nobody else includes it.
 */
#ifndef CHARTER_CHECK_RULES_H
#define CHARTER_CHECK_RULES_H

#include "charter/charter.h"

/* True if one of the words of the text is this word (lower case), give or take a plural 's'. */
bool check_has_word(const char *text, const char *word);

/* Trees of plain MQTT topics. check_topics.c */
void check_topics(const struct charter *c, const struct charter_zone *z,
                  struct charter_findings *f);

/* Everything about conduits, and about paths over several of them. check_conduit.c */
void check_conduits(const struct charter *c, struct charter_findings *f);

#endif
