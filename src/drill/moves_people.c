/* moves_people.c -- what somebody does with a person's certificate and tokens. */
#include "drill/moves.h"

#include "base/text.h"
#include "ledger/note.h"
#include "programs/messages.h"
#include "wire/channel.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BODY_SIZE = 12000, WISH_SIZE = 400 };

/* {"message":"...","rule":"..."} as words. */
static void
put_reason(struct buf *answer, char *to, size_t size)
{
    static const char *const keys[] = {"\"message\":\"", "\"rule\":\""};
    const char *text = answer->len ? buf_string(answer) : "";
    size_t used = 0;
    to[0] = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        const char *at = strstr(text, keys[i]);
        if (!at || used >= size)
            continue;
        at += strlen(keys[i]);
        int n = snprintf(to + used, size - used, "%s%.*s", used ? "; " : "", (int)strcspn(at, "\""),
                         at);
        used += n > 0 ? (size_t)n : 0;
    }
}

static struct outcome
answer_of_http(enum err e, int status, struct buf *out, const char *why)
{
    char words[700];
    unsigned rows = 0;
    if (e != OK)
        return move_answer(ANSWER_REFUSED, "no answer: %s", why[0] ? why : err_text(e));
    put_reason(out, words, sizeof(words));
    if (status >= 400)
        return move_answer(ANSWER_REFUSED, "%d: %s", status, words);
    for (const char *p = out->len ? buf_string(out) : ""; (p = strstr(p, "\"@iot.id\"")); p++)
        rows++;
    return move_answer(ANSWER_ESCAPED, "%d, %u rows, %zu bytes", status, rows, out->len);
}

/* One question as `with` (a caller's certificate; empty: a stranger). */
static struct outcome
ask_with(struct stage *s, const char *with, const char *zone, const struct client_request *r,
         struct buf *out)
{
    char why[CLIENT_WHY_SIZE] = "";
    struct client_identity who;
    struct client *c = NULL;
    int status = 0;
    stage_caller(s, with[0] ? with : s->charter->callers[0].name, &who);
    if (!with[0])
        who.certificate[0] = '\0';
    who.wait_ms = STAGE_PATIENCE_MS;
    enum err e = client_open(&who, range_port(s->range, zone, true), &c, why);
    if (e == OK)
        e = client_ask(c, r, &status, out);
    client_close(c);
    range_turn(s->range, 0);
    return answer_of_http(e, status, out, why);
}

/*
 * as= the one whose token it is; zone= purpose= of the token; with= whose certificate (as); in= the
 * zone that is asked (zone); seconds= of the token; wait= ms before it is used; body= for a POST;
 * token=none: no token; token=forged: signed with a key of his own.
 */
static struct outcome
run_ask(struct stage *s, const struct story_move *m)
{
    char token[STAGE_TOKEN_SIZE];
    const char *as = move_word(m, "as", ""), *zone = move_word(m, "zone", "");
    bool none = strcmp(move_word(m, "token", ""), "none") == 0;
    if (!none && !stage_token(s, as, zone, move_word(m, "purpose", "operate"),
                              story_arg(m, "seconds"), NULL, token))
        return move_answer(ANSWER_REFUSED, "%s", token);
    range_turn(s->range, (uint32_t)move_number(m, "wait", 0));
    struct buf out;
    struct client_request r = {.method = move_word(m, "method", "GET"),
                               .target = move_word(m, "target", "/v1.1/Things"),
                               .token = none ? NULL : token,
                               .body = story_arg(m, "body")};
    buf_init(&out, CLIENT_ANSWER_MAX);
    struct outcome o = ask_with(s, move_word(m, "with", as), move_word(m, "in", zone), &r, &out);
    buf_fini(&out);
    return o;
}

static struct outcome
run_token(struct stage *s, const struct story_move *m)
{
    char token[STAGE_TOKEN_SIZE];
    bool good = stage_token(s, move_word(m, "as", ""), move_word(m, "zone", ""),
                            move_word(m, "purpose", "operate"), NULL, NULL, token);
    return good ? move_answer(ANSWER_ESCAPED, "a token") : move_answer(ANSWER_REFUSED, "%s", token);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* approvals=operator,duty-engineer over the exact bytes, or over those of device `approve-for`. */
static bool
put_approvals(struct stage *s, const struct story_move *m, const char *zone, struct buf *body,
              char *why)
{
    char wish[WISH_SIZE], names[STORY_VALUE_SIZE], token[STAGE_TOKEN_SIZE];
    snprintf(wish, sizeof(wish), "bulkhead wish v1\nzone %s\ndevice %s\ncommand %s\n", zone,
             move_word(m, "approve-for", move_word(m, "device", "")), move_word(m, "command", ""));
    snprintf(names, sizeof(names), "%s", move_word(m, "approvals", ""));
    char *rest = names;
    for (char *name; (name = strsep(&rest, ",")) && name[0];) {
        if (!stage_token(s, name, zone, "operate", NULL, wish, token)) {
            snprintf(why, STAGE_TOKEN_SIZE, "%s", token);
            return false;
        }
        buf_format(body, "%s\"%s\"", body->p[body->len - 1] == '[' ? "" : ",", token);
    }
    return true;
}

/* The note in {"lease":"..."}. */
static void
keep_lease(struct stage *s, const struct buf *answer)
{
    cJSON *json = cJSON_ParseWithLength((const char *)answer->p, answer->len);
    const cJSON *note = cJSON_GetObjectItemCaseSensitive(json, "lease");
    s->lease[0] = '\0';
    if (cJSON_IsString(note))
        snprintf(s->lease, sizeof(s->lease), "%s", note->valuestring);
    cJSON_Delete(json);
}

static struct outcome
run_command(struct stage *s, const struct story_move *m)
{
    char token[STAGE_TOKEN_SIZE], parameters[80] = "";
    const char *as = move_word(m, "as", ""), *zone = move_word(m, "zone", "");
    struct buf body, out;
    if (!stage_token(s, as, zone, move_word(m, "purpose", "operate"), NULL, NULL, token))
        return move_answer(ANSWER_REFUSED, "%s", token);
    snprintf(parameters, sizeof(parameters), "%s", move_word(m, "parameters", ""));
    char *colon = strchr(parameters, ':');
    if (colon)
        *colon = '\0';
    buf_init(&body, BODY_SIZE);
    buf_format(&body, "{\"device\":\"%s\",\"command\":\"%s\",\"parameters\":{",
               move_word(m, "device", ""), move_word(m, "command", ""));
    if (colon)
        buf_format(&body, "\"%s\":%s", parameters, colon + 1);
    buf_text(&body, "},\"approvals\":[");
    struct outcome o;
    if (!put_approvals(s, m, zone, &body, token)) {
        o = move_answer(ANSWER_REFUSED, "%s", token);
    } else {
        buf_text(&body, "]}");
        struct client_request r = {.method = "POST",
                                   .target = "/v1.1/Commands",
                                   .token = token,
                                   .body = buf_string(&body)};
        buf_init(&out, CLIENT_ANSWER_MAX);
        o = ask_with(s, as, zone, &r, &out);
        if (o.answer == ANSWER_ESCAPED) {
            keep_lease(s, &out);
            o = move_answer(ANSWER_ESCAPED, "a lease, signed by the warden");
        }
        buf_fini(&out);
    }
    buf_fini(&body);
    return o;
}

/* ---- at the device's side -------------------------------------------------------------------- */

static enum err
read_key(const struct stage *s, const char *zone, struct lease_reader *r,
         char signer[static NOTE_KEY_NAME_MAX + 1])
{
    char path[STAGE_PATH_SIZE + 100], line[512] = "";
    snprintf(path, sizeof(path), "%s/keys/warden-%s.vkey", range_state(s->range), zone);
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_NOT_FOUND;
    size_t n = fread(line, 1, sizeof(line) - 1, f);
    fclose(f);
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
    r->signer = signer;
    return note_parse_verifier_key(bytes_text(line), signer, r->public_key);
}

/* A lease that says what the true one says, signed with a key that the attacker made. */
static void
forge(struct stage *s, const struct lease *true_one)
{
    uint8_t public_key[32], secret[64];
    struct buf note;
    char signer[160];
    snprintf(signer, sizeof(signer), "%s.%s/warden", true_one->zone, s->charter->origin);
    crypto_sign_keypair(public_key, secret);
    buf_init(&note, LEASE_BYTES_MAX - 1);
    if (lease_sign(true_one, signer, secret, &note) == OK)
        snprintf(s->lease, sizeof(s->lease), "%s", buf_string(&note));
    buf_fini(&note);
}

/* device= zone= later=SECONDS of its own clock; again=yes: for the second time; forged=yes */
static struct outcome
run_obey(struct stage *s, const struct story_move *m)
{
    char signer[NOTE_KEY_NAME_MAX + 1];
    struct lease lease;
    const char *zone = move_word(m, "zone", "signals");
    struct lease_reader r = {.zone = zone, .device = move_word(m, "device", "")};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (read_key(s, zone, &r, signer) != OK)
        return move_answer(ANSWER_FAILED, "the warden's public key cannot be read");
    if (strcmp(move_word(m, "forged", "no"), "yes") == 0) {
        struct lease wanted = {.not_before_us = now_us / 1000 * 1000,
                               .expiry_us = now_us / 1000 * 1000 + 10000000,
                               .sequence = 1000000};
        snprintf(wanted.zone, sizeof(wanted.zone), "%s", zone);
        snprintf(wanted.device, sizeof(wanted.device), "%s", r.device);
        snprintf(wanted.command, sizeof(wanted.command), "all-flash");
        forge(s, &wanted);
    }
    now_us += move_number(m, "later", 0) * 1000000;
    enum err e = lease_open(&r, bytes_text(s->lease), now_us, &lease);
    if (e == OK && strcmp(move_word(m, "again", "no"), "yes") == 0) {
        r.last_sequence = lease.sequence;
        e = lease_open(&r, bytes_text(s->lease), now_us, &lease);
    }
    if (e != OK)
        return move_answer(ANSWER_REFUSED, "the device does not act: %s", err_text(e));
    return move_answer(ANSWER_ESCAPED, "the device acts on %s, number %llu", lease.command,
                       (unsigned long long)lease.sequence);
}

/* ---- the log --------------------------------------------------------------------------------- */

/* zone= words=: is there an entry that holds all these words (a comma between)? */
static struct outcome
run_log(struct stage *s, const struct story_move *m)
{
    const char *const tool[] = {"log",     "show",
                                "--state", range_state(s->range),
                                "--zone",  move_word(m, "zone", "city"),
                                "--last",  "100000",
                                NULL};
    uint32_t found = 0;
    long tries = move_number(m, "tries", 20);
    for (long i = 0; i < tries && !found; i++) {
        struct buf out;
        buf_init(&out, CLIENT_ANSWER_MAX);
        int status = stage_tool(s, tool, &out);
        char *rest = out.len && status >= 0 ? (char *)(uintptr_t)buf_string(&out) : NULL;
        for (char *line; (line = strsep(&rest, "\n"));) {
            char words[STORY_VALUE_SIZE];
            snprintf(words, sizeof(words), "%s", move_word(m, "words", ""));
            bool all = line[0] != '\0';
            char *left = words;
            for (char *w; all && (w = strsep(&left, ","));)
                all = strstr(line, w) != NULL;
            found += all;
        }
        buf_fini(&out);
        if (!found)
            range_turn(s->range, 100);
    }
    return found ? move_answer(ANSWER_ESCAPED, "%u such entries in the log of %s", found,
                               move_word(m, "zone", "city"))
                 : move_answer(ANSWER_REFUSED, "no such entry in the log of %s",
                               move_word(m, "zone", "city"));
}

static enum err
on_frame(void *ctx, uint16_t id, struct bytes body)
{
    bool *written = ctx;
    (void)body;
    *written = *written || id == recorded_id;
    return OK;
}

/* The ledger's socket, where anybody may ask for tiles: asks it to write instead. */
static struct outcome
run_write_log(struct stage *s, const struct story_move *m)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 3};
    struct channel c;
    bool written = false;
    (void)m;
    int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/ledger.sock", range_state(s->range));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (n < 0 || (size_t)n >= sizeof(to.sun_path) || fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        if (fd >= 0)
            close(fd);
        return move_answer(ANSWER_FAILED, "the ledger's socket cannot be reached");
    }
    channel_init(&c, fd);
    struct record r = {.ref = 1, .entry = bytes_text("{\"event\":\"never-happened\"}")};
    enum err e = CHANNEL_SEND(&c, record, &r);
    if (e == OK)
        e = channel_flush(&c);
    while (e == OK && !written)
        e = channel_receive(&c, on_frame, &written);
    channel_fini(&c);
    return written ? move_answer(ANSWER_ESCAPED, "the ledger wrote it")
                   : move_answer(ANSWER_REFUSED, "the ledger hung up: %s", err_text(e));
}

const struct move moves_people[] = {
    {"token", run_token, "as= zone= purpose=: asks the judge for a token"},
    {"ask", run_ask, "as= zone= purpose= with= in= target= method= body= seconds= wait= token="},
    {"command", run_command, "as= zone= device= command= parameters= approvals= approve-for="},
    {"obey", run_obey, "device= zone= later= again= forged=: a device checks the last lease"},
    {"log", run_log, "zone= words=: looks for an entry in the published log"},
    {"write-log", run_write_log, "asks the ledger's public socket to write an entry"},
    {0},
};
