/* Any bytes as a cabinet's file and as its keys: what is accepted keeps every promise of the
 * header. */
#include "base/fuzz.h"
#include "field/ntcip/cabinet.h"

static void
check_cabinet(const struct cabinet *c)
{
    uint32_t a = 0, b = 0;
    ASSERT(c->name[0] && c->user[0] && c->keys[0] && c->port != 0);
    ASSERT(c->auth != AUTH_NONE && c->privacy != PRIVACY_NONE);
    ASSERT(c->replays == REPLAYS_SERIAL || c->replays == REPLAYS_WINDOW);
    ASSERT(c->backup_s >= NTCIP_BACKUP_MIN_S && c->backup_s <= NTCIP_BACKUP_MAX_S);
    ASSERT(c->yellow_ds >= CABINET_YELLOW_MIN_DS && c->yellow_ds <= 60 && c->all_red_ds <= 60);
    ASSERT(c->minimum_green_s >= 1 && c->maximum_green_s >= 10 && c->maximum_red_s >= 30);
    ASSERT(c->stages_count >= 1 && c->stages_count <= CABINET_STAGES_MAX);
    for (uint32_t i = 0; i < c->stages_count; i++) {
        ASSERT(c->stage[i] != 0 && (c->stage[i] & ~rings_phases(&c->rings)) == 0);
        ASSERT(!rings_conflict(&c->rings, c->stage[i], &a, &b));
    }
    for (uint32_t i = 0; i < c->lanes_count; i++)
        ASSERT((c->lane[i] & ~c->detectors) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cabinet c;
    struct keys k;
    char why[CABINET_WHY_SIZE] = "";
    uint8_t *copy = fuzz_exact(bytes_of(data, size));
    struct bytes exact = bytes_of(copy, size);
    if (cabinet_parse(exact, &c, why) == OK)
        check_cabinet(&c);
    else
        ASSERT(why[0] && strlen(why) < CABINET_WHY_SIZE);
    if (keys_parse(exact, &k) == OK)
        ASSERT(strlen(k.auth) >= KEYS_PHRASE_MIN && strlen(k.privacy) >= KEYS_PHRASE_MIN);
    free(copy);
    return 0;
}
