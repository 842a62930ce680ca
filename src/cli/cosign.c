#include "cli/cosign.h"

#include "base/text.h"
#include "cli/http_client.h"
#include "cli/log_files.h"
#include "cli/sighting.h"
#include "cli/tile_source.h"
#include "cli/tool.h"
#include "ledger/submission.h"
#include "witness/seen.h"

#include <errno.h>
#include <stdarg.h>

/* A log and its newest checkpoint, during one round. */
struct round {
    const char *state, *name;
    struct sighting_log log;
    struct tile_source source;
    struct tree_reader reader;
    struct checkpoint now;
    struct buf note;     /* as the ledger gave it */
    struct buf cosigned; /* with the lines of this round */
    uint32_t cosigners;  /* a bit for each witness */
    struct seen folder;
};

/* ---- one witness ------------------------------------------------------------------------- */

static void report(struct cosign_report *r, enum cosign_result result, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void
report(struct cosign_report *r, enum cosign_result result, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    r->result = result;
    vsnprintf(r->text, sizeof(r->text), format, ap);
    va_end(ap);
}

static enum err
submit(struct round *r, const struct trust_witness *w, uint64_t old_size, struct buf *raw,
       struct http_answer *out)
{
    struct submission s = {.old_size = old_size, .checkpoint = buf_bytes(&r->note)};
    struct buf body;
    enum err e =
        old_size == 0 ? OK : tree_prove_consistency(&r->reader, old_size, r->now.size, &s.proof);
    if (e != OK)
        return ERR_IO;
    buf_init(&body, SUBMISSION_BYTES_MAX);
    submission_put(&body, &s);
    struct bytes what = buf_bytes(&body);
    e = buf_error(&body) == OK ? http_client_ask(w->url, "/add-checkpoint", &what, raw, out)
                               : ERR_LIMIT;
    buf_fini(&body);
    return e;
}

/* The line of this witness out of its answer, behind our checkpoint; kept when it is good. */
static void
take_cosignature(struct round *r, const struct trust_witness *w, uint32_t index, struct bytes lines,
                 struct cosign_report *out)
{
    char file[SIGHTING_FILE_SIZE];
    struct sighting s;
    struct buf note;
    buf_init(&note, SIGHTING_NOTE_MAX);
    buf_put(&note, buf_bytes(&r->note));
    buf_put(&note, lines);
    sighting_file(&w->cosigner, file);
    if (buf_error(&note) != OK ||
        sighting_read(buf_bytes(&note), &r->log, &w->cosigner, &s) != OK) {
        report(out, COSIGN_REFUSED, "said yes, but not with the cosignature of its key");
    } else if (seen_keep(&r->folder, file, buf_bytes(&note)) != OK) {
        report(out, COSIGN_REFUSED, "cosigned, and the note could not be kept: %s",
               strerror(errno));
    } else {
        buf_put(&r->cosigned, lines);
        r->cosigners |= 1U << index;
        report(out, COSIGN_DONE, "cosigned %llu entries", (unsigned long long)s.checkpoint.size);
    }
    buf_fini(&note);
}

/* It said no: its own newest note tells why, and is kept, because it is the proof. */
static void
ask_why(struct round *r, const struct trust_witness *w, uint16_t status, struct cosign_report *out)
{
    char file[SIGHTING_FILE_SIZE], sentence[SIGHTING_SENTENCE_MAX];
    struct sighting s;
    struct buf note;
    buf_init(&note, SIGHTING_NOTE_MAX);
    enum err e = sighting_fetch(w->url, &r->log, &note);
    if (e == OK)
        e = sighting_read(buf_bytes(&note), &r->log, &w->cosigner, &s);
    if (e != OK) {
        report(out, COSIGN_REFUSED, "refused (%u) and does not show what it cosigned before",
               status);
    } else if (sighting_judge(&s, w->name, &r->reader, r->now.size, sentence) == OK) {
        report(out, COSIGN_REFUSED, "refused (%u) although what it cosigned before is here",
               status);
    } else {
        sighting_file(&w->cosigner, file);
        bool kept = seen_keep(&r->folder, file, buf_bytes(&note)) == OK;
        report(out, COSIGN_CONTRADICTED, "refused (%u): %s%s", status, sentence,
               kept ? "" : " (its note could not be kept)");
    }
    buf_fini(&note);
}

/* The size that this witness cosigned last, as far as we know. */
static uint64_t
known_size(const struct round *r, const struct trust_witness *w)
{
    char file[SIGHTING_FILE_SIZE];
    struct sighting s;
    struct buf note;
    uint64_t size = 0;
    sighting_file(&w->cosigner, file);
    if (!sighting_load(r->state, r->name, file, &note))
        return 0;
    if (sighting_read(buf_bytes(&note), &r->log, &w->cosigner, &s) == OK &&
        s.checkpoint.size <= r->now.size)
        size = s.checkpoint.size;
    buf_fini(&note);
    return size;
}

/* The size in a 409, when it is one that we can prove from. */
static bool
parse_conflict(const struct http_answer *a, uint64_t most, uint64_t *out)
{
    struct bytes body = a->body;
    if (a->status != 409 || !bytes_are(a->content_type, "text/x.tlog.size") || body.len == 0 ||
        body.p[body.len - 1] != '\n')
        return false;
    body.len--;
    return text_u64(body, most, out) == OK;
}

static void
feed_witness(struct round *r, const struct trust_witness *w, uint32_t index,
             struct cosign_report *out)
{
    struct http_answer a;
    struct buf raw;
    uint64_t old = known_size(r, w);
    buf_init(&raw, HTTP_CLIENT_ANSWER_MAX);
    enum err e = submit(r, w, old, &raw, &a);
    if (e == OK && parse_conflict(&a, r->now.size, &old)) /* it knows better than our files */
        e = submit(r, w, old, &raw, &a);
    if (e == ERR_IO)
        report(out, COSIGN_REFUSED, "not asked: the ledger's tiles do not make a proof");
    else if (e == ERR_UNSUPPORTED)
        report(out, COSIGN_UNREACHABLE, "only http:// addresses are asked: %s", w->url);
    else if (e != OK)
        report(out, COSIGN_UNREACHABLE, "%s: %s",
               e == ERR_CLOSED ? "does not answer" : "no such address, or no HTTP answer", w->url);
    else if (a.status == 200)
        take_cosignature(r, w, index, a.body, out);
    else if (a.status == 409 || a.status == 422)
        ask_why(r, w, a.status, out);
    else
        report(out, COSIGN_REFUSED, "refused (%u): %.*s", a.status,
               (int)(a.body.len < 200 ? bytes_find(a.body, '\n') : 0), (const char *)a.body.p);
    buf_fini(&raw);
}

/* ---- the round ---------------------------------------------------------------------------- */

/* The newest checkpoint, and that the ledger's tiles make its root. */
static bool
read_checkpoint(struct round *r)
{
    struct tree_edge edge;
    struct tree_hash root;
    enum err e = tile_source_ask(&r->source, bytes_text("checkpoint"), &r->note);
    if (e == ERR_NOT_FOUND)
        fprintf(stderr, "bulkhead: log %s: nothing is signed yet\n", r->name);
    else if (e != OK)
        fprintf(stderr, "bulkhead: log %s: the ledger does not answer\n", r->name);
    if (e != OK)
        return false;
    e = checkpoint_open(buf_bytes(&r->note), r->log.origin, r->log.key, &r->now);
    r->source.size = r->now.size;
    if (e == OK)
        e = tree_read_edge(&r->reader, r->now.size, &edge);
    if (e == OK) {
        tree_edge_root(&edge, &root);
        e = tree_hash_equal(&root, &r->now.root) ? OK : ERR_CRYPTO;
    }
    if (e != OK)
        fprintf(stderr, "bulkhead: log %s: what the ledger serves does not hold: %s\n", r->name,
                err_text(e));
    return e == OK;
}

static bool
open_folder(struct round *r)
{
    char path[TOOL_PATH_SIZE];
    snprintf(path, sizeof(path), "%s/ledger/%s", r->state, r->name);
    enum err e = seen_open(&r->folder, path);
    if (e != OK)
        fprintf(stderr, "bulkhead: %s: %s\n", path,
                e == ERR_EXISTS ? "another `log cosign` is at work here" : strerror(errno));
    return e == OK;
}

static bool
feed_all(struct round *r, const struct trust *trust,
         struct cosign_report reports[static TRUST_WITNESSES_MAX], bool *out_enough)
{
    if (!read_checkpoint(r))
        return false;
    buf_put(&r->cosigned, buf_bytes(&r->note));
    for (uint32_t i = 0; i < trust->witnesses_count; i++)
        if (trust->witnesses[i].url[0])
            feed_witness(r, &trust->witnesses[i], i, &reports[i]);
        else
            report(&reports[i], COSIGN_UNREACHABLE, "the policy gives no address");
    *out_enough = r->cosigners && trust_is_quorum(trust, r->cosigners);
    if (!*out_enough)
        return true;
    bool kept = buf_error(&r->cosigned) == OK &&
                seen_keep(&r->folder, SIGHTING_COSIGNED, buf_bytes(&r->cosigned)) == OK;
    if (!kept)
        fprintf(stderr, "bulkhead: log %s: the cosigned checkpoint could not be kept\n", r->name);
    return kept;
}

bool
cosign_log(const char *state, const char *log, const struct trust *trust,
           struct cosign_report reports[static TRUST_WITNESSES_MAX], bool *out_enough)
{
    struct round *r = calloc(1, sizeof(*r));
    bool good = false;
    *out_enough = false;
    for (uint32_t i = 0; i < TRUST_WITNESSES_MAX; i++)
        reports[i] = (struct cosign_report){COSIGN_NOTHING_YET, ""};
    if (!r)
        return false;
    r->state = state;
    r->name = log;
    r->reader = tile_source_reader(&r->source);
    buf_init(&r->note, NOTE_BYTES_MAX);
    buf_init(&r->cosigned, SIGHTING_NOTE_MAX);
    if (log_files_key(state, log, r->log.origin, r->log.key) && open_folder(r)) {
        if (tile_source_open(&r->source, state, log)) {
            good = feed_all(r, trust, reports, out_enough);
            tile_source_close(&r->source);
        }
        seen_close(&r->folder);
    }
    buf_fini(&r->note);
    buf_fini(&r->cosigned);
    free(r);
    return good;
}
