/*
 * traci.h -- SUMO's remote control protocol (TraCI), as bytes: pure.
 *
 * A message is a big-endian u32 length (itself included) and commands. A command is a u8 length
 * (itself included), or 0 and a u32 length, a u8 id and content. SUMO answers each command with a
 * status command of the same id, and gets and subscriptions with a result after it.
 * Source: SUMO documentation "TraCI/Protocol", SUMO 1.15.
 */
#ifndef FIELD_SUMO_TRACI_H
#define FIELD_SUMO_TRACI_H

#include "base/base.h"
#include "base/buf.h"

enum {
    TRACI_MESSAGE_MAX = 32 * 1024 * 1024,
    TRACI_TEXT_MAX = 64 * 1024,
    TRACI_LIST_MAX = 100000,
};

enum traci_command {
    TRACI_VERSION = 0x00,
    TRACI_STEP = 0x02,
    TRACI_CLOSE = 0x7f,
    TRACI_GET_LIGHT = 0xa2,
    TRACI_GET_LANE = 0xa3,
    TRACI_GET_VEHICLE = 0xa4,
    TRACI_GET_SIMULATION = 0xab,
    TRACI_GET_PERSON = 0xae,
    TRACI_SET_LIGHT = 0xc2,
    TRACI_SUBSCRIBE_LIGHT = 0xd2,
    TRACI_SUBSCRIBE_VEHICLE = 0xd4,
    TRACI_SUBSCRIBE_SIMULATION = 0xdb,
    TRACI_SUBSCRIBE_PERSON = 0xde,
    /* Answers: to a get, id + 0x10; to a subscription, id + 0x10 too. */
    TRACI_ANSWER = 0x10,
};

enum traci_variable {
    VAR_ID_LIST = 0x00,
    VAR_LIGHT_STATE = 0x20,
    VAR_DEPARTED_PERSONS = 0x25,
    VAR_LIGHT_LINKS = 0x27,
    VAR_LIGHT_PROGRAM = 0x29,
    VAR_LIGHT_PROGRAMS = 0x2b,
    VAR_DEPART_DELAY = 0x3b,
    VAR_SPEED = 0x40,
    VAR_LENGTH = 0x44,
    VAR_SHAPE = 0x4e,
    VAR_ROAD = 0x50,
    VAR_LANE = 0x51,
    VAR_LANE_POSITION = 0x56,
    VAR_TIME = 0x66,
    VAR_NEXT_LIGHTS = 0x70,
    VAR_DEPARTED = 0x74,
    VAR_ARRIVED = 0x7a,
    VAR_WAITING = 0x7a, /* of a vehicle: seconds that it has stood now */
    VAR_TIME_LOSS = 0x8c,
    VAR_PENDING = 0x94,
    VAR_NEXT_EDGE = 0xc1,
};

enum traci_type {
    TYPE_POLYGON = 0x06,
    TYPE_BYTE = 0x08,
    TYPE_INTEGER = 0x09,
    TYPE_DOUBLE = 0x0b,
    TYPE_STRING = 0x0c,
    TYPE_STRING_LIST = 0x0e,
    TYPE_COMPOUND = 0x0f,
};

/* ---- writing: commands, one after the other, then the length in front of all ---------------- */

/* Room for the length; call once before the first command. */
void traci_begin(struct buf *b);
/* Fill in the length. The buffer holds one message then. ERR_LIMIT when it did not fit. */
enum err traci_end(struct buf *b) MUST_USE;

void traci_put_step(struct buf *b);
/* Steps until the simulation's time is this. */
void traci_put_steps_to(struct buf *b, double time_s);
void traci_put_close(struct buf *b);
void traci_put_get(struct buf *b, uint8_t command, uint8_t variable, struct bytes object);
void traci_put_light(struct buf *b, struct bytes light, struct bytes state);
/* Subscribe for good; subscribing to no variable ends it. */
void traci_put_subscribe(struct buf *b, uint8_t command, struct bytes object,
                         const uint8_t *variables, uint8_t count);

/* ---- reading: after one failure every read gives zeroes, and `bad` stays set ----------------- */

struct traci_reader {
    struct bytes rest;
    bool bad;
};

uint8_t traci_u8(struct traci_reader *r);
uint8_t traci_typed_byte(struct traci_reader *r);
uint32_t traci_u32(struct traci_reader *r);
double traci_double(struct traci_reader *r); /* finite, or bad */
struct bytes traci_text(struct traci_reader *r);

/* A value with its type in front; another type is bad. */
int32_t traci_typed_integer(struct traci_reader *r);
double traci_typed_double(struct traci_reader *r);
struct bytes traci_typed_text(struct traci_reader *r);
/* The count of what follows: texts (traci_text), or typed values. At most TRACI_LIST_MAX. */
uint32_t traci_typed_list(struct traci_reader *r);
uint32_t traci_typed_compound(struct traci_reader *r);

/* One command of a message without its length: its id and content. ERR_NOT_FOUND at the end. */
enum err traci_next(struct bytes *message, uint8_t *out_id, struct bytes *out_content) MUST_USE;

/* A status: OK, or ERR_DENIED with SUMO's sentence in *out_why. ERR_MALFORMED. */
enum err traci_status(struct bytes content, struct bytes *out_why) MUST_USE;

#endif
