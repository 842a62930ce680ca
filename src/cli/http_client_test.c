#include "cli/http_client.h"
#include "base/test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static enum err
ask(const char *url, struct http_answer *a)
{
    struct buf raw;
    struct bytes body = bytes_text("hello");
    buf_init(&raw, HTTP_CLIENT_ANSWER_MAX);
    enum err e = http_client_ask(url, "/add-checkpoint", &body, &raw, a);
    buf_fini(&raw);
    return e;
}

TEST(addresses_that_are_none)
{
    static const char *const urls[] = {
        "",
        "127.0.0.1:1",
        "http://",
        "http:///path",
        "http://:1",
        "http://127.0.0.1:",
        "http://user@127.0.0.1:1",
        "http://127.0.0.1:1/?a",
        "http://127.0.0.1:1/#a",
        "http://127.0.0.1:1/a b",
        "http://127.0.0.1:1\r\nX: y",
        "http://[::1",
        "http://[::1]1",
        "http://127.0.0.1:123456789",
    };
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct http_answer a;
        CHECK(ask(urls[i], &a) == ERR_MALFORMED);
    }
    struct http_answer a;
    CHECK(ask("https://127.0.0.1:1", &a) == ERR_UNSUPPORTED);
}

/* A server for one connection, which reads the whole request and then says this; its address. */
static pid_t
serve(const char *says, char url[static 64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1) == 0 &&
          getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    snprintf(url, 64, "http://127.0.0.1:%u/prefix/", ntohs(address.sin_port));
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        char request[2048] = "";
        size_t got = 0;
        int client = accept(fd, NULL, NULL);
        while (client >= 0 && !strstr(request, "\r\n\r\nhello")) {
            ssize_t n = read(client, request + got, sizeof(request) - 1 - got);
            if (n <= 0)
                _exit(1);
            got += (size_t)n;
            request[got] = '\0';
        }
        bool good = strncmp(request, "POST /prefix/add-checkpoint HTTP/1.1\r\n", 38) == 0 &&
                    strstr(request, "\r\nHost: 127.0.0.1:") && strstr(request, "Length: 5\r\n");
        _exit(good && write(client, says, strlen(says)) == (ssize_t)strlen(says) ? 0 : 1);
    }
    close(fd);
    return pid;
}

static enum err
ask_one_who_says(const char *says, struct http_answer *a)
{
    char url[64];
    int status = -1;
    pid_t pid = serve(says, url);
    enum err e = ask(url, a);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return e;
}

TEST(one_question_and_its_answer)
{
    struct http_answer a;
    CHECK_OK(ask_one_who_says("HTTP/1.1 409 Conflict\r\nContent-Length: 3\r\n\r\n17\n", &a));
    CHECK(a.status == 409);
    CHECK(ask_one_who_says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", &a) == ERR_CLOSED);
    CHECK(ask_one_who_says("SSH-2.0-hello\r\n\r\n", &a) == ERR_MALFORMED);
    CHECK(ask("http://127.0.0.1:1", &a) == ERR_CLOSED);
}
