/* command_log.c -- bulkhead log: read, check, prove and export the ledger. */
#include "cli/commands.h"

#include "base/text.h"
#include "cli/cosign.h"
#include "cli/log_files.h"
#include "cli/sighting.h"
#include "cli/tool.h"
#include "cli/witnessed.h"

#include <sodium.h>
#include <time.h>

enum { SHOW_DEFAULT = 20 };

static const char help[] =
    "usage: bulkhead log show   --state DIR [--zone Z] [--last N]\n"
    "       bulkhead log verify --state DIR [--zone Z] [--policy FILE] [--offline]\n"
    "       bulkhead log cosign --state DIR [--zone Z] [--policy FILE | --witness URL=KEY ...]\n"
    "                           [--every SECONDS]\n"
    "       bulkhead log prove  --state DIR [--zone Z] INDEX\n"
    "       bulkhead log export --state DIR [--zone Z] OUT\n"
    "Reads the files of the ledger, also while the city runs, up to the newest signed checkpoint.\n"
    "Without --zone: the city's own log; verify and cosign take all logs. --key NAME+ID+KEY "
    "checks\n"
    "against a verifier key that you have from elsewhere. prove prints a proof "
    "(c2sp.org/tlog-proof)\n"
    "that stands alone; export writes checkpoint and tiles (c2sp.org/tlog-tiles) for any other "
    "tool.\n"
    "cosign carries the newest checkpoints of a running city to its witnesses and keeps what they\n"
    "sign. Which witnesses, and how many are enough, stands in DIR/witness.policy (c2sp.org/\n"
    "tlog-policy) or FILE; verify then tells what each of them saw and asks them again, unless\n"
    "--offline. A log that is truncated, edited, rolled back or forked ends with status 1.\n"
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

/* Who witnesses this city's logs, for the commands that care. */
struct witnesses {
    const char *state;
    struct trust trust;
    bool there; /* a policy, or --witness */
    bool offline;
};

static int
verify(const struct log_files *f, const struct witnesses *w)
{
    struct log_verdict v;
    enum err e = log_files_verify(f, &v);
    if (e != OK) {
        printf("%-16s DOES NOT HOLD: %s\n", f->name, v.why);
        return EXIT_DOES_NOT_HOLD;
    }
    if (f->log.generation == 0) {
        printf("%-16s nothing is signed yet\n", f->name);
        return w->there ? witnessed_verify(w->state, f, &w->trust, !w->offline) : EXIT_OK;
    }
    struct buf root;
    buf_init(&root, 64);
    text_put_base64(&root, bytes_of(f->log.signed_checkpoint.root.b, TREE_HASH_SIZE));
    printf("%-16s holds: %llu entries, root %s, signed as %s, %llu journal anchors in order\n",
           f->name, (unsigned long long)v.entries, buf_string(&root), f->origin,
           (unsigned long long)v.anchors);
    buf_fini(&root);
    return w->there ? witnessed_verify(w->state, f, &w->trust, !w->offline) : EXIT_OK;
}

/* The proof of p->index in the tree under p->checkpoint, `size` entries: as text, read back,
 * checked. */
static enum err
make_proof(const struct log_files *f, struct proof *p, uint64_t size, struct buf *entry,
           struct buf *text)
{
    struct tree_reader r = log_reader(&f->log);
    struct proof again;
    enum err e = tree_prove_inclusion(&r, p->index, size, &p->path);
    if (e == OK)
        e = log_put_entry(&f->log, p->index, entry);
    if (e == OK) {
        proof_put(text, p);
        e = buf_error(text);
    }
    if (e == OK)
        e = proof_parse(buf_bytes(text), &again);
    if (e == OK)
        e = proof_verify(&again, buf_bytes(entry), f->origin, f->log.config.public_key);
    return e;
}

/* Under the newest cosigned checkpoint, when it covers the entry; else under the log's own. */
static int
prove(const struct log_files *f, const struct witnesses *w, const char *index_text)
{
    struct proof p = {.checkpoint = log_note(&f->log)};
    struct checkpoint c = {.size = log_size(&f->log)};
    struct buf entry, text, cosigned;
    if (text_u64(bytes_text(index_text), TREE_SIZE_MAX, &p.index) != OK ||
        p.index >= log_size(&f->log)) {
        fprintf(stderr, "bulkhead: log %s has the entries 0 to %lld under its checkpoint\n",
                f->name, (long long)log_size(&f->log) - 1);
        return EXIT_DOES_NOT_HOLD;
    }
    bool witnessed = witnessed_note(w->state, f, p.index + 1, &cosigned, &c);
    if (witnessed)
        p.checkpoint = buf_bytes(&cosigned);
    buf_init(&entry, LOG_ENTRY_BYTES_MAX);
    buf_init(&text, CHECKPOINT_PROOF_MAX + SIGHTING_NOTE_MAX);
    enum err e = make_proof(f, &p, c.size, &entry, &text);
    if (e == OK) {
        fputs(buf_string(&text), stdout);
        fprintf(stderr, "holds: entry %llu of %s is in the %s tree of %llu: %.*s\n",
                (unsigned long long)p.index, f->origin, witnessed ? "cosigned" : "signed",
                (unsigned long long)c.size, BYTES_PRINTF(buf_bytes(&entry)));
    } else {
        fprintf(stderr, "bulkhead: entry %llu does not hold: %s\n", (unsigned long long)p.index,
                err_text(e));
    }
    buf_fini(&entry);
    buf_fini(&text);
    if (witnessed)
        buf_fini(&cosigned);
    return e == OK ? EXIT_OK : EXIT_DOES_NOT_HOLD;
}

static int
verify_all(const struct witnesses *w)
{
    struct log_names names;
    struct log_files *f = calloc(1, sizeof(*f));
    int status = EXIT_OK;
    if (!f || !log_files_names(w->state, &names)) {
        free(f);
        return EXIT_CANNOT;
    }
    for (size_t i = 0; i < names.count; i++) {
        int one = log_files_open(w->state, names.list[i], NULL, f);
        if (one == EXIT_OK) {
            one = verify(f, w);
            log_files_close(f);
        }
        /* One log that does not hold outweighs one that cannot be read. */
        if (status == EXIT_OK || one == EXIT_DOES_NOT_HOLD)
            status = one;
    }
    free(f);
    return status;
}

/* ---- cosign -------------------------------------------------------------------------------- */

/* What was last said about a log and its witnesses: with --every only news is printed. */
struct said {
    enum cosign_result results[TRUST_WITNESSES_MAX];
    bool enough, any;
};

static int
cosign_one(const struct witnesses *w, const char *name, struct said *said)
{
    static struct cosign_report reports[TRUST_WITNESSES_MAX];
    bool enough = false;
    if (!cosign_log(w->state, name, &w->trust, reports, &enough))
        return EXIT_CANNOT;
    int status = enough ? EXIT_OK : EXIT_CANNOT;
    for (uint32_t i = 0; i < w->trust.witnesses_count; i++) {
        if (!said->any || reports[i].result != said->results[i])
            printf("%-16s %s: %s\n", name, w->trust.witnesses[i].name, reports[i].text);
        said->results[i] = reports[i].result;
        if (reports[i].result == COSIGN_CONTRADICTED)
            status = EXIT_DOES_NOT_HOLD;
    }
    if (!enough && (!said->any || said->enough))
        printf("%-16s not cosigned by enough witnesses\n", name);
    said->enough = enough;
    said->any = true;
    fflush(stdout);
    return status;
}

static int
cosign_round(const struct witnesses *w, const char *zone, struct said said[LOG_FILES_LOGS_MAX])
{
    struct log_names names;
    int status = EXIT_OK;
    if (!log_files_names(w->state, &names))
        return EXIT_CANNOT;
    for (size_t i = 0; i < names.count; i++) {
        if (zone && strcmp(zone, names.list[i]) != 0)
            continue;
        int one = cosign_one(w, names.list[i], &said[i]);
        if (status == EXIT_OK || one == EXIT_DOES_NOT_HOLD)
            status = one;
    }
    return status;
}

static int
cosign(const struct witnesses *w, const char *zone, const char *every_text)
{
    struct said *said = calloc(LOG_FILES_LOGS_MAX, sizeof(*said));
    uint64_t every_s = 0;
    int status = EXIT_USAGE;
    if (!said)
        return EXIT_CANNOT;
    if (every_text && (text_u64(bytes_text(every_text), 86400, &every_s) != OK || every_s == 0))
        fprintf(stderr, "bulkhead: --every wants seconds, from 1 to 86400\n");
    else if (w->trust.witnesses_count == 0)
        fprintf(stderr, "bulkhead: no witness: %s/witness.policy, --policy or --witness\n",
                w->state);
    else
        status = cosign_round(w, zone, said);
    while (every_s && status != EXIT_USAGE) { /* until it is ended from outside */
        struct timespec pause = {.tv_sec = (time_t)every_s};
        nanosleep(&pause, NULL);
        status = cosign_round(w, zone, said);
    }
    free(said);
    return status;
}

/* Takes every "--witness URL=KEY" out of the arguments; false after a sentence. */
static bool
take_witnesses(int *argc, char **argv, struct witnesses *w)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        struct trust_witness *one = &w->trust.witnesses[w->trust.witnesses_count];
        if (strcmp(argv[i], "--witness") != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        struct bytes text = bytes_text(i + 1 < *argc ? argv[++i] : "");
        struct bytes url = bytes_of(text.p, bytes_find(text, '='));
        if (w->trust.witnesses_count == TRUST_WITNESSES_MAX || url.len == text.len ||
            bytes_copy_text(url, one->url, sizeof(one->url)) != OK ||
            cosigner_parse(bytes_skip(text, url.len + 1), &one->cosigner) != OK) {
            fprintf(stderr, "bulkhead: --witness wants URL=NAME+ID+KEY, at most %d times\n",
                    TRUST_WITNESSES_MAX);
            return false;
        }
        memcpy(one->name, one->cosigner.name, sizeof(one->name));
        w->trust.witnesses_count++;
    }
    *argc = kept;
    return true;
}

/* The policy file, unless the witnesses were named one by one. */
static int
load_policy(struct witnesses *w, const char *path)
{
    if (w->trust.witnesses_count == 0)
        return sighting_policy(w->state, path, &w->trust, &w->there);
    if (path) {
        fprintf(stderr, "bulkhead: --policy or --witness, not both\n");
        return EXIT_USAGE;
    }
    w->there = true;
    return EXIT_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static int
run_on_one(const char *what, const struct log_files *f, const struct witnesses *w,
           const struct tool_words *words, const char *last)
{
    if (strcmp(what, "show") == 0)
        return show(f, last);
    if (strcmp(what, "verify") == 0)
        return verify(f, w);
    if (f->log.generation == 0) {
        fprintf(stderr, "bulkhead: log %s: nothing is signed yet\n", f->name);
        return EXIT_CANNOT;
    }
    if (strcmp(what, "prove") == 0)
        return prove(f, w, words->list[1]);
    return log_files_export(f, words->list[1]) ? EXIT_OK : EXIT_CANNOT;
}

enum {
    OPTION_STATE,
    OPTION_ZONE,
    OPTION_LAST,
    OPTION_KEY,
    OPTION_POLICY,
    OPTION_EVERY,
    OPTION_OFFLINE,
    OPTIONS
};

static int
run(const char *what, struct witnesses *w, const struct tool_option options[OPTIONS],
    const struct tool_words *words)
{
    const char *zone = options[OPTION_ZONE].value;
    int status = EXIT_OK;
    if (strcmp(what, "verify") == 0 || strcmp(what, "cosign") == 0)
        status = load_policy(w, options[OPTION_POLICY].value);
    if (status != EXIT_OK)
        return status;
    if (strcmp(what, "cosign") == 0)
        return cosign(w, zone, options[OPTION_EVERY].value);
    if (strcmp(what, "verify") == 0 && !zone)
        return verify_all(w);
    struct log_files *f = calloc(1, sizeof(*f));
    if (!f)
        return EXIT_CANNOT;
    status = log_files_open(w->state, zone ? zone : "city", options[OPTION_KEY].value, f);
    if (status == EXIT_OK) {
        status = run_on_one(what, f, w, words, options[OPTION_LAST].value);
        log_files_close(f);
    }
    free(f);
    return status;
}

int
command_log(int argc, char **argv)
{
    static struct witnesses w;
    struct tool_option options[OPTIONS] = {
        [OPTION_STATE] = {"--state", true, NULL},      [OPTION_ZONE] = {"--zone", true, NULL},
        [OPTION_LAST] = {"--last", true, NULL},        [OPTION_KEY] = {"--key", true, NULL},
        [OPTION_POLICY] = {"--policy", true, NULL},    [OPTION_EVERY] = {"--every", true, NULL},
        [OPTION_OFFLINE] = {"--offline", false, NULL},
    };
    struct tool_words words;
    w.trust.quorum = TRUST_NOBODY;
    if (!take_witnesses(&argc, argv, &w) || !tool_parse(argc, argv, options, OPTIONS, &words, help))
        return EXIT_USAGE;
    const char *what = words.count ? words.list[0] : "";
    bool one_word =
        strcmp(what, "show") == 0 || strcmp(what, "verify") == 0 || strcmp(what, "cosign") == 0;
    bool two_words = strcmp(what, "prove") == 0 || strcmp(what, "export") == 0;
    w.state = options[OPTION_STATE].value;
    w.offline = options[OPTION_OFFLINE].value != NULL;
    if (!w.state || !(one_word || two_words) || words.count != (one_word ? 1 : 2)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return sodium_init() < 0 ? EXIT_CANNOT : run(what, &w, options, &words);
}
