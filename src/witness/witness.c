#include "witness/witness.h"

#include "base/text.h"
#include "ledger/checkpoint.h"
#include "ledger/submission.h"

#include <sodium.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"
/* Two signed checkpoints of one size and two roots: the log's own proof against itself. */
#define EVIDENCE ".fork"

_Static_assert(WITNESS_NOTE_MAX > CHECKPOINT_TEXT_MAX + 2 * COSIGNATURE_LINE_MAX, "a note fits");

static void
empty_root(struct tree_hash *out)
{
    tree_edge_root(&(struct tree_edge){.size = 0}, out);
}

enum err
witness_add_log(struct witness *w, struct bytes verifier_key)
{
    struct witness_log log = {.size = 0};
    uint8_t digest[crypto_hash_sha256_BYTES];
    if (w->logs_count == WITNESS_LOGS_MAX)
        return ERR_LIMIT;
    enum err e = note_parse_verifier_key(verifier_key, log.origin, log.key);
    if (e != OK)
        return e;
    for (size_t i = 0; i < w->logs_count; i++)
        if (strcmp(w->logs[i].origin, log.origin) == 0)
            return ERR_EXISTS;
    crypto_hash_sha256(digest, (const uint8_t *)log.origin, strlen(log.origin));
    sodium_bin2hex(log.file, sizeof(log.file), digest, sizeof(digest));
    empty_root(&log.root);
    buf_init(&log.note, WITNESS_NOTE_MAX);
    w->logs[w->logs_count++] = log;
    return OK;
}

void
witness_fini(struct witness *w)
{
    for (size_t i = 0; i < w->logs_count; i++)
        buf_fini(&w->logs[i].note);
    w->logs_count = 0;
}

static void
remember(struct witness_log *log, const struct checkpoint *c, struct bytes note)
{
    log->size = c->size;
    log->root = c->root;
    buf_reset(&log->note);
    buf_put(&log->note, note);
    ASSERT(buf_error(&log->note) == OK); /* WITNESS_NOTE_MAX was kept before */
}

enum err
witness_restore(struct witness *w, struct witness_log *log, struct bytes note)
{
    struct cosigner self;
    struct checkpoint c;
    struct note parsed;
    uint64_t time_s = 0;
    memcpy(self.name, w->name, sizeof(self.name));
    memcpy(self.key, w->key, sizeof(self.key));
    if (note.len > WITNESS_NOTE_MAX || note_parse(note, &parsed) != OK ||
        checkpoint_open(note, log->origin, log->key, &c) != OK ||
        cosignature_check(&parsed, &self, &time_s) != OK)
        return ERR_CRYPTO;
    remember(log, &c, note);
    return OK;
}

void
witness_answer_init(struct witness_answer *a)
{
    *a = (struct witness_answer){.content_type = TEXT_PLAIN};
    buf_init(&a->body, WITNESS_NOTE_MAX);
}

void
witness_answer_fini(struct witness_answer *a)
{
    buf_fini(&a->body);
}

static void
refuse(struct witness_answer *a, uint16_t status, const char *why)
{
    a->status = status;
    buf_reset(&a->body);
    buf_format(&a->body, "%s\n", why);
}

/* The log's own signatures, and no others: what strangers appended is not kept. */
static void
put_log_signatures(struct buf *b, const struct note *note, const struct witness_log *log)
{
    uint32_t id = note_key_id(log->origin, log->key);
    uint8_t signature[crypto_sign_BYTES];
    size_t len = 0;
    for (uint32_t i = 0; i < note->signatures_count; i++) {
        if (note_signature_of(&note->signatures[i], log->origin, id, signature, sizeof(signature),
                              &len) != OK)
            continue;
        note_put_signature(b, log->origin, id, bytes_of(signature, len));
        return; /* Ed25519 signs one text in one way: a second line would say the same */
    }
}

/* Two histories of one size, both signed: kept, once, for whoever asks later. */
static void
keep_evidence(struct witness *w, const struct witness_log *log, const struct note *note)
{
    char file[WITNESS_FILE_SIZE + sizeof(EVIDENCE)];
    struct buf b;
    snprintf(file, sizeof(file), "%s" EVIDENCE, log->file);
    buf_init(&b, WITNESS_NOTE_MAX);
    buf_put(&b, note->text);
    buf_byte(&b, '\n');
    put_log_signatures(&b, note, log);
    if (buf_error(&b) == OK && w->keep(w->ctx, file, buf_bytes(&b)) != OK)
        w->failed = true;
    buf_fini(&b);
}

/* The checks that need the state. */
static bool
continues(struct witness *w, const struct witness_log *log, const struct submission *s,
          const struct checkpoint *c, const struct note *note, struct witness_answer *out)
{
    if (s->old_size != log->size) {
        out->status = 409;
        out->content_type = "text/x.tlog.size";
        buf_format(&out->body, "%llu\n", (unsigned long long)log->size);
        return false;
    }
    if (c->size == log->size && !tree_hash_equal(&c->root, &log->root)) {
        out->event = "fork_refused";
        if (log->note.len)
            keep_evidence(w, log, note);
        refuse(out, 422, "this size was cosigned with another root");
        return false;
    }
    if (tree_verify_consistency(log->size, &log->root, c->size, &c->root, &s->proof) != OK) {
        out->event = "inconsistent_refused";
        refuse(out, 422, "the proof does not lead from the cosigned tree to this one");
        return false;
    }
    return true;
}

/* The new note into `kept`, its last line, our cosignature, into the answer; durable before both.
 */
static enum err
cosign(struct witness *w, struct witness_log *log, const struct note *note,
       const struct checkpoint *c, uint64_t now_s, struct witness_answer *out)
{
    struct buf kept;
    buf_init(&kept, WITNESS_NOTE_MAX);
    buf_put(&kept, note->text);
    buf_byte(&kept, '\n');
    put_log_signatures(&kept, note, log);
    enum err e = cosignature_put(&out->body, note->text, w->name, w->secret, now_s);
    buf_put(&kept, buf_bytes(&out->body));
    if (e == OK)
        e = buf_error(&kept);
    if (e == OK) {
        e = w->keep(w->ctx, log->file, buf_bytes(&kept));
        w->failed = e != OK;
    }
    if (e == OK)
        remember(log, c, buf_bytes(&kept));
    buf_fini(&kept);
    return e;
}

static struct witness_log *
find_log(struct witness *w, const char *origin)
{
    for (size_t i = 0; i < w->logs_count; i++)
        if (strcmp(w->logs[i].origin, origin) == 0)
            return &w->logs[i];
    return NULL;
}

void
witness_add_checkpoint(struct witness *w, struct bytes body, uint64_t now_s,
                       struct witness_answer *out)
{
    struct submission s;
    struct note note;
    struct checkpoint c;
    ASSERT(!w->failed);
    if (submission_parse(body, &s) != OK || note_parse(s.checkpoint, &note) != OK ||
        checkpoint_parse_text(note.text, &c) != OK) {
        refuse(out, 400, "this is no submission of a checkpoint");
        return;
    }
    struct witness_log *log = find_log(w, c.origin);
    if (!log) {
        refuse(out, 404, "this log is not witnessed here");
        return;
    }
    out->origin = log->origin;
    if (checkpoint_open(s.checkpoint, log->origin, log->key, &c) != OK) {
        refuse(out, 403, "the log's key did not sign this checkpoint");
        return;
    }
    if (s.old_size > c.size) {
        refuse(out, 400, "the old size is larger than the checkpoint's");
        return;
    }
    if (!continues(w, log, &s, &c, &note, out))
        return;
    if (cosign(w, log, &note, &c, now_s, out) == OK) {
        out->status = 200;
        return;
    }
    out->event = "not_kept";
    refuse(out, 500, "the checkpoint could not be kept, so it is not cosigned");
}

void
witness_get_checkpoint(const struct witness *w, struct bytes target, struct witness_answer *out)
{
    for (size_t i = 0; i < w->logs_count; i++) {
        char path[WITNESS_FILE_SIZE + sizeof("//checkpoint")];
        snprintf(path, sizeof(path), "/%s/checkpoint", w->logs[i].file);
        if (!bytes_are(target, path) || w->logs[i].note.len == 0)
            continue;
        out->status = 200;
        buf_put(&out->body, buf_bytes(&w->logs[i].note));
        return;
    }
    refuse(out, 404, "nothing was cosigned under this name");
}
