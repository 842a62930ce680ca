#include "grant/lease.h"

#include "base/text.h"
#include "ledger/note.h"

#define LEASE_TITLE "bulkhead lease v1\n"

enum { LEASE_TEXT_MAX = LEASE_BYTES_MAX };

enum err
lease_parameter(const struct lease *l, const char *name, int64_t *out)
{
    ASSERT(l->parameters_count <= LEASE_PARAMETERS_MAX);
    for (uint32_t i = 0; i < l->parameters_count; i++) {
        if (strcmp(l->parameters[i].name, name) == 0) {
            *out = l->parameters[i].value;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

static bool
is_name(const char name[static LEASE_NAME_SIZE])
{
    return memchr(name, 0, LEASE_NAME_SIZE) != NULL && text_is_name(bytes_text(name));
}

/* The words that end the list of parameters cannot be parameters. */
static bool
is_parameter_name(struct bytes name)
{
    return text_is_name(name) && !bytes_are(name, "not-before") && !bytes_are(name, "expiry") &&
           !bytes_are(name, "sequence");
}

/* Takes "KEY VALUE\n" off the front of *rest. */
static enum err
take_line(struct bytes *rest, struct bytes *out_key, struct bytes *out_value)
{
    size_t line = bytes_find(*rest, '\n');
    if (line == rest->len)
        return ERR_MALFORMED;
    size_t blank = bytes_find(bytes_of(rest->p, line), ' ');
    if (blank == line)
        return ERR_MALFORMED;
    *out_key = bytes_of(rest->p, blank);
    *out_value = bytes_of(rest->p + blank + 1, line - blank - 1);
    *rest = bytes_skip(*rest, line + 1);
    return OK;
}

/* Into its place in the order of names. */
static enum err
add_parameter(struct lease *l, struct bytes name, struct bytes value)
{
    if (!is_parameter_name(name))
        return ERR_MALFORMED;
    if (l->parameters_count == LEASE_PARAMETERS_MAX)
        return ERR_LIMIT;
    struct lease_parameter p;
    enum err e = text_i64(value, &p.value);
    if (e != OK)
        return ERR_MALFORMED;
    e = bytes_copy_text(name, p.name, sizeof(p.name));
    if (e != OK)
        return e;
    uint32_t at = l->parameters_count;
    while (at > 0 && strcmp(l->parameters[at - 1].name, p.name) > 0)
        at--;
    if (at > 0 && strcmp(l->parameters[at - 1].name, p.name) == 0)
        return ERR_MALFORMED;
    memmove(&l->parameters[at + 1], &l->parameters[at],
            (l->parameters_count - at) * sizeof(l->parameters[0]));
    l->parameters[at] = p;
    l->parameters_count++;
    return OK;
}

enum err
lease_parse_parameters(struct bytes text, struct lease *l)
{
    struct lease next = *l;
    next.parameters_count = 0;
    while (text.len) {
        struct bytes name, value;
        enum err e = take_line(&text, &name, &value);
        if (e == OK)
            e = add_parameter(&next, name, value);
        if (e != OK)
            return e;
    }
    *l = next;
    return OK;
}

static bool
is_complete(const struct lease *l)
{
    if (!is_name(l->zone) || !is_name(l->device) || !is_name(l->command) || l->sequence == 0 ||
        l->expiry_us <= l->not_before_us || l->parameters_count > LEASE_PARAMETERS_MAX)
        return false;
    for (uint32_t i = 0; i < l->parameters_count; i++) {
        const char *name = l->parameters[i].name;
        if (!is_name(l->parameters[i].name) || !is_parameter_name(bytes_text(name)))
            return false;
        if (i > 0 && strcmp(l->parameters[i - 1].name, name) >= 0)
            return false;
    }
    return true;
}

enum err
lease_put_text(const struct lease *l, struct buf *out)
{
    if (!is_complete(l))
        return ERR_MALFORMED;
    buf_format(out, LEASE_TITLE "zone %s\ndevice %s\ncommand %s\n", l->zone, l->device, l->command);
    for (uint32_t i = 0; i < l->parameters_count; i++)
        buf_format(out, "%s %lld\n", l->parameters[i].name, (long long)l->parameters[i].value);
    buf_text(out, "not-before ");
    text_put_time(out, l->not_before_us);
    buf_text(out, "\nexpiry ");
    text_put_time(out, l->expiry_us);
    buf_format(out, "\nsequence %llu\n", (unsigned long long)l->sequence);
    return buf_error(out);
}

/* Takes the line KEY and copies its value, a name. */
static enum err
take_name(struct bytes *rest, const char *key, char out[static LEASE_NAME_SIZE])
{
    struct bytes k, v;
    enum err e = take_line(rest, &k, &v);
    if (e != OK || !bytes_are(k, key) || !text_is_name(v))
        return ERR_MALFORMED;
    return bytes_copy_text(v, out, LEASE_NAME_SIZE);
}

static enum err
parse_lines(struct bytes rest, struct lease *l)
{
    if (!bytes_start(rest, LEASE_TITLE))
        return ERR_MALFORMED;
    rest = bytes_skip(rest, strlen(LEASE_TITLE));
    enum err e = take_name(&rest, "zone", l->zone);
    if (e == OK)
        e = take_name(&rest, "device", l->device);
    if (e == OK)
        e = take_name(&rest, "command", l->command);
    struct bytes key = {NULL, 0}, value = {NULL, 0};
    while (e == OK) {
        e = take_line(&rest, &key, &value);
        if (e != OK || bytes_are(key, "not-before"))
            break;
        e = add_parameter(l, key, value);
    }
    if (e == OK)
        e = text_time(value, &l->not_before_us);
    if (e == OK)
        e = take_line(&rest, &key, &value);
    if (e == OK)
        e = bytes_are(key, "expiry") ? text_time(value, &l->expiry_us) : ERR_MALFORMED;
    if (e == OK)
        e = take_line(&rest, &key, &value);
    if (e == OK)
        e = bytes_are(key, "sequence") ? text_u64(value, UINT64_MAX, &l->sequence) : ERR_MALFORMED;
    return e != OK || rest.len ? ERR_MALFORMED : OK;
}

enum err
lease_parse_text(struct bytes text, struct lease *out)
{
    if (text.len > LEASE_TEXT_MAX)
        return ERR_MALFORMED;
    struct lease l;
    memset(&l, 0, sizeof(l));
    enum err e = parse_lines(text, &l);
    if (e != OK)
        return e;
    /* One lease, one text: other spellings of a time, or another order, are no lease. */
    struct buf again;
    buf_init(&again, LEASE_TEXT_MAX);
    e = lease_put_text(&l, &again);
    if (e == OK && !bytes_equal(buf_bytes(&again), text))
        e = ERR_MALFORMED;
    buf_fini(&again);
    if (e != OK)
        return ERR_MALFORMED;
    *out = l;
    return OK;
}

enum err
lease_sign(const struct lease *l, const char *signer, const uint8_t secret[static 64],
           struct buf *out)
{
    struct buf text;
    buf_init(&text, LEASE_TEXT_MAX);
    enum err e = lease_put_text(l, &text);
    if (e == OK)
        e = note_sign(buf_bytes(&text), signer, secret, out);
    buf_fini(&text);
    return e;
}

enum err
lease_open(const struct lease_reader *reader, struct bytes note, int64_t now_us, struct lease *out)
{
    if (note.len > LEASE_BYTES_MAX)
        return ERR_MALFORMED;
    struct bytes text;
    enum err e = note_open(note, reader->signer, reader->public_key, &text);
    if (e != OK)
        return e == ERR_CRYPTO ? ERR_CRYPTO : ERR_MALFORMED;
    struct lease l;
    e = lease_parse_text(text, &l);
    if (e != OK)
        return e;
    if (strcmp(l.zone, reader->zone) != 0 || strcmp(l.device, reader->device) != 0)
        return ERR_DENIED;
    if (now_us < l.not_before_us || now_us >= l.expiry_us)
        return ERR_EXPIRED;
    if (l.sequence <= reader->last_sequence)
        return ERR_WRONG_STATE;
    *out = l;
    return OK;
}
