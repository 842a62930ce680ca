/*
 * judge.c -- askers at the judge, and a breached ledger behind it: no token without the proof of
 * the key in the asker's own certificate, over this nonce and these very fields, and without its
 * entry on the record; and one answer for one question.
 */
#include "drills/messages/play.h"

#include "programs/judge/request_test.c"

/* Two files of the program have static functions of one name; the tests above have one too. */
#define on_frame ledger_client_on_frame
#include "programs/ledger_client.c"
#undef on_frame
#define main judge_program
int judge_program(void);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* the harness has a global called start */
#include "programs/judge/judge_main.c"
#pragma GCC diagnostic pop
#undef main

extern const struct field_row judge_rows[];
static struct judge *judge;
static struct start *given;
static struct channel ledger, asker; /* the other ends */
static struct asker *row;
static uint64_t granted, recorded_good;
static bool deserved, answered;

static struct token_ask honest;
static uint8_t certificate[4096], proof[512], old_proof[512];
static size_t old_proof_len;

static bool
fill(struct maker *m, const char *message, const char *field, struct value *out)
{
    static const char *const zones[] = {"bikes", "water", "signals", "city"};
    static const char *const purposes[] = {"compliance", "operate", "research"};
    static const char *const callers[] = {"auditor", "clerk", "operator"};
    (void)message;
    bool keep = maker_chance(m, 90);
    if (strcmp(field, "caller") == 0)
        out->bytes = keep ? honest.caller : maker_word(m, callers, ARRAY_COUNT(callers));
    else if (strcmp(field, "zone") == 0)
        out->bytes = keep ? honest.zone : maker_word(m, zones, ARRAY_COUNT(zones));
    else if (strcmp(field, "purpose") == 0)
        out->bytes = keep ? honest.purpose : maker_word(m, purposes, ARRAY_COUNT(purposes));
    else if (strcmp(field, "seconds") == 0)
        out->number = keep ? honest.seconds : maker_random(m, 900);
    else if (strcmp(field, "approves") == 0)
        out->bytes = keep ? bytes_of(NULL, 0) : bytes_of(proof, 32);
    else if (strcmp(field, "certificate") == 0)
        out->bytes = honest.certificate;
    else if (strcmp(field, "proof") == 0)
        out->bytes = maker_chance(m, 80) ? honest.proof : bytes_of(old_proof, old_proof_len);
    else
        return false;
    return true;
}

/* A new asker with a nonce of its own; what they would honestly say. */
static void
begin_asker(void)
{
    int fds[2];
    if (asker.fd > 0) {
        channel_fini(&asker);
        if (row->state != ASKER_FREE)
            dismiss(row);
        memcpy(old_proof, proof, sizeof(proof));
        old_proof_len = honest.proof.len;
    }
    CHECK_OK(channel_pair(fds));
    row->judge = judge;
    row->state = ASKER_ASKED;
    for (size_t i = 0; i < sizeof(row->nonce); i++)
        row->nonce[i] = (uint8_t)maker_random(&play.maker, 256);
    channel_init(&row->channel, fds[0]);
    row->watch = (struct watch){.fd = fds[0], .fn = on_asker, .ctx = row};
    CHECK_OK(loop_watch(judge->loop, &row->watch, LOOP_READ));
    channel_init(&asker, fds[1]);
    honest = make_ask("auditor", bytes_of(row->nonce, sizeof(row->nonce)));
    CHECK(honest.certificate.len <= sizeof(certificate) && honest.proof.len <= sizeof(proof));
    memcpy(certificate, honest.certificate.p, honest.certificate.len);
    memcpy(proof, honest.proof.p, honest.proof.len);
    honest.certificate.p = certificate;
    honest.proof.p = proof;
    deserved = answered = false;
}

static void
begin(void)
{
    int fds[2];
    uint8_t judge_public[32];
    set_up();
    given = start;
    judge = calloc(1, sizeof(*judge));
    CHECK(judge);
    judge->start = given;
    judge->clock = clock_system();
    judge->random = random_system();
    judge->proofs_left = PROOFS_PER_S;
    judge->secret = sodium_malloc(64);
    CHECK(judge->secret);
    crypto_sign_keypair(judge_public, judge->secret);
    struct buf pem = read_file("people.pem");
    CHECK_OK(request_issuer_new(buf_bytes(&pem), &judge->issuer));
    buf_fini(&pem);
    CHECK_OK(loop_new(&judge->loop));
    CHECK_OK(channel_pair(fds)); /* in the place of the listening socket */
    judge->listener = (struct watch){.fd = fds[0], .fn = on_listener, .ctx = judge};
    CHECK_OK(loop_watch(judge->loop, &judge->listener, LOOP_READ));
    CHECK_OK(channel_pair(fds));
    ledger_client_init(&judge->ledger, fds[0], judge->clock, judge->random);
    clock_guard_init(&judge->guard, judge->clock, "judge", "city");
    channel_init(&ledger, fds[1]);
    row = &judge->askers[0];
    begin_asker();
}

static enum err
take_record(void *ctx, uint16_t id, struct bytes body)
{
    struct record m;
    (void)ctx;
    HOLDS(id == record_id && record_decode(body, &m) == OK);
    HOLDS(m.entry.len && m.entry.p[0] == '{' && m.entry.p[m.entry.len - 1] == '}');
    struct buf b;
    struct recorded good = {m.ref, 1};
    struct record_failed bad = {m.ref, bytes_text("disk full")};
    bool is_good = maker_chance(&play.maker, 70);
    buf_init(&b, 512);
    if (is_good)
        recorded_encode(&good, &b);
    else
        record_failed_encode(&bad, &b);
    recorded_good += is_good;
    CHECK_OK(ledger_client_on_frame(&judge->ledger, is_good ? recorded_id : record_failed_id,
                                    buf_bytes(&b)));
    buf_fini(&b);
    return OK;
}

static enum err
asker_hears(void *ctx, uint16_t id, struct bytes body)
{
    struct token_granted m;
    struct token_refused no;
    (void)ctx;
    HOLDS(!answered);
    answered = true;
    if (id == token_refused_id) {
        HOLDS(token_refused_decode(body, &no) == OK && no.why.len);
        return OK;
    }
    HOLDS(id == token_granted_id && token_granted_decode(body, &m) == OK);
    HOLDS(deserved);
    HOLDS(++granted <= recorded_good);
    play.effects++;
    return OK;
}

/*
 * Deserved: the honest asker's own words and proof; only how long they want it may differ. An
 * ECDSA signature has two forms, so the proof is compared by what it proves, in the judge's own
 * crypto library: the fields that it signs must be the honest ones.
 */
static bool
is_honest(const struct frame *f)
{
    struct token_ask m;
    return f->id == token_ask_id && token_ask_decode(buf_bytes(&f->body), &m) == OK &&
           bytes_equal(m.caller, honest.caller) && bytes_equal(m.zone, honest.zone) &&
           bytes_equal(m.purpose, honest.purpose) && m.approves.len == 0 &&
           bytes_equal(m.certificate, honest.certificate) && bytes_equal(m.proof, honest.proof);
}

static void
step(void)
{
    const struct frame *f = maker_next(&play.maker);
    bool asked = row->state == ASKER_ASKED;
    if (asked && is_honest(f))
        deserved = true;
    judge->proofs_left = PROOFS_PER_S;
    struct bytes exact = test_exact(buf_bytes(&f->body));
    enum err e = on_frame(row, f->id, exact);
    test_exact_free(exact);
    play_count(e);
    HOLDS(asked || e == ERR_MALFORMED); /* one question */
    if (e == OK)
        push(row); /* as on_asker() does */
    else if (row->state == ASKER_ASKED && maker_chance(&play.maker, 80))
        e = OK; /* one who goes on although it would have been dismissed: nothing may change */
    ledger_client_flush(&judge->ledger);
    while (channel_receive(&ledger, take_record, NULL) == OK)
        continue;
    while (channel_receive(&asker, asker_hears, NULL) == OK)
        continue;
    if (e != OK || row->state != ASKER_ASKED)
        begin_asker();
}

static void
end(void)
{
    HOLDS(granted > 0);
    test_remove_tree(folder);
}

const struct receiver receiver_this = {
    "judge", "callers and ledger", judge_rows, 0x0401, 0x047f, fill, begin, step, end};
