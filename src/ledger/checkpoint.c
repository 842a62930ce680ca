#include "ledger/checkpoint.h"

#include "base/text.h"

#define PROOF_TITLE "c2sp.org/tlog-proof@v1\n"

enum err
checkpoint_take_line(struct bytes *rest, struct bytes *out)
{
    size_t line = bytes_find(*rest, '\n');
    if (line == rest->len)
        return ERR_MALFORMED;
    *out = bytes_of(rest->p, line);
    *rest = bytes_skip(*rest, line + 1);
    return OK;
}

static enum err
parse_hash(struct bytes text, struct tree_hash *out)
{
    struct tree_hash hash;
    size_t len = 0;
    enum err e = text_base64(text, hash.b, sizeof(hash.b), &len);
    if (e != OK || len != sizeof(hash.b))
        return ERR_MALFORMED;
    *out = hash;
    return OK;
}

/* Extension lines are not empty, and each ends in a newline. */
static bool
is_extension(struct bytes s)
{
    if (s.len > CHECKPOINT_EXTENSION_MAX)
        return false;
    while (s.len) {
        struct bytes line;
        if (checkpoint_take_line(&s, &line) != OK || line.len == 0)
            return false;
    }
    return true;
}

enum err
checkpoint_put_text(struct buf *b, const struct checkpoint *c)
{
    if (!note_is_key_name(bytes_text(c->origin)) || c->size > TREE_SIZE_MAX ||
        !is_extension(bytes_text(c->extension)))
        return ERR_MALFORMED;
    buf_format(b, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
    text_put_base64(b, bytes_of(c->root.b, TREE_HASH_SIZE));
    buf_byte(b, '\n');
    buf_text(b, c->extension);
    return buf_error(b);
}

enum err
checkpoint_parse_text(struct bytes text, struct checkpoint *out)
{
    struct checkpoint c;
    memset(&c, 0, sizeof(c));
    struct bytes rest = text, origin, size, root;
    enum err e = checkpoint_take_line(&rest, &origin);
    if (e == OK)
        e = checkpoint_take_line(&rest, &size);
    if (e == OK)
        e = checkpoint_take_line(&rest, &root);
    if (e != OK || !note_is_key_name(origin) || !is_extension(rest))
        return ERR_MALFORMED;
    e = bytes_copy_text(origin, c.origin, sizeof(c.origin));
    if (e == OK)
        e = text_u64(size, TREE_SIZE_MAX, &c.size);
    if (e == OK)
        e = parse_hash(root, &c.root);
    if (e == OK)
        e = bytes_copy_text(rest, c.extension, sizeof(c.extension));
    if (e == OK)
        *out = c;
    return e;
}

enum err
checkpoint_open(struct bytes note, const char *origin, const uint8_t public_key[static 32],
                struct checkpoint *out)
{
    struct bytes text;
    struct checkpoint c;
    enum err e = note_open(note, origin, public_key, &text);
    if (e == OK)
        e = checkpoint_parse_text(text, &c);
    if (e != OK)
        return e;
    if (strcmp(c.origin, origin) != 0)
        return ERR_DENIED;
    *out = c;
    return OK;
}

void
checkpoint_put_hashes(struct buf *b, const struct tree_proof *proof)
{
    ASSERT(proof->count <= TREE_PROOF_MAX);
    for (uint32_t i = 0; i < proof->count; i++) {
        text_put_base64(b, bytes_of(proof->hashes[i].b, TREE_HASH_SIZE));
        buf_byte(b, '\n');
    }
    buf_byte(b, '\n');
}

enum err
checkpoint_take_hashes(struct bytes *rest, struct tree_proof *out)
{
    struct tree_proof proof = {.count = 0};
    struct bytes line;
    enum err e = checkpoint_take_line(rest, &line);
    while (e == OK && line.len) {
        if (proof.count == TREE_PROOF_MAX)
            return ERR_LIMIT;
        e = parse_hash(line, &proof.hashes[proof.count++]);
        if (e == OK)
            e = checkpoint_take_line(rest, &line);
    }
    if (e == OK)
        *out = proof;
    return e;
}

void
proof_put(struct buf *b, const struct proof *p)
{
    buf_format(b, PROOF_TITLE "index %llu\n", (unsigned long long)p->index);
    checkpoint_put_hashes(b, &p->path);
    buf_put(b, p->checkpoint);
}

enum err
proof_parse(struct bytes text, struct proof *out)
{
    if (text.len > CHECKPOINT_PROOF_MAX + NOTE_BYTES_MAX || !bytes_start(text, PROOF_TITLE))
        return ERR_MALFORMED;
    struct bytes rest = bytes_skip(text, strlen(PROOF_TITLE)), line;
    struct proof p;
    memset(&p, 0, sizeof(p));
    enum err e = checkpoint_take_line(&rest, &line);
    if (e == OK && bytes_start(line, "extra "))
        return ERR_UNSUPPORTED;
    if (e != OK || !bytes_start(line, "index "))
        return ERR_MALFORMED;
    e = text_u64(bytes_skip(line, strlen("index ")), TREE_SIZE_MAX, &p.index);
    if (e == OK)
        e = checkpoint_take_hashes(&rest, &p.path);
    if (e != OK)
        return e;
    struct note note;
    e = note_parse(rest, &note);
    if (e != OK)
        return e;
    p.checkpoint = rest;
    *out = p;
    return OK;
}

enum err
proof_verify(const struct proof *p, struct bytes entry, const char *origin,
             const uint8_t public_key[static 32])
{
    struct checkpoint c;
    enum err e = checkpoint_open(p->checkpoint, origin, public_key, &c);
    if (e != OK)
        return e;
    struct tree_hash leaf;
    tree_hash_leaf(entry, &leaf);
    return tree_verify_inclusion(&leaf, p->index, c.size, &p->path, &c.root);
}
