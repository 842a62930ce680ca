/* command_check.c -- bulkhead check: the verdict on a charter, then its blast radius. */
#include "cli/commands.h"

#include "charter/matrix.h"
#include "charter/radius.h"
#include "cli/tool.h"

static const char help[] =
    "usage: bulkhead check FILE [--matrix] [--json] [--svg OUT]\n"
    "Says whether a charter keeps the promises, and what a breach of each zone would reach.\n"
    "--matrix says instead who touches whom: for every compartment, if breached alone, what it "
    "can\n"
    "do to each other one (`bulkhead drill --matrix` measures the same).\n"
    "--json prints the same as one line for programs; --svg draws it.\n"
    "example: bulkhead check charters/demo.charter --svg city.svg\n";

enum { OUTPUT_BYTES_MAX = 16 * 1024 * 1024 };

static bool
write_svg(const char *path, const struct charter *c, const struct matrix *m)
{
    struct buf b;
    buf_init(&b, OUTPUT_BYTES_MAX);
    if (m)
        matrix_put_svg(&b, m);
    else
        radius_put_svg(&b, c);
    FILE *f = buf_error(&b) == OK ? fopen(path, "w") : NULL;
    bool ok = f && fwrite(b.p, 1, b.len, f) == b.len;
    ok = f && fclose(f) == 0 && ok;
    if (!ok)
        fprintf(stderr, "bulkhead: cannot write %s\n", path);
    buf_fini(&b);
    return ok;
}

static void
put_verdict(struct buf *b, const char *file, const struct charter *c,
            const struct charter_findings *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        charter_put_finding(b, file, &f->list[i]);
        buf_byte(b, '\n');
    }
    if (f->count) {
        buf_format(b, "%s: refused, %u finding%s%s\n", file, f->count, f->count == 1 ? "" : "s",
                   f->more ? " and more" : "");
        return;
    }
    buf_format(b, "%s: holds (charter %llu of %s, %u zones, %u conduits)\n", file,
               (unsigned long long)c->number, c->city, c->zones_count, c->conduits_count);
}

/* The prediction, of a charter that holds. */
static int
print_matrix(const struct charter *c, bool json, const char *svg)
{
    static struct matrix m;
    struct buf out;
    matrix_predict(&m, c);
    buf_init(&out, OUTPUT_BYTES_MAX);
    if (json)
        matrix_put_json(&out, &m);
    else
        matrix_put_text(&out, &m);
    fwrite(out.p, 1, out.len, stdout);
    buf_fini(&out);
    return svg && !write_svg(svg, c, &m) ? EXIT_CANNOT : EXIT_OK;
}

int
command_check(int argc, char **argv)
{
    static struct charter c;
    static struct charter_findings findings;
    struct tool_option options[] = {
        {"--json", false, NULL}, {"--svg", true, NULL}, {"--matrix", false, NULL}};
    struct tool_words words;
    struct buf text, out;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    if (words.count != 1) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    const char *file = words.list[0], *svg = tool_option(options, ARRAY_COUNT(options), "--svg");
    if (!tool_read_file(file, CHARTER_BYTES_MAX, &text))
        return EXIT_CANNOT;
    enum err parsed = charter_parse(buf_bytes(&text), &c, &findings);
    enum err e = parsed == OK ? charter_check(&c, &findings) : parsed;
    buf_fini(&text);

    bool json = tool_option(options, ARRAY_COUNT(options), "--json") != NULL;
    if (tool_option(options, ARRAY_COUNT(options), "--matrix") && e == OK)
        return print_matrix(&c, json, svg);

    buf_init(&out, OUTPUT_BYTES_MAX);
    if (json) {
        radius_put_json(&out, parsed == OK ? &c : NULL, file, &findings);
    } else {
        put_verdict(&out, file, &c, &findings);
        if (parsed == OK)
            radius_put_text(&out, &c);
    }
    fwrite(out.p, 1, out.len, stdout);
    buf_fini(&out);
    if (svg && parsed == OK && !write_svg(svg, &c, NULL))
        return EXIT_CANNOT;
    return e == OK ? EXIT_OK : EXIT_DOES_NOT_HOLD;
}
