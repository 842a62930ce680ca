#include "base/test.h"
#include "field/ntcip/objects.h"

static void
check_oid(enum ntcip_object object, uint8_t number, const char *want)
{
    uint32_t oid[NTCIP_OID_MAX];
    char text[128] = "1.3.6.1.4.1.1206.4.2.1";
    static const uint32_t asc[] = {1, 3, 6, 1, 4, 1, 1206, 4, 2, 1};
    size_t n = ntcip_oid((struct ntcip_name){object, number}, oid), at = strlen(text);
    CHECK(n <= NTCIP_OID_MAX && memcmp(oid, asc, sizeof(asc)) == 0);
    for (size_t i = ARRAY_COUNT(asc); i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, ".%u", (unsigned)oid[i]);
    CHECK(strcmp(text + strlen("1.3.6.1.4.1.1206.4.2.1"), want) == 0);
}

TEST(objects_have_the_numbers_of_the_standard)
{
    check_oid(NTCIP_PHASE_OMIT, 1, ".1.5.1.2.1");
    check_oid(NTCIP_HOLD, 1, ".1.5.1.4.1");
    check_oid(NTCIP_FORCE_OFF, 1, ".1.5.1.5.1");
    check_oid(NTCIP_VEH_CALL, 1, ".1.5.1.6.1");
    check_oid(NTCIP_BACKUP_TIME, 0, ".3.3.0");
    check_oid(NTCIP_REDS, 1, ".1.4.1.2.1");
    check_oid(NTCIP_GREENS, 1, ".1.4.1.4.1");
    check_oid(NTCIP_MINIMUM_GREEN, 8, ".1.2.1.4.8");
    check_oid(NTCIP_YELLOW_CHANGE, 2, ".1.2.1.8.2");
    check_oid(NTCIP_PHASE_RING, 3, ".1.2.1.22.3");
    check_oid(NTCIP_DETECTOR_ACTIVE, 8, ".2.4.1.2.8");
    check_oid(NTCIP_VOLUME, 64, ".2.5.4.1.1.64");
    check_oid(NTCIP_SHORT_ALARM, 0, ".3.9.0");
}

/* Whatever is named and whatever the number: what may be written is exactly this. */
TEST(the_white_list_is_four_control_objects_the_serial_and_a_short_backup_time)
{
    static const bool expected[NTCIP_OBJECTS_COUNT] = {
        [NTCIP_PHASE_OMIT] = true, [NTCIP_HOLD] = true,        [NTCIP_FORCE_OFF] = true,
        [NTCIP_VEH_CALL] = true,   [NTCIP_BACKUP_TIME] = true, [NTCIP_SET_SERIAL] = true};
    for (int object = -1; object <= NTCIP_OBJECTS_COUNT; object++)
        for (uint32_t number = 0; number <= UINT8_MAX; number++)
            for (int64_t value = -2; value <= 70000; value += value < 300 ? 1 : 9973) {
                struct ntcip_name name = {(enum ntcip_object)object, (uint8_t)number};
                bool control = object >= 0 && object < NTCIP_OBJECTS_COUNT && expected[object];
                bool backup = object == NTCIP_BACKUP_TIME;
                if (object == NTCIP_SET_SERIAL) {
                    CHECK(ntcip_may_set(name, value) == (number == 0 && value >= 0));
                    continue;
                }
                bool good = control && (backup ? number == 0 && value >= 2 && value <= 15
                                               : number == 1 && value >= 0 && value <= 255);
                CHECK(ntcip_may_set(name, value) == good);
            }
}

TEST(the_serial_is_under_another_root)
{
    static const uint32_t want[] = {1, 3, 6, 1, 6, 3, 1, 1, 6, 1, 0};
    uint32_t oid[NTCIP_OID_MAX];
    CHECK(ntcip_oid((struct ntcip_name){NTCIP_SET_SERIAL, 0}, oid) == ARRAY_COUNT(want));
    CHECK(memcmp(oid, want, sizeof(want)) == 0);
}

TEST(values_out_of_range_are_no_answers)
{
    CHECK(ntcip_in_range(NTCIP_GREENS, 255) && !ntcip_in_range(NTCIP_GREENS, 256));
    CHECK(!ntcip_in_range(NTCIP_GREENS, -1) && !ntcip_in_range(NTCIP_FLASH_STATUS, 0));
    CHECK(ntcip_in_range(NTCIP_BACKUP_TIME, 65535) && !ntcip_in_range(NTCIP_BACKUP_TIME, 65536));
}
