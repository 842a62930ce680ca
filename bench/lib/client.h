/*
 * client.h -- what the load generators of the benches share: a connection, a clock, the figures.
 *
 * One thread, one epoll. A connection is mutual TLS 1.3 with the credentials of one device, or
 * plain TCP for the servers that are measured without TLS. Everything that fails ends the program
 * with a sentence: a bench that goes on after an error measures something else.
 */
#ifndef BENCH_LIB_CLIENT_H
#define BENCH_LIB_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void die(const char *what) __attribute__((noreturn));
uint64_t now_ns(void);

/* "%04d-%02d-%02dT%02d:%02d:%02d" of a second; the text of the last second is kept. */
enum { SECOND_TEXT = 19 };
const char *second_text(int64_t second);

struct link {
    SSL *ssl; /* NULL: plain */
    int fd;
};

/* Credentials of DIR (key.pem, cert.pem, ca.pem); kept for the next call with the same folder. */
SSL_CTX *client_context(const char *folder);
/* Connects and shakes hands, blocking; non-blocking from then on. ctx NULL: plain. */
void link_open(struct link *l, int port, SSL_CTX *ctx, const char *protocol);
/* Bytes written or read; 0: would block. An end of file is an error. */
size_t link_write(struct link *l, const void *p, size_t len);
size_t link_read(struct link *l, void *p, size_t size);
/* Bytes were read from the socket already: epoll will not speak of them. */
bool link_has_more(struct link *l);
/* Until the connection is non-blocking these block. */
void link_nonblocking(struct link *l);

/* ---- figures ---- */

/* Latencies in microseconds: exact up to 64 Ki, beyond in steps of 1/64 of the value. */
void latency_add(uint64_t us);
uint64_t latency_at(double share); /* 0.5: the median */
uint64_t latency_count(void);

/* Processor time of these processes ("12,13") so far, in microseconds, all threads. */
uint64_t servers_cpu_us(const char *pids);

#endif
