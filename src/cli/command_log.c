/* command_log.c -- bulkhead log: read, check, prove and export the ledger. */
#include "cli/commands.h"

#include "base/text.h"
#include "cli/log_files.h"
#include "cli/tool.h"

#include <sodium.h>

enum { SHOW_DEFAULT = 20 };

static const char help[] =
    "usage: bulkhead log show   --state DIR [--zone Z] [--last N]\n"
    "       bulkhead log verify --state DIR [--zone Z]\n"
    "       bulkhead log prove  --state DIR [--zone Z] INDEX\n"
    "       bulkhead log export --state DIR [--zone Z] OUT\n"
    "Reads the files of the ledger, also while the city runs, up to the newest signed checkpoint.\n"
    "Without --zone: the city's own log; verify takes all logs. --key NAME+ID+KEY checks against "
    "a\n"
    "verifier key that you have from elsewhere. prove prints a proof (c2sp.org/tlog-proof) that\n"
    "stands alone; export writes checkpoint and tiles (c2sp.org/tlog-tiles) for any other tool.\n"
    "example: bulkhead log verify --state run/demo\n"
    "         bulkhead log prove --state run/demo --zone bikes 17 >17.proof\n";

/* What others wrote is shown without control characters. */
static void
print_entry(uint64_t index, struct bytes entry)
{
    printf("%llu ", (unsigned long long)index);
    for (size_t i = 0; i < entry.len; i++)
        putchar(entry.p[i] < 0x20 || entry.p[i] == 0x7f ? '?' : entry.p[i]);
    putchar('\n');
}

static int
show(const struct log_files *f, const char *last_text)
{
    uint64_t last = SHOW_DEFAULT, size = log_size(&f->log);
    struct buf entry;
    if (last_text && text_u64(bytes_text(last_text), UINT64_MAX, &last) != OK) {
        fprintf(stderr, "bulkhead: --last wants a number\n");
        return EXIT_USAGE;
    }
    buf_init(&entry, LOG_ENTRY_BYTES_MAX);
    for (uint64_t i = last < size ? size - last : 0; i < size; i++) {
        buf_reset(&entry);
        if (log_put_entry(&f->log, i, &entry) != OK) {
            fprintf(stderr, "bulkhead: entry %llu cannot be read\n", (unsigned long long)i);
            buf_fini(&entry);
            return EXIT_DOES_NOT_HOLD;
        }
        print_entry(i, buf_bytes(&entry));
    }
    buf_fini(&entry);
    return EXIT_OK;
}

static int
verify(const struct log_files *f)
{
    struct log_verdict v;
    enum err e = log_files_verify(f, &v);
    if (e != OK) {
        printf("%-16s DOES NOT HOLD: %s\n", f->name, v.why);
        return EXIT_DOES_NOT_HOLD;
    }
    if (f->log.generation == 0) {
        printf("%-16s nothing is signed yet\n", f->name);
        return EXIT_OK;
    }
    struct buf root;
    buf_init(&root, 64);
    text_put_base64(&root, bytes_of(f->log.signed_checkpoint.root.b, TREE_HASH_SIZE));
    printf("%-16s holds: %llu entries, root %s, signed as %s, %llu journal anchors in order\n",
           f->name, (unsigned long long)v.entries, buf_string(&root), f->origin,
           (unsigned long long)v.anchors);
    buf_fini(&root);
    return EXIT_OK;
}

static int
prove(const struct log_files *f, const char *index_text)
{
    struct proof p = {.checkpoint = log_note(&f->log)}, again;
    struct tree_reader r = log_reader(&f->log);
    struct buf entry, text;
    if (text_u64(bytes_text(index_text), TREE_SIZE_MAX, &p.index) != OK ||
        p.index >= log_size(&f->log)) {
        fprintf(stderr, "bulkhead: log %s has the entries 0 to %lld under its checkpoint\n",
                f->name, (long long)log_size(&f->log) - 1);
        return EXIT_DOES_NOT_HOLD;
    }
    buf_init(&entry, LOG_ENTRY_BYTES_MAX);
    buf_init(&text, CHECKPOINT_PROOF_MAX);
    enum err e = tree_prove_inclusion(&r, p.index, log_size(&f->log), &p.path);
    if (e == OK)
        e = log_put_entry(&f->log, p.index, &entry);
    if (e == OK) {
        proof_put(&text, &p);
        e = buf_error(&text);
    }
    /* What is printed is what was checked, read back from its own text. */
    if (e == OK)
        e = proof_parse(buf_bytes(&text), &again);
    if (e == OK)
        e = proof_verify(&again, buf_bytes(&entry), f->origin, f->log.config.public_key);
    if (e == OK) {
        fputs(buf_string(&text), stdout);
        fprintf(stderr, "holds: entry %llu of %s is in the signed tree of %llu: %.*s\n",
                (unsigned long long)p.index, f->origin, (unsigned long long)log_size(&f->log),
                BYTES_PRINTF(buf_bytes(&entry)));
    } else {
        fprintf(stderr, "bulkhead: entry %llu does not hold: %s\n", (unsigned long long)p.index,
                err_text(e));
    }
    buf_fini(&entry);
    buf_fini(&text);
    return e == OK ? EXIT_OK : EXIT_DOES_NOT_HOLD;
}

static int
verify_all(const char *state)
{
    struct log_names names;
    struct log_files *f = calloc(1, sizeof(*f));
    int status = EXIT_OK;
    if (!f || !log_files_names(state, &names)) {
        free(f);
        return EXIT_CANNOT;
    }
    for (size_t i = 0; i < names.count; i++) {
        int one = log_files_open(state, names.list[i], NULL, f);
        if (one == EXIT_OK) {
            one = verify(f);
            log_files_close(f);
        }
        /* One log that does not hold outweighs one that cannot be read. */
        if (status == EXIT_OK || one == EXIT_DOES_NOT_HOLD)
            status = one;
    }
    free(f);
    return status;
}

static int
run_on_one(const char *what, const struct log_files *f, const struct tool_words *words,
           const char *last)
{
    if (strcmp(what, "show") == 0)
        return show(f, last);
    if (strcmp(what, "verify") == 0)
        return verify(f);
    if (f->log.generation == 0) {
        fprintf(stderr, "bulkhead: log %s: nothing is signed yet\n", f->name);
        return EXIT_CANNOT;
    }
    if (strcmp(what, "prove") == 0)
        return prove(f, words->list[1]);
    return log_files_export(f, words->list[1]) ? EXIT_OK : EXIT_CANNOT;
}

int
command_log(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--state", true, NULL},
        {"--zone", true, NULL},
        {"--last", true, NULL},
        {"--key", true, NULL},
    };
    struct tool_words words;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    const char *state = options[0].value, *zone = options[1].value;
    const char *what = words.count ? words.list[0] : "";
    bool one_word = strcmp(what, "show") == 0 || strcmp(what, "verify") == 0;
    bool two_words = strcmp(what, "prove") == 0 || strcmp(what, "export") == 0;
    if (!state || !(one_word || two_words) || words.count != (one_word ? 1 : 2)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (sodium_init() < 0)
        return EXIT_CANNOT;
    if (strcmp(what, "verify") == 0 && !zone)
        return verify_all(state);
    struct log_files *f = calloc(1, sizeof(*f));
    if (!f)
        return EXIT_CANNOT;
    int status = log_files_open(state, zone ? zone : "city", options[3].value, f);
    if (status == EXIT_OK) {
        status = run_on_one(what, f, &words, options[2].value);
        log_files_close(f);
    }
    free(f);
    return status;
}
