/*
 * handshakes.c -- handshakes HOST PORT SECONDS: opens TLS connections that cost the gate the most
 * and us the least: one ClientHello, made once, is sent on connection after connection, and each
 * is dropped when the gate has answered. No certificate: a stranger from the street.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

enum { AT_ONCE = 32, HELLO_MAX = 2048, WAIT_MS = 50 };

static unsigned char hello[HELLO_MAX];
static int hello_len;

static int
make_hello(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (!ssl || !in || !out)
        return 0;
    SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
    SSL_set_bio(ssl, in, out);
    SSL_connect(ssl); /* wants the answer, which we do not have */
    hello_len = BIO_read(out, hello, sizeof(hello));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return hello_len > 0;
}

static long
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
turn(struct pollfd *p, const struct sockaddr_in *to, unsigned long *opened, unsigned long *answered)
{
    char byte[512];
    if (p->fd < 0) {
        p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (p->fd < 0)
            return;
        connect(p->fd, (const struct sockaddr *)to, sizeof(*to));
        p->events = POLLOUT;
    } else if (p->revents & (POLLERR | POLLHUP)) {
        close(p->fd);
        p->fd = -1;
    } else if (p->revents & POLLOUT && p->events == POLLOUT) {
        if (write(p->fd, hello, (size_t)hello_len) == hello_len) {
            (*opened)++;
            p->events = POLLIN;
        }
    } else if (p->revents & POLLIN) {
        struct linger hard = {1, 0};
        *answered += read(p->fd, byte, sizeof(byte)) > 0;
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        close(p->fd);
        p->fd = -1;
    }
}

int
main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct pollfd all[AT_ONCE];
    unsigned long opened = 0, answered = 0;
    if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
        fprintf(stderr, "usage: handshakes HOST PORT SECONDS\n");
        return 2;
    }
    to.sin_port = htons((unsigned short)strtoul(argv[2], NULL, 10));
    long end = now_ms() + (long)(strtod(argv[3], NULL) * 1000);
    if (!make_hello())
        return 1;
    for (int i = 0; i < AT_ONCE; i++)
        all[i].fd = -1;
    while (now_ms() < end) {
        for (int i = 0; i < AT_ONCE; i++)
            turn(&all[i], &to, &opened, &answered);
        poll(all, AT_ONCE, WAIT_MS);
    }
    printf("opened %lu answered %lu\n", opened, answered);
    return opened > 0 ? 0 : 1;
}
