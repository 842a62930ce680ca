/* audit_test.c -- the kernel's own record is read; nothing that a process can write is. */
#include "programs/supervisor/audit.h"
#include "base/test.h"

#define HEAD "audit(1795874121.543:14859): "
#define IDS "auid=4294967295 uid=1879000008 gid=1879000008 ses=4294967295"
#define NAMES " pid=22495 comm=\"bulkhead-condui\" exe=\"/opt/bulkhead/bulkhead-conduit\""
#define TAIL " sig=31 arch=c000003e syscall=41 compat=0 ip=0x7f277a167829 code=0x80000000\n"

static enum err
parse(const char *text, struct audit_kill *out)
{
    struct bytes exact = test_exact(bytes_text(text));
    enum err e = audit_parse(exact, out);
    test_exact_free(exact);
    return e;
}

TEST(the_kernels_record_names_the_process_and_the_call)
{
    struct audit_kill k = {0};
    char text[AUDIT_CALL_SIZE];
    CHECK_OK(parse(HEAD IDS NAMES TAIL, &k));
    CHECK(k.uid == 1879000008 && k.pid == 22495 && k.arch == 0xc000003e && k.call == 41);
    audit_call_text(&k, text);
    CHECK(strcmp(text, "socket:41") == 0);
    CHECK_OK(parse(HEAD IDS " subj=some_t (enforce)" NAMES TAIL, &k));
    CHECK_OK(parse(HEAD IDS " pid=7 comm=2F20 exe=(null)" TAIL, &k));
    CHECK(k.pid == 7);
    k.arch = 0x40000003; /* the other table of numbers */
    k.call = 11;
    audit_call_text(&k, text);
    CHECK(strcmp(text, "execve:11") == 0);
    k.call = 100000;
    audit_call_text(&k, text);
    CHECK(strcmp(text, "unnamed:100000") == 0);
}

TEST(nothing_else_is_one)
{
    static const char *const others[] = {
        "",
        HEAD,
        HEAD IDS,
        HEAD IDS NAMES,
        "x" HEAD IDS NAMES TAIL,
        "audit(1.5:9) " IDS NAMES TAIL,
        "audit: " HEAD IDS NAMES TAIL,
        HEAD IDS " comm=\"pid=1\"" NAMES TAIL,
        HEAD IDS " pid=-1 comm=\"x\" exe=\"y\"" TAIL,
        HEAD IDS " pid=99999999999 comm=\"x\" exe=\"y\"" TAIL,
        HEAD "uid=0 " IDS NAMES TAIL,
        HEAD IDS NAMES " sig=11 arch=c000003e syscall=41 compat=0",
        HEAD IDS NAMES " sig=31 arch=c000003e5 syscall=41 compat=0",
        HEAD IDS NAMES " sig=31 arch=c000003e syscall= compat=0",
        HEAD IDS NAMES " sig=31 arch=c000003e",
        HEAD IDS NAMES "  sig=31 arch=c000003e syscall=41",
    };
    struct audit_kill k = {.pid = 3};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (parse(others[i], &k) == OK)
            printf("taken: %s\n", others[i]);
        CHECK(parse(others[i], &k) == ERR_NOT_FOUND && k.pid == 3);
    }
}

TEST(every_beginning_of_a_record_is_refused_or_whole)
{
    static const char whole[] = HEAD IDS NAMES " sig=31 arch=c000003e syscall=41";
    char part[sizeof(whole)];
    for (size_t n = 0; n < sizeof(whole) - 2; n++) {
        struct audit_kill k;
        memcpy(part, whole, n);
        part[n] = '\0';
        CHECK(parse(part, &k) == ERR_NOT_FOUND);
    }
}
