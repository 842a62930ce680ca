/* command_exchange.c -- bulkhead import and bulkhead export. */
#include "cli/commands.h"

#include "cli/exchange.h"
#include "cli/tool.h"
#include "cli/zone_client.h"

#include <sodium.h>

static const char export_help[] =
    "usage: bulkhead export --state DIR --as NAME --zone ZONE --purpose P --to FOLDER\n"
    "       bulkhead export --url https://HOST:PORT --credentials DEVICE --to FOLDER\n"
    "Writes what a caller of the charter, or a device, may read of a zone into a new FOLDER, as\n"
    "the pages of SensorThings that GET answers: entities with their links, Observations as rows.\n"
    "example: bulkhead export --state run/demo --as auditor --zone water --purpose compliance "
    "--to water\n";

static const char import_help[] =
    "usage: bulkhead import --from FOLDER --state DIR --as NAME --zone ZONE --purpose P\n"
    "                       [--class CLASS] [--map FILE]\n"
    "       bulkhead import --from FOLDER --url https://HOST:PORT --credentials DEVICE ...\n"
    "Makes what stands in FOLDER's pages, of an export or of another server: Things.json,\n"
    "Datastreams.json, Observations-12.json and so on, with their links expanded. FILE\n"
    "(FOLDER/import.map) says which ids became which: run it again, and it goes on.\n"
    "CLASS is the data class of Datastreams whose properties name none.\n"
    "Exit status: 0 all is there, 1 something was refused (and named), 3 it could not go on.\n"
    "example: bulkhead import --from water --state run/demo --as clerk --zone water --purpose "
    "operate --class water-level\n";

enum { STATE, AS, ZONE, PURPOSE, URL, CREDENTIALS, FOLDER, CLASS, MAP, OPTIONS };

/* NULL after a sentence or the help. */
static struct city_client *
open_client(const struct tool_option *o, const char *help, int *status)
{
    bool caller = o[STATE].value && o[AS].value && o[ZONE].value && o[PURPOSE].value;
    bool device = o[URL].value && o[CREDENTIALS].value && !o[STATE].value;
    struct city_client_config config = {.url = o[URL].value, .credentials = o[CREDENTIALS].value};
    *status = EXIT_USAGE;
    if (!o[FOLDER].value || caller == device) {
        fputs(help, stderr);
        return NULL;
    }
    *status = EXIT_CANNOT;
    if (sodium_init() < 0)
        return NULL;
    return caller ? zone_client_open(o[STATE].value, o[AS].value, o[ZONE].value, o[PURPOSE].value,
                                     o[URL].value)
                  : city_client_new(&config);
}

static bool
parse(int argc, char **argv, struct tool_option *o, const char *help)
{
    struct tool_words words;
    if (!tool_parse(argc, argv, o, OPTIONS, &words, help))
        return false;
    if (words.count)
        fputs(help, stderr);
    return words.count == 0;
}

int
command_export(int argc, char **argv)
{
    struct tool_option o[OPTIONS] = {
        [STATE] = {"--state", true, NULL}, [AS] = {"--as", true, NULL},
        [ZONE] = {"--zone", true, NULL},   [PURPOSE] = {"--purpose", true, NULL},
        [URL] = {"--url", true, NULL},     [CREDENTIALS] = {"--credentials", true, NULL},
        [FOLDER] = {"--to", true, NULL},   [CLASS] = {"--", false, NULL},
        [MAP] = {"--", false, NULL},
    };
    struct exchange_counts n;
    int status;
    if (!parse(argc, argv, o, export_help))
        return EXIT_USAGE;
    struct city_client *from = open_client(o, export_help, &status);
    if (!from)
        return status;
    bool good = exchange_export(from, o[FOLDER].value, &n);
    city_client_free(from);
    if (good)
        printf("exported: %llu entities, %llu rows\n", (unsigned long long)n.entities,
               (unsigned long long)n.rows);
    return good ? EXIT_OK : EXIT_CANNOT;
}

int
command_import(int argc, char **argv)
{
    struct tool_option o[OPTIONS] = {
        [STATE] = {"--state", true, NULL}, [AS] = {"--as", true, NULL},
        [ZONE] = {"--zone", true, NULL},   [PURPOSE] = {"--purpose", true, NULL},
        [URL] = {"--url", true, NULL},     [CREDENTIALS] = {"--credentials", true, NULL},
        [FOLDER] = {"--from", true, NULL}, [CLASS] = {"--class", true, NULL},
        [MAP] = {"--map", true, NULL},
    };
    struct exchange_counts n;
    char map[TOOL_PATH_SIZE];
    int status;
    if (!parse(argc, argv, o, import_help))
        return EXIT_USAGE;
    struct city_client *to = open_client(o, import_help, &status);
    if (!to)
        return status;
    snprintf(map, sizeof(map), "%s/import.map", o[FOLDER].value);
    struct exchange_import how = {.directory = o[FOLDER].value,
                                  .map = o[MAP].value ? o[MAP].value : map,
                                  .class_name = o[CLASS].value};
    bool good = exchange_import(to, &how, &n);
    city_client_free(to);
    printf("%s: %llu entities and %llu rows are new, %llu refused\n",
           good ? "imported" : "not finished; the same command goes on",
           (unsigned long long)n.entities, (unsigned long long)n.rows,
           (unsigned long long)n.refused);
    return !good ? EXIT_CANNOT : n.refused ? EXIT_DOES_NOT_HOLD : EXIT_OK;
}
