#include "cli/sighting.h"

#include "base/text.h"
#include "cli/http_client.h"
#include "cli/tool.h"

#include <sodium.h>
#include <unistd.h>

enum err
sighting_read(struct bytes note, const struct sighting_log *log, const struct cosigner *c,
              struct sighting *out)
{
    struct sighting s;
    struct note parsed;
    enum err e = note_parse(note, &parsed);
    if (e == OK)
        e = checkpoint_open(note, log->origin, log->key, &s.checkpoint);
    if (e == OK)
        e = cosignature_check(&parsed, c, &s.time_s);
    if (e == OK)
        *out = s;
    return e == OK || e == ERR_MALFORMED ? e : ERR_CRYPTO;
}

void
sighting_file(const struct cosigner *c, char out[static SIGHTING_FILE_SIZE])
{
    snprintf(out, SIGHTING_FILE_SIZE, "witness-%08x", cosigner_key_id(c));
}

bool
sighting_load(const char *state, const char *log, const char *file, struct buf *out)
{
    char path[TOOL_PATH_SIZE];
    snprintf(path, sizeof(path), "%s/ledger/%s/%s", state, log, file);
    return access(path, F_OK) == 0 && tool_read_file(path, SIGHTING_NOTE_MAX, out);
}

enum err
sighting_fetch(const char *url, const struct sighting_log *log, struct buf *out)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    char tail[2 * sizeof(digest) + 16] = "/";
    struct buf raw;
    struct http_answer a;
    crypto_hash_sha256(digest, (const uint8_t *)log->origin, strlen(log->origin));
    sodium_bin2hex(tail + 1, 2 * sizeof(digest) + 1, digest, sizeof(digest));
    memcpy(tail + 1 + 2 * sizeof(digest), "/checkpoint", sizeof("/checkpoint"));
    buf_init(&raw, HTTP_CLIENT_ANSWER_MAX);
    enum err e = http_client_ask(url, tail, NULL, &raw, &a);
    if (e == OK && a.status != 200)
        e = a.status == 404 ? ERR_NOT_FOUND : ERR_MALFORMED;
    if (e == OK) {
        buf_reset(out);
        buf_put(out, a.body);
        e = buf_error(out);
    }
    buf_fini(&raw);
    return e;
}

/* "2026-03-01T12:00:00Z" */
static void
put_time(struct buf *b, uint64_t time_s)
{
    if (time_s < INT64_MAX / 1000000)
        text_put_time(b, (int64_t)time_s * 1000000);
    else
        buf_text(b, "a time that cannot be");
}

static enum err
tell_fork(const struct sighting *s, const char *witness, const struct tree_hash *ours,
          struct buf *b)
{
    buf_format(b, "forked: witness %s saw ", witness);
    buf_format(b, "%llu entries with root ", (unsigned long long)s->checkpoint.size);
    text_put_base64(b, bytes_of(s->checkpoint.root.b, TREE_HASH_SIZE));
    buf_text(b, " at ");
    put_time(b, s->time_s);
    buf_format(b, ", and the first %llu entries here have root ",
               (unsigned long long)s->checkpoint.size);
    text_put_base64(b, bytes_of(ours->b, TREE_HASH_SIZE));
    buf_text(b, ": the log's own key signed two histories");
    return ERR_CRYPTO;
}

static enum err
tell_roll_back(const struct sighting *s, const char *witness, uint64_t size, struct buf *b)
{
    buf_format(b, "rolled back: witness %s saw %llu entries at ", witness,
               (unsigned long long)s->checkpoint.size);
    put_time(b, s->time_s);
    buf_format(b, ", and only %llu are here: the last %llu were taken away",
               (unsigned long long)size, (unsigned long long)(s->checkpoint.size - size));
    return ERR_EXPIRED;
}

enum err
sighting_judge(const struct sighting *s, const char *witness, const struct tree_reader *r,
               uint64_t size, char out_sentence[static SIGHTING_SENTENCE_MAX])
{
    struct tree_edge edge;
    struct tree_hash ours;
    struct buf b;
    enum err e = OK;
    buf_init(&b, SIGHTING_SENTENCE_MAX);
    if (s->checkpoint.size > size) {
        e = tell_roll_back(s, witness, size, &b);
    } else if (tree_read_edge(r, s->checkpoint.size, &edge) != OK) {
        e = ERR_IO;
        buf_text(&b, "the tree cannot be read");
    } else {
        tree_edge_root(&edge, &ours);
        if (!tree_hash_equal(&ours, &s->checkpoint.root))
            e = tell_fork(s, witness, &ours, &b);
    }
    snprintf(out_sentence, SIGHTING_SENTENCE_MAX, "%.*s", BYTES_PRINTF(buf_bytes(&b)));
    buf_fini(&b);
    return e;
}

int
sighting_policy(const char *state, const char *path, struct trust *out, bool *out_there)
{
    char own[TOOL_PATH_SIZE];
    struct trust_fault fault = {0, ""};
    struct buf text;
    snprintf(own, sizeof(own), "%s/witness.policy", state);
    memset(out, 0, sizeof(*out));
    out->quorum = TRUST_NOBODY;
    *out_there = false;
    if (!path && access(own, F_OK) != 0)
        return EXIT_OK;
    if (!path)
        path = own;
    if (!tool_read_file(path, TRUST_BYTES_MAX, &text))
        return EXIT_CANNOT;
    enum err e = trust_parse(buf_bytes(&text), out, &fault);
    buf_fini(&text);
    if (e != OK)
        fprintf(stderr, "bulkhead: %s:%u: %s\n", path, fault.line, fault.why);
    *out_there = e == OK;
    return e == OK ? EXIT_OK : EXIT_CANNOT;
}
