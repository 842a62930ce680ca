/*
 * halves.h -- the messages between the half that talks to the city and the half that talks to the
 * controller: one frame a packet on a SOCK_SEQPACKET pair, id (2 bytes) and body (halves.def).
 *
 * Neither half trusts the other: a packet that is not a message ends both.
 */
#ifndef FIELD_NTCIP_HALVES_H
#define FIELD_NTCIP_HALVES_H

#include "base/base.h"
#include "base/buf.h"

#define TABLE "field/ntcip/halves.def"
#include "wire/table_declare.h"

enum { HALVES_PACKET_MAX = 256 };

/* Write one message; ERR_AGAIN when the other half does not read, ERR_CLOSED, ERR_IO. */
enum err halves_send(int fd, uint16_t id, const struct buf *body) MUST_USE;

/* Read one packet into `to`: ERR_AGAIN, ERR_CLOSED, ERR_IO, ERR_MALFORMED. The body borrows. */
enum err halves_receive(int fd, uint8_t to[static HALVES_PACKET_MAX], uint16_t *out_id,
                        struct bytes *out_body) MUST_USE;

#endif
