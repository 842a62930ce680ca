/* command_where.c -- bulkhead where: every store and copy, its class, site, key and expiry. */
#include "cli/commands.h"

#include "cli/tool.h"

#include <dirent.h>
#include <sys/stat.h>

static const char help[] =
    "usage: bulkhead where --state DIR\n"
    "Lists every store and file of the city: zone, data class, site, who holds the key, expiry.\n"
    "example: bulkhead where --state run/demo\n";

static void
put_sites(const struct charter *c, uint32_t sites)
{
    for (uint32_t i = 0; i < c->sites_count; i++)
        if (sites >> i & 1)
            printf(" %s", c->sites[i]);
}

static void
put_keep(const struct charter_class *class)
{
    uint64_t s = class->keep_s;
    if (s == 0)
        printf("kept until erased");
    else if (s % 86400 == 0)
        printf("destroyed after %llud", (unsigned long long)(s / 86400));
    else if (s % 3600 == 0)
        printf("destroyed after %lluh", (unsigned long long)(s / 3600));
    else
        printf("destroyed after %llus", (unsigned long long)s);
}

/* Every regular file of a folder with its size. */
static void
put_files(const char *folder, const char *what)
{
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));) {
        char path[TOOL_PATH_SIZE + 300];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
            printf("    %-60s %10lld bytes  %s\n", path, (long long)st.st_size, what);
    }
    closedir(d);
}

int
command_where(int argc, char **argv)
{
    struct tool_option options[] = {{"--state", true, NULL}};
    struct tool_words words;
    char folder[TOOL_PATH_SIZE];
    if (!tool_parse(argc, argv, options, ARRAY_COUNT(options), &words, help))
        return EXIT_USAGE;
    const char *state = options[0].value;
    if (!state || words.count) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    struct charter *c = tool_charter(state);
    if (!c)
        return EXIT_CANNOT;
    for (uint32_t z = 0; z < c->zones_count; z++) {
        const struct charter_zone *zone = &c->zones[z];
        printf("zone %s (charter line %u), site", zone->name, zone->place.line);
        put_sites(c, zone->sites);
        printf("; key: %s/keys/store-%s.key, held by the city\n", state, zone->name);
        for (uint32_t i = 0; i < c->classes_count; i++) {
            if (!(zone->holds >> i & 1))
                continue;
            printf("  class %s%s, allowed at", c->classes[i].name,
                   c->classes[i].personal ? " (personal)" : "");
            put_sites(c, c->classes[i].sites);
            printf(", ");
            put_keep(&c->classes[i]);
            printf("; a key of its own per datastream\n");
        }
        snprintf(folder, sizeof(folder), "%s/zones/%s/store", state, zone->name);
        put_files(folder, "encrypted");
        snprintf(folder, sizeof(folder), "%s/zones/%s", state, zone->name);
        put_files(folder, "this zone's processes only");
        snprintf(folder, sizeof(folder), "%s/ledger/%s", state, zone->name);
        put_files(folder, "public record, no personal data, kept for ever");
    }
    printf("city, ledger\n");
    snprintf(folder, sizeof(folder), "%s/ledger/city", state);
    put_files(folder, "public record, no personal data, kept for ever");
    free(c);
    return EXIT_OK;
}
