/*
 * lexer.h -- the charter's text as tokens, one at a time, without memory of its own.
 *
 * Columns count characters, not bytes. Tokens borrow from the text.
 */
#ifndef CHARTER_LEXER_H
#define CHARTER_LEXER_H

#include "charter/charter.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_OPEN, TOKEN_CLOSE };

struct token {
    enum token_kind kind;
    struct bytes text; /* of a word, or what stands between the quotes */
    struct charter_place place;
};

struct lexer {
    struct bytes text;
    size_t at;
    struct charter_place place; /* of text.p[at] */
};

void lexer_init(struct lexer *l, struct bytes text);

/* ERR_MALFORMED with a finding when no token can stand there; *out is untouched then. */
enum err lexer_next(struct lexer *l, struct token *out,
                    struct charter_finding *out_finding) MUST_USE;

/* What stood there, for a message: 'word', "string", '{' or the end of the file; cut to fit. */
void token_describe(const struct token *t, char *out, size_t size);

#endif
