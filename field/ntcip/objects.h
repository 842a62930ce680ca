/*
 * objects.h -- the NTCIP 1202 objects that the adapter knows, as one table.
 *
 * All are under asc, 1.3.6.1.4.1.1206.4.2.1, but for snmpSetSerialNo (RFC 3418): whoever sets it to
 * what it is moves it on, so that a request that carries it works once. Groups have eight phases:
 * bit 0 of group 1 is phase 1; detectors likewise. Numbers and ranges were compared with three
 * public renderings of the MIB (v01 to v03 keep them). What a request may set is the column `set`,
 * and nothing else: phase timing is read, never written.
 */
#ifndef FIELD_NTCIP_OBJECTS_H
#define FIELD_NTCIP_OBJECTS_H

#include "base/base.h"

enum {
    NTCIP_PHASES = 8, /* one group: dual ring */
    NTCIP_DETECTORS_MAX = 64,
    NTCIP_TAIL_MAX = 5,
    NTCIP_OID_MAX = 10 + NTCIP_TAIL_MAX + 1,
};

/* What stands behind the column: .0, the group, the phase or the detector. */
enum ntcip_index { INDEX_NONE, INDEX_GROUP, INDEX_PHASE, INDEX_DETECTOR };
enum ntcip_unit { UNIT_NONE, UNIT_BITS, UNIT_SECOND, UNIT_TENTH, UNIT_STATE };

/*    object        name                                 tail          index  range    unit  set */
#define NTCIP_OBJECTS(X)                                                                           \
    X(PHASE_OMIT, "phaseControlGroupPhaseOmit", INDEX_GROUP, 0, 255, UNIT_BITS, true, 1, 5, 1, 2)  \
    X(HOLD, "phaseControlGroupHold", INDEX_GROUP, 0, 255, UNIT_BITS, true, 1, 5, 1, 4)             \
    X(FORCE_OFF, "phaseControlGroupForceOff", INDEX_GROUP, 0, 255, UNIT_BITS, true, 1, 5, 1, 5)    \
    X(VEH_CALL, "phaseControlGroupVehCall", INDEX_GROUP, 0, 255, UNIT_BITS, true, 1, 5, 1, 6)      \
    X(BACKUP_TIME, "unitBackupTime", INDEX_NONE, 0, 65535, UNIT_SECOND, true, 3, 3)                \
    X(SET_SERIAL, "snmpSetSerialNo", INDEX_NONE, 0, INT32_MAX, UNIT_NONE, true, 1, 1, 6, 1)        \
    X(REDS, "phaseStatusGroupReds", INDEX_GROUP, 0, 255, UNIT_BITS, false, 1, 4, 1, 2)             \
    X(YELLOWS, "phaseStatusGroupYellows", INDEX_GROUP, 0, 255, UNIT_BITS, false, 1, 4, 1, 3)       \
    X(GREENS, "phaseStatusGroupGreens", INDEX_GROUP, 0, 255, UNIT_BITS, false, 1, 4, 1, 4)         \
    X(PED_CLEARS, "phaseStatusGroupPedClears", INDEX_GROUP, 0, 255, UNIT_BITS, false, 1, 4, 1, 6)  \
    X(WALKS, "phaseStatusGroupWalks", INDEX_GROUP, 0, 255, UNIT_BITS, false, 1, 4, 1, 7)           \
    X(VEH_CALLS, "phaseStatusGroupVehCalls", INDEX_GROUP, 0, 255, UNIT_BITS, false, 1, 4, 1, 8)    \
    X(PED_CALLS, "phaseStatusGroupPedCalls", INDEX_GROUP, 0, 255, UNIT_BITS, false, 1, 4, 1, 9)    \
    X(CONTROL_STATUS, "unitControlStatus", INDEX_NONE, 1, 255, UNIT_STATE, false, 3, 5)            \
    X(FLASH_STATUS, "unitFlashStatus", INDEX_NONE, 1, 255, UNIT_STATE, false, 3, 6)                \
    X(ALARM_1, "unitAlarmStatus1", INDEX_NONE, 0, 255, UNIT_BITS, false, 3, 8)                     \
    X(SHORT_ALARM, "shortAlarmStatus", INDEX_NONE, 0, 255, UNIT_BITS, false, 3, 9)                 \
    X(WALK, "phaseWalk", INDEX_PHASE, 0, 255, UNIT_SECOND, false, 1, 2, 1, 2)                      \
    X(PED_CLEAR, "phasePedestrianClear", INDEX_PHASE, 0, 255, UNIT_SECOND, false, 1, 2, 1, 3)      \
    X(MINIMUM_GREEN, "phaseMinimumGreen", INDEX_PHASE, 0, 255, UNIT_SECOND, false, 1, 2, 1, 4)     \
    X(MAXIMUM_1, "phaseMaximum1", INDEX_PHASE, 0, 255, UNIT_SECOND, false, 1, 2, 1, 6)             \
    X(YELLOW_CHANGE, "phaseYellowChange", INDEX_PHASE, 0, 255, UNIT_TENTH, false, 1, 2, 1, 8)      \
    X(RED_CLEAR, "phaseRedClear", INDEX_PHASE, 0, 255, UNIT_TENTH, false, 1, 2, 1, 9)              \
    X(PHASE_RING, "phaseRing", INDEX_PHASE, 0, 255, UNIT_NONE, false, 1, 2, 1, 22)                 \
    X(DETECTOR_ACTIVE, "vehicleDetectorStatusGroupActive", INDEX_GROUP, 0, 255, UNIT_BITS, false,  \
      2, 4, 1, 2)                                                                                  \
    X(DETECTOR_ALARMS, "vehicleDetectorStatusGroupAlarms", INDEX_GROUP, 0, 255, UNIT_BITS, false,  \
      2, 4, 1, 3)                                                                                  \
    X(VOLUME_SEQUENCE, "volumeOccupancySequence", INDEX_NONE, 0, 255, UNIT_NONE, false, 2, 5, 1)   \
    X(VOLUME_PERIOD, "volumeOccupancyPeriod", INDEX_NONE, 0, 255, UNIT_SECOND, false, 2, 5, 2)     \
    X(VOLUME, "detectorVolume", INDEX_DETECTOR, 0, 255, UNIT_NONE, false, 2, 5, 4, 1, 1)

enum ntcip_object {
#define X(object, ...) NTCIP_##object,
    NTCIP_OBJECTS(X)
#undef X
        NTCIP_OBJECTS_COUNT
};

struct ntcip_row {
    const char *name;
    enum ntcip_index index;
    int32_t min, max;
    enum ntcip_unit unit;
    bool set; /* the adapter may write it */
    uint8_t tail[NTCIP_TAIL_MAX];
};

const struct ntcip_row *ntcip_row(enum ntcip_object object);

/* One instance: group 1.., phase 1.., detector 1..; 0 where there is one only. */
struct ntcip_name {
    enum ntcip_object object;
    uint8_t number;
};

/* What an agent said of one name. */
struct ntcip_value {
    bool there; /* or it has no such object */
    int32_t number;
};

/* The object identifier, at most NTCIP_OID_MAX numbers; how many. The number must fit the object.
 */
size_t ntcip_oid(struct ntcip_name name, uint32_t out[static NTCIP_OID_MAX]);

/* Is this a number that the object can hold? What is not counts as no answer. */
bool ntcip_in_range(enum ntcip_object object, int64_t number);

/*
 * The white list: may the adapter set this name to this number? Phase control of group 1, the
 * serial number, and unitBackupTime to NTCIP_BACKUP_MIN_S..MAX_S: short, and never 0, which would
 * switch it off.
 */
enum { NTCIP_BACKUP_MIN_S = 2, NTCIP_BACKUP_MAX_S = 15 };
bool ntcip_may_set(struct ntcip_name name, int64_t number);

#define PHASE_BIT(phase) ((uint8_t)(1U << ((phase)-1)))

#endif
