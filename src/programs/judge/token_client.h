/*
 * token_client.h -- the other side of the judge: who asks for a token, with their key.
 *
 * The conversation is on STATE/judge.sock: the judge's challenge, the asker's proof, a token or a
 * refusal. For tools outside a compartment.
 */
#ifndef PROGRAMS_JUDGE_TOKEN_CLIENT_H
#define PROGRAMS_JUDGE_TOKEN_CLIENT_H

#include "base/base.h"
#include "base/buf.h"

struct token_client; /* a caller's certificate and key */

struct token_wish {
    const char *zone, *purpose;
    uint32_t seconds;
    struct bytes approves; /* empty, or 32 bytes: an approval of exactly the bytes with this hash */
};

enum { TOKEN_CLIENT_WHY_SIZE = 400 };

/* STATE/callers/NAME/{key,cert}.pem. A sentence in out_why otherwise. */
enum err token_client_new(const char *state, const char *caller, struct token_client **out,
                          char out_why[static TOKEN_CLIENT_WHY_SIZE]) MUST_USE;
void token_client_free(struct token_client *c); /* NULL is fine */

/*
 * Ask over a blocking socket that is connected to judge.sock; its receive time-out is how long the
 * judge may think. Appends the token. ERR_DENIED: refused; else the judge did not answer.
 */
enum err token_client_ask(const struct token_client *c, int socket_fd, const struct token_wish *w,
                          struct buf *out_token,
                          char out_why[static TOKEN_CLIENT_WHY_SIZE]) MUST_USE;

#endif
