/* command_token.c -- bulkhead token: ask the judge for a short-lived token. */
#include "cli/commands.h"

#include "base/text.h"
#include "cli/tool.h"
#include "grant/token.h"
#include "programs/judge/token_client.h"

#include <sodium.h>
#include <unistd.h>

enum { APPROVED_BYTES_MAX = 1024 * 1024, DEFAULT_SECONDS = 900 };

static const char help[] =
    "usage: bulkhead token --state DIR --as NAME --zone ZONE --purpose P\n"
    "                      [--seconds N] [--approve-file F]\n"
    "Prints a token (at most 15 minutes) that works together with the client certificate in\n"
    "DIR/callers/NAME. The grant stands in the city's log before the token leaves the judge.\n"
    "--approve-file: an approval of exactly the bytes in F, to go with a command; it reads "
    "nothing.\n"
    "example: bulkhead token --state run/demo --as auditor --zone bikes --purpose compliance\n";

static int
ask_judge(const char *state, const struct token_client *client, const struct token_wish *w)
{
    char why[TOKEN_CLIENT_WHY_SIZE] = "";
    struct buf token;
    int fd = tool_connect(state, "judge.sock");
    if (fd < 0)
        return EXIT_CANNOT;
    buf_init(&token, TOKEN_BYTES_MAX + 1);
    enum err e = token_client_ask(client, fd, w, &token, why);
    close(fd);
    if (e == OK)
        printf("%s\n", buf_string(&token));
    else
        fprintf(stderr, "bulkhead: %s%s\n", e == ERR_DENIED ? "refused: " : "", why);
    buf_fini(&token);
    return e == OK ? EXIT_OK : e == ERR_DENIED ? EXIT_DOES_NOT_HOLD : EXIT_CANNOT;
}

static bool
take_approved(const char *path, uint8_t digest[static 32], struct token_wish *w)
{
    struct buf file;
    if (!tool_read_file(path, APPROVED_BYTES_MAX, &file))
        return false;
    crypto_hash_sha256(digest, file.p, file.len);
    buf_fini(&file);
    w->approves = bytes_of(digest, 32);
    return true;
}

int
command_token(int argc, char **argv)
{
    struct tool_option options[] = {
        {"--state", true, NULL},   {"--as", true, NULL},      {"--zone", true, NULL},
        {"--purpose", true, NULL}, {"--seconds", true, NULL}, {"--approve-file", true, NULL},
    };
    struct tool_words words;
    struct token_client *client;
    struct token_wish w = {0};
    uint8_t digest[32];
    char why[TOKEN_CLIENT_WHY_SIZE];
    uint64_t seconds = DEFAULT_SECONDS;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    const char *state = options[0].value, *name = options[1].value;
    const char *zone = options[2].value, *purpose = options[3].value;
    if (!state || !name || !zone || !purpose || words.count || !text_is_name(bytes_text(name)) ||
        !text_is_name(bytes_text(zone)) || !text_is_name(bytes_text(purpose)) ||
        (options[4].value &&
         text_u64(bytes_text(options[4].value), DEFAULT_SECONDS, &seconds) != OK)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (sodium_init() < 0 || (options[5].value && !take_approved(options[5].value, digest, &w)))
        return EXIT_CANNOT;
    if (token_client_new(state, name, &client, why) != OK) {
        fprintf(stderr, "bulkhead: %s\n", why);
        return EXIT_CANNOT;
    }
    w.zone = zone;
    w.purpose = purpose;
    w.seconds = (uint32_t)seconds;
    int status = ask_judge(state, client, &w);
    token_client_free(client);
    return status;
}
