#include "field/ntcip/halves.h"

#include <errno.h>
#include <unistd.h>

#define TABLE "field/ntcip/halves.def"
#define TABLE_ROWS halves_rows
#include "wire/table_define.h"

static enum err
error_of(int number)
{
    return number == EAGAIN                          ? ERR_AGAIN
           : number == EPIPE || number == ECONNRESET ? ERR_CLOSED
                                                     : ERR_IO;
}

enum err
halves_send(int fd, uint16_t id, const struct buf *body)
{
    uint8_t packet[HALVES_PACKET_MAX];
    ASSERT(buf_error(body) == OK && body->len + 2 <= sizeof(packet));
    packet[0] = (uint8_t)(id >> 8);
    packet[1] = (uint8_t)id;
    memcpy(packet + 2, body->p, body->len);
    ssize_t n;
    do
        n = write(fd, packet, body->len + 2);
    while (n < 0 && errno == EINTR);
    return n < 0 ? error_of(errno) : OK;
}

enum err
halves_receive(int fd, uint8_t to[static HALVES_PACKET_MAX], uint16_t *out_id,
               struct bytes *out_body)
{
    ssize_t n;
    do
        n = read(fd, to, HALVES_PACKET_MAX);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n == 0 ? ERR_CLOSED : error_of(errno);
    if (n < 2)
        return ERR_MALFORMED;
    *out_id = (uint16_t)(to[0] << 8 | to[1]);
    *out_body = bytes_of(to + 2, (size_t)n - 2);
    return OK;
}
