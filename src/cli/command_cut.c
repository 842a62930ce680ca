/* command_cut.c -- bulkhead cut and bulkhead rejoin: a zone becomes an island, and none any more.
 */
#include "cli/commands.h"

#include "cli/tool.h"
#include "programs/island.h"
#include "programs/messages.h"

static const char cut_help[] =
    "usage: bulkhead cut ZONE --state DIR --reason TEXT\n"
    "Cuts a zone off, at once: its conduits pass nothing, the judge gives no token for it, it\n"
    "answers no caller. Inside it everything goes on: devices, controller, leases, store. It "
    "stays\n"
    "cut off over restarts until two people join it again (bulkhead rejoin).\n"
    "example: bulkhead cut bikes --state run/demo --reason 'the bike app was breached'\n";

static const char rejoin_help[] =
    "usage: bulkhead rejoin ZONE --state DIR [--approvals FILE]\n"
    "Without --approvals: prints the text that two different people in different roles approve.\n"
    "With it: joins the zone again, when FILE holds two such approvals, one a line.\n"
    "example: bulkhead rejoin bikes --state run/demo >text\n"
    "         bulkhead token --state run/demo --as operator --zone bikes --purpose operate \\\n"
    "             --approve-file text >approvals\n"
    "         (and another person: >>approvals)\n"
    "         bulkhead rejoin bikes --state run/demo --approvals approvals\n";

int
command_cut(int argc, char **argv)
{
    struct tool_option options[] = {{"--state", true, NULL}, {"--reason", true, NULL}};
    struct tool_words words;
    struct buf body;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, cut_help))
        return EXIT_USAGE;
    const char *state = options[0].value, *reason = options[1].value;
    if (!state || !reason || words.count != 1) {
        fputs(cut_help, stderr);
        return EXIT_USAGE;
    }
    if (!island_is_reason(bytes_text(reason)) || strlen(words.list[0]) >= CHARTER_NAME_SIZE) {
        fprintf(stderr, "bulkhead: a reason is one line of at most %d bytes\n",
                ISLAND_REASON_SIZE - 1);
        return EXIT_USAGE;
    }
    struct cut_ask m = {bytes_text(words.list[0]), bytes_text(reason)};
    buf_init(&body, 1024);
    cut_ask_encode(&m, &body);
    enum tool_answer answer = tool_ask_supervisor(state, cut_ask_id, buf_bytes(&body));
    buf_fini(&body);
    if (answer == TOOL_SILENCE)
        fprintf(stderr, "bulkhead: no answer yet: `bulkhead status` says what is cut off; the "
                        "record follows when the ledger is back\n");
    if (answer != TOOL_DONE)
        return answer == TOOL_REFUSED ? EXIT_DOES_NOT_HOLD : EXIT_CANNOT;
    printf("%s is cut off, and that is on the record\n", words.list[0]);
    return EXIT_OK;
}

/* ---- rejoin ---------------------------------------------------------------------------------- */

struct search {
    struct bytes zone;
    bool found, ended;
    int64_t since_us;
};

static enum err
on_status(void *ctx, uint16_t id, struct bytes body)
{
    struct search *search = ctx;
    struct island_row row;
    search->ended = search->ended || id == status_end_id;
    if (id != island_row_id)
        return OK;
    enum err e = island_row_decode(body, &row);
    if (e == OK && bytes_equal(row.zone, search->zone)) {
        search->found = true;
        search->since_us = row.since_us;
    }
    return e;
}

static int
print_text(const char *state, const char *zone)
{
    struct search search = {.zone = bytes_text(zone)};
    struct status_ask m;
    struct channel c;
    struct buf text;
    int fd = tool_connect(state, "control.sock");
    if (fd < 0)
        return EXIT_CANNOT;
    channel_init(&c, fd);
    enum err e = CHANNEL_SEND(&c, status_ask, &m);
    if (e == OK)
        e = channel_flush(&c);
    while (e == OK && !search.ended)
        e = channel_receive(&c, on_status, &search);
    channel_fini(&c);
    if (e != OK || !search.found) {
        fprintf(stderr,
                e != OK ? "bulkhead: the supervisor does not answer\n"
                        : "bulkhead: zone %s is not cut off\n",
                zone);
        return e != OK ? EXIT_CANNOT : EXIT_DOES_NOT_HOLD;
    }
    buf_init(&text, ISLAND_TEXT_MAX);
    island_put_rejoin(&text, search.zone, search.since_us);
    printf("%s", buf_string(&text));
    buf_fini(&text);
    return EXIT_OK;
}

int
command_rejoin(int argc, char **argv)
{
    struct tool_option options[] = {{"--state", true, NULL}, {"--approvals", true, NULL}};
    struct tool_words words;
    struct buf body, approvals;
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, rejoin_help))
        return EXIT_USAGE;
    const char *state = options[0].value;
    if (!state || words.count != 1 || strlen(words.list[0]) >= CHARTER_NAME_SIZE) {
        fputs(rejoin_help, stderr);
        return EXIT_USAGE;
    }
    if (!options[1].value)
        return print_text(state, words.list[0]);
    if (!tool_read_file(options[1].value, 8192, &approvals))
        return EXIT_CANNOT;
    struct rejoin_ask m = {bytes_text(words.list[0]), buf_bytes(&approvals)};
    buf_init(&body, 16384);
    rejoin_ask_encode(&m, &body);
    enum tool_answer answer = tool_ask_supervisor(state, rejoin_ask_id, buf_bytes(&body));
    buf_fini(&body);
    buf_fini(&approvals);
    if (answer == TOOL_SILENCE)
        fprintf(stderr, "bulkhead: the ledger does not answer: the zone stays cut off\n");
    if (answer != TOOL_DONE)
        return answer == TOOL_REFUSED ? EXIT_DOES_NOT_HOLD : EXIT_CANNOT;
    printf("%s is joined again\n", words.list[0]);
    return EXIT_OK;
}
