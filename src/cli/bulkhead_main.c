/* bulkhead -- the command. Every command has --help with an example. */
#include "base/base.h"
#include "cli/commands.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"backup", command_backup, "an encrypted copy of a running city; its keys; what is over"},
    {"charter", command_charter, "make keys, sign, verify, explain a charter"},
    {"check", command_check, "what a charter permits, and what a breach would reach"},
    {"cut", command_cut, "make a zone an island: nothing crosses its border"},
    {"device", command_device, "enrol a device for a field program"},
    {"drill", command_drill, "attack every compartment; nothing may escape"},
    {"export", command_export, "a zone as pages of SensorThings"},
    {"import", command_import, "pages of SensorThings, of any server, into a zone"},
    {"log", command_log, "show, verify, prove or export the ledger"},
    {"rejoin", command_rejoin, "join a zone again; needs two people"},
    {"report", command_report, "what a zone's lights did, in pictures and figures"},
    {"restore", command_restore, "bring a city back from a backup"},
    {"status", command_status, "every process, its walls and counters"},
    {"token", command_token, "a short-lived token for a caller of the charter"},
    {"up", command_up, "run a city in the foreground"},
    {"verify", command_verify, "every stored byte opens, and agrees with the ledger"},
    {"where", command_where, "where the data lies, under which key, until when"},
    {"witness", command_witness, "cosign the checkpoints of other people's logs"},
};

static void
usage(FILE *to)
{
    fprintf(to, "usage: bulkhead COMMAND [--help] ...\n");
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].what);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "bulkhead: no command '%s'\n", argv[1]);
    usage(stderr);
    return 2;
}
