/*
 * batches.h -- inside this folder: POST $batch, many requests in one (sensorthings/bundle.h).
 *
 * Its requests run one after the other, each as a request of its own with its own rights, records
 * and commit; a change set is one plan, one record, one commit. The answer is sent when all have
 * one. What happens to a request happens in a child of the request that holds the batch.
 */
#ifndef PROGRAMS_CORE_BATCHES_H
#define PROGRAMS_CORE_BATCHES_H

#include "programs/core/core.h"
#include "sensorthings/bundle.h"

enum {
    BATCHES_MAX = 8,
    BATCH_STEPS_MAX = 64, /* requests of one batch before others have a turn */
};

/* What was made by an earlier request: "$ID" stands for it. */
struct batch_alias {
    struct bytes id, path;
    uint64_t entity;
};

struct batch {
    bool used;
    uint16_t ask;        /* that holds it */
    bool waiting;        /* for its child */
    uint32_t next, last; /* the parts at hand: from next to before last */
    uint16_t open_set;   /* whose answers are being written in multipart; 0: none */
    uint32_t answers;
    struct sta_bundle bundle;
    struct batch_alias *aliases; /* [bundle.count] */
    uint32_t aliases_count;
    struct arena arena;
    char boundary[40];
    char content_type[80];
};

void batches_open(struct core *c);
void batches_close(struct core *c);
void batches_post(struct core *c, struct peer *peer, struct request *ask);
/* The batch of a child, or of the request that holds it. */
struct batch *batch_of(struct core *c, const struct request *ask);
void batch_free(struct core *c, struct request *ask);
/* A child has its answer, and is no more. */
void batch_child_done(struct core *c, struct request *child);
/* Go on with what can go on; true when there is more to do at once. */
bool batches_step(struct core *c);
/* Write the answer of one request of the batch. */
void batch_answer(struct core *c, struct batch *b, uint32_t part, int status,
                  const char *content_type, struct bytes location, struct bytes body);
/* References of the part to what was made before, on a copy. ERR_LIMIT: the arena is full. */
enum err batch_refer(const struct batch *b, struct sta_bundle_part *part,
                     struct arena *arena) MUST_USE;
/* From now on `id` of this part stands for the entity. */
void batch_made(struct batch *b, const struct sta_bundle_part *part, enum sta_type type,
                uint64_t entity);

/* changes.c: the parts at hand as one plan; each is answered, or the child as a whole refused. */
void changes_set(struct core *c, struct peer *peer, struct request *child, bool recorded);

#endif
