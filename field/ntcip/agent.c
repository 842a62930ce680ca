/* First: its headers use names that base.h forbids. */
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>

#include "field/ntcip/agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

/* What became of one request. net-snmp's own waiting has no end while packets keep coming, whoever
 * they are from: the loop here has. */
struct reply {
    bool over;
    int op;
    netsnmp_pdu *answer; /* ours; NULL: none */
};

enum { REPLIES = 32 };

struct agent {
    void *session; /* net-snmp's */
    int fd;
    /* One a request: what comes for an earlier one that net-snmp still has out is not for this. */
    struct reply replies[REPLIES];
    uint32_t next_reply;
};

/* ---- the socket, and what net-snmp sees of it -------------------------------------------------
 */

static int
on_send(netsnmp_transport *t, const void *bytes, int size, void **opaque, int *opaque_len)
{
    (void)opaque;
    (void)opaque_len;
    ssize_t n;
    do
        n = write(t->sock, bytes, (size_t)size);
    while (n < 0 && errno == EINTR);
    return (int)n;
}

/* An error that is queued (nobody listens there) is no packet and no end of the session. */
static int
on_receive(netsnmp_transport *t, void *to, int size, void **opaque, int *opaque_len)
{
    *opaque = NULL;
    *opaque_len = 0;
    ssize_t n;
    do
        n = read(t->sock, to, (size_t)size);
    while (n < 0 && (errno == EINTR || errno == ECONNREFUSED));
    return (int)n;
}

static int
on_close(netsnmp_transport *t)
{
    int fd = t->sock;
    t->sock = -1;
    return fd >= 0 ? close(fd) : 0;
}

static char *
on_format(netsnmp_transport *t, const void *address, int len)
{
    (void)t;
    (void)address;
    (void)len;
    return strdup("agent");
}

static int
connect_to(const struct cabinet *c)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(c->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(c->port)};
    bool four = inet_pton(AF_INET, c->host, &v4.sin_addr) == 1;
    if (!four && inet_pton(AF_INET6, c->host, &v6.sin6_addr) != 1)
        return -1;
    int fd = socket(four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const void *to = four ? (const void *)&v4 : (const void *)&v6;
    if (fd >= 0 && connect(fd, to, four ? sizeof(v4) : sizeof(v6)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static netsnmp_transport *
transport_of(int fd)
{
    netsnmp_transport *t = calloc(1, sizeof(*t)); /* net-snmp frees it */
    ASSERT(t);
    t->domain = netsnmpUDPDomain;
    t->domain_length = (int)netsnmpUDPDomain_len;
    t->sock = fd;
    t->msgMaxSize = AGENT_PACKET_MAX;
    t->f_send = on_send;
    t->f_recv = on_receive;
    t->f_close = on_close;
    t->f_fmtaddr = on_format;
    return t;
}

/* ---- opening ---------------------------------------------------------------------------------
 */

/* Before anything of it runs: no files, no MIBs, no other version, not a word on standard error. */
static void
begin_library(void)
{
    static const int off[] = {
        NETSNMP_DS_LIB_DONT_READ_CONFIGS,
        NETSNMP_DS_LIB_DONT_PERSIST_STATE,
        NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD,
        NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE,
        NETSNMP_DS_LIB_DISABLE_V1,
        NETSNMP_DS_LIB_DISABLE_V2c,
    };
    static bool begun;
    if (begun)
        return;
    begun = true;
    setenv("MIBS", "", 1);
    setenv("MIBDIRS", "", 1);
    setenv("SNMPCONFPATH", "/nonexistent", 1);
    netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
    for (size_t i = 0; i < ARRAY_COUNT(off); i++)
        netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, off[i], 1);
    /* It makes a folder of certificates there, whatever it was told. */
    netsnmp_ds_set_string(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_PERSISTENT_DIR, "/dev/null");
    init_snmp("bulkhead-ntcip");
}

struct protocols {
    oid *auth, *privacy;
    size_t auth_len, privacy_len;
};

static struct protocols
protocols_of(const struct cabinet *c)
{
    struct protocols p = {.auth_len = OID_LENGTH(usmHMAC192SHA256AuthProtocol)};
    p.auth = c->auth == AUTH_SHA_512   ? usmHMAC384SHA512AuthProtocol
             : c->auth == AUTH_SHA_384 ? usmHMAC256SHA384AuthProtocol
                                       : usmHMAC192SHA256AuthProtocol;
    if (c->privacy == PRIVACY_AES_256) {
        p.privacy = usmAES256PrivProtocol;
        p.privacy_len = OID_LENGTH(usmAES256PrivProtocol);
    } else {
        p.privacy = usmAESPrivProtocol;
        p.privacy_len = OID_LENGTH(usmAESPrivProtocol);
    }
    return p;
}

/* Fill the session's keys from the phrases; false when the library knows the protocols not. */
static bool
make_keys(netsnmp_session *in, const struct protocols *p, const struct keys *keys)
{
    in->securityAuthKeyLen = sizeof(in->securityAuthKey);
    in->securityPrivKeyLen = sizeof(in->securityPrivKey);
    return generate_Ku(p->auth, (u_int)p->auth_len, (const u_char *)keys->auth, strlen(keys->auth),
                       in->securityAuthKey, &in->securityAuthKeyLen) == SNMPERR_SUCCESS &&
           generate_Ku(p->auth, (u_int)p->auth_len, (const u_char *)keys->privacy,
                       strlen(keys->privacy), in->securityPrivKey,
                       &in->securityPrivKeyLen) == SNMPERR_SUCCESS;
}

static bool
open_session(struct agent *s, const struct cabinet *c, const struct keys *keys)
{
    struct protocols p = protocols_of(c);
    static char user[CABINET_USER_SIZE];
    netsnmp_session in;
    snprintf(user, sizeof(user), "%s", c->user);
    snmp_sess_init(&in);
    in.version = SNMP_VERSION_3;
    in.securityName = user;
    in.securityNameLen = strlen(user);
    in.securityModel = SNMP_SEC_MODEL_USM;
    in.securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
    in.securityAuthProto = p.auth;
    in.securityAuthProtoLen = p.auth_len;
    in.securityPrivProto = p.privacy;
    in.securityPrivProtoLen = p.privacy_len;
    in.timeout = AGENT_WAIT_MS * 1000L;
    in.retries = 0; /* exchange() tries again */
    in.flags |= SNMP_FLAGS_DONT_PROBE;
    bool good = make_keys(&in, &p, keys);
    s->session = good ? snmp_sess_add(&in, transport_of(s->fd), NULL, NULL) : NULL;
    sodium_memzero(in.securityAuthKey, sizeof(in.securityAuthKey));
    sodium_memzero(in.securityPrivKey, sizeof(in.securityPrivKey));
    if (s->session)
        snmp_sess_session(s->session)->flags &= ~(u_long)SNMP_FLAGS_DONT_PROBE;
    return s->session != NULL;
}

enum err
agent_open(const struct cabinet *c, const struct keys *keys, struct agent **out,
           const char **out_why)
{
    ASSERT(c->auth != AUTH_NONE && c->privacy != PRIVACY_NONE);
    begin_library();
    struct agent *s = calloc(1, sizeof(*s));
    ASSERT(s);
    s->fd = connect_to(c);
    if (s->fd < 0) {
        *out_why = strerror(errno);
        free(s);
        return ERR_IO;
    }
    if (!open_session(s, c, keys)) {
        *out_why = "net-snmp refuses the session";
        free(s);
        return ERR_IO;
    }
    *out = s;
    return OK;
}

void
agent_free(struct agent *s)
{
    if (!s)
        return;
    snmp_sess_close(s->session); /* and the socket */
    free(s);
}

int
agent_fd(const struct agent *s)
{
    return s->fd;
}

uint32_t
agent_boots(const struct agent *s)
{
    const netsnmp_session *in = snmp_sess_session(s->session);
    u_int boots = 0, time_s = 0;
    if (in->securityEngineIDLen == 0 ||
        get_enginetime(in->securityEngineID, (u_int)in->securityEngineIDLen, &boots, &time_s,
                       TRUE) != SNMPERR_SUCCESS)
        return 0;
    return boots;
}

/* ---- asking ----------------------------------------------------------------------------------
 */

static size_t
name_of(struct ntcip_name name, oid out[static NTCIP_OID_MAX])
{
    uint32_t numbers[NTCIP_OID_MAX];
    size_t n = ntcip_oid(name, numbers);
    for (size_t i = 0; i < n; i++)
        out[i] = numbers[i];
    return n;
}

static bool
is_named(const netsnmp_variable_list *v, struct ntcip_name name)
{
    oid want[NTCIP_OID_MAX];
    size_t n = name_of(name, want);
    return v->name_length == n && memcmp(v->name, want, n * sizeof(*want)) == 0;
}

/* An integer in its range is there; anything else is not. */
static struct ntcip_value
value_of(const netsnmp_variable_list *v, enum ntcip_object object)
{
    bool integer = (v->type == ASN_INTEGER || v->type == ASN_GAUGE || v->type == ASN_COUNTER) &&
                   v->val_len == sizeof(long) && v->val.integer;
    if (!integer || !ntcip_in_range(object, *v->val.integer))
        return (struct ntcip_value){.there = false};
    return (struct ntcip_value){true, (int32_t)*v->val.integer};
}

static enum err
err_of(int code)
{
    switch (code) {
    case SNMPERR_TIMEOUT:
    case SNMPERR_UNKNOWN_ENG_ID:
    case SNMPERR_NOT_IN_TIME_WINDOW:
        return ERR_AGAIN;
    case SNMPERR_UNKNOWN_USER_NAME:
    case SNMPERR_AUTHENTICATION_FAILURE:
    case SNMPERR_UNSUPPORTED_SEC_LEVEL:
    case SNMPERR_USM_UNKNOWNSECURITYNAME:
    case SNMPERR_USM_AUTHENTICATIONFAILURE:
    case SNMPERR_USM_DECRYPTIONERROR:
    case SNMPERR_DECRYPTION_ERR:
        return ERR_CRYPTO;
    default:
        return ERR_MALFORMED;
    }
}

static int
on_reply(int op, netsnmp_session *session, int request, netsnmp_pdu *pdu, void *ctx)
{
    (void)session;
    (void)request; /* 0 in a report */
    struct reply *r = ctx;
    if (r->over)
        return 1;
    r->over = true;
    r->op = op;
    if (op == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && pdu)
        r->answer = snmp_clone_pdu(pdu);
    return 1;
}

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U;
}

/* Packets until the request is over; after AGENT_WAIT_MS it is. */
static void
wait_for(struct agent *s, struct reply *r)
{
    uint64_t until = now_ms() + AGENT_WAIT_MS;
    fd_set set;
    for (uint64_t now = now_ms(); !r->over; now = now_ms()) {
        struct pollfd p = {.fd = s->fd, .events = POLLIN};
        if (now >= until) {
            snmp_sess_timeout(s->session); /* its clock is a little behind, or it is over now */
            if (now >= until + AGENT_SLACK_MS)
                return;
        }
        if (poll(&p, 1, now < until ? (int)(until - now) : 1) <= 0)
            continue;
        FD_ZERO(&set);
        FD_SET(s->fd, &set);
        snmp_sess_read(s->session, &set);
    }
}

/* One try. The library frees the request once it has taken it. */
static enum err
attempt(struct agent *s, netsnmp_pdu *pdu, netsnmp_pdu **out)
{
    struct reply *r = &s->replies[s->next_reply++ % REPLIES];
    netsnmp_session *session = snmp_sess_session(s->session);
    *r = (struct reply){.over = true};
    session->s_snmp_errno = 0;
    snmp_sess_timeout(s->session); /* forget what is out too long */
    if (snmp_sess_async_send(s->session, pdu, on_reply, r) == 0) {
        snmp_free_pdu(pdu);
        return err_of(session->s_snmp_errno);
    }
    r->over = false;
    wait_for(s, r);
    bool over = r->over;
    r->over = true; /* what comes now is for nobody */
    if (!over || r->op == NETSNMP_CALLBACK_OP_TIMED_OUT)
        return ERR_AGAIN;
    if (!r->answer)
        return r->op == NETSNMP_CALLBACK_OP_SEC_ERROR ? ERR_CRYPTO : ERR_AGAIN;
    if (r->answer->command == SNMP_MSG_REPORT) {
        enum err e = err_of(snmpv3_get_report_type(r->answer));
        snmp_free_pdu(r->answer);
        return e;
    }
    *out = r->answer;
    return OK;
}

/* An answer without error, under our keys, of exactly these names. */
static enum err
check_answer(const netsnmp_pdu *answer, const struct ntcip_name *names, size_t count)
{
    if (answer->command != SNMP_MSG_RESPONSE || answer->version != SNMP_VERSION_3 ||
        answer->securityLevel != SNMP_SEC_LEVEL_AUTHPRIV)
        return ERR_MALFORMED;
    if (answer->errstat != SNMP_ERR_NOERROR)
        return ERR_DENIED;
    const netsnmp_variable_list *v = answer->variables;
    for (size_t i = 0; i < count; i++, v = v->next_variable)
        if (!v || !is_named(v, names[i]))
            return ERR_MALFORMED;
    return v ? ERR_MALFORMED : OK;
}

/* One exchange, AGENT_TRIES times. On OK free *out. Asking twice for the same harms nothing. */
static enum err
exchange(struct agent *s, netsnmp_pdu *pdu, const struct ntcip_name *names, size_t count,
         netsnmp_pdu **out)
{
    enum err e = ERR_AGAIN;
    for (int i = 0; i < AGENT_TRIES && e == ERR_AGAIN; i++) {
        netsnmp_pdu *again = snmp_clone_pdu(pdu);
        ASSERT(again);
        e = attempt(s, again, out);
    }
    snmp_free_pdu(pdu);
    if (e != OK)
        return e;
    e = check_answer(*out, names, count);
    if (e != OK)
        snmp_free_pdu(*out);
    return e;
}

enum err
agent_get(struct agent *s, const struct ntcip_name *names, size_t count, struct ntcip_value *out)
{
    ASSERT(count >= 1 && count <= AGENT_NAMES_MAX);
    oid name[NTCIP_OID_MAX];
    netsnmp_pdu *answer = NULL, *pdu = snmp_pdu_create(SNMP_MSG_GET);
    ASSERT(pdu);
    for (size_t i = 0; i < count; i++) {
        size_t n = name_of(names[i], name);
        snmp_add_null_var(pdu, name, n);
    }
    enum err e = exchange(s, pdu, names, count, &answer);
    if (e != OK)
        return e;
    netsnmp_variable_list *v = answer->variables;
    for (size_t i = 0; i < count; i++, v = v->next_variable)
        out[i] = value_of(v, names[i].object);
    snmp_free_pdu(answer);
    return OK;
}

enum err
agent_set(struct agent *s, const struct ntcip_name *names, const int32_t *numbers, size_t count)
{
    ASSERT(count >= 1 && count <= AGENT_NAMES_MAX);
    oid name[NTCIP_OID_MAX];
    for (size_t i = 0; i < count; i++)
        if (!ntcip_may_set(names[i], numbers[i]))
            return ERR_DENIED;
    netsnmp_pdu *answer = NULL, *pdu = snmp_pdu_create(SNMP_MSG_SET);
    ASSERT(pdu);
    for (size_t i = 0; i < count; i++) {
        long number = numbers[i];
        size_t n = name_of(names[i], name);
        snmp_pdu_add_variable(pdu, name, n, ASN_INTEGER, &number, sizeof(number));
    }
    enum err e = exchange(s, pdu, names, count, &answer);
    if (e == OK)
        snmp_free_pdu(answer);
    return e;
}
