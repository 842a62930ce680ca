/*
 * Any packet from the agent's address, into net-snmp as the adapter holds it: on the real socket,
 * so that what is cut, nested or of another version is met where it is met in the street.
 */
#include "field/ntcip/agent.c"

#include "base/fuzz.h"
#include "base/text.h"
#include "field/ntcip/sample.h"

/* Recorded from snmpd: the report that tells its engine, and an answer under keys. */
static const struct {
    size_t len;
    const char *hex;
} recorded[] = {
    {115, "30710201033011020447616e8d020300ffe30401000201030421301f041180001f8880b459487540480b"
          "6b000000000201010201020400040004003036041180001f8880b459487540480b6b000000000400a81f"
          "02045c7131be0201000201003011300f060a2b060106030f01010400410101"},
    {161, "30819e0201033011020447616e8c020300ffe304010302010304493047041180001f8880b45948754048"
          "0b6b00000000020101020102040862756c6b686561640418360218a1c5bfd26dd6ecd9f5dbee6a10ef93"
          "bfea80dc611d0408b40cb163831cd846043b277c58a2b4a1d2a58961b6152c002a4340b96e04505b9b24"
          "b100e0fd2859bfdc43ac68c4ece39189450fdfd9ee860cd8574c6628da5e7b6b387a72"},
};

static struct agent *agent;
static int peer = -1;

/* The agent's end: a socket of ours that only the adapter's is connected with. */
static void
open_both(void)
{
    struct cabinet c = sample_cabinet();
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    const struct keys keys = {"a-phrase-for-fuzzing", "another-for-fuzzing"};
    const char *why = "";
    peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = peer >= 0 && bind(peer, (struct sockaddr *)&at, sizeof(at)) == 0 &&
                getsockname(peer, (struct sockaddr *)&at, &len) == 0;
    ASSERT(good);
    c.port = ntohs(at.sin_port);
    enum err e = agent_open(&c, &keys, &agent, &why);
    ASSERT(e == OK);
    len = sizeof(at);
    good = getsockname(agent_fd(agent), (struct sockaddr *)&at, &len) == 0 &&
           connect(peer, (struct sockaddr *)&at, sizeof(at)) == 0;
    ASSERT(good);
}

static size_t
make_packet(struct bytes in, uint8_t out[static AGENT_PACKET_MAX])
{
    uint8_t kind = fuzz_byte(&in);
    if (kind % 3 == 0) {
        size_t len = in.len < AGENT_PACKET_MAX ? in.len : AGENT_PACKET_MAX;
        if (len)
            memcpy(out, in.p, len);
        return len;
    }
    size_t i = kind % 3 - 1U, len = recorded[i].len;
    enum err e = text_hex(bytes_text(recorded[i].hex), out, len);
    ASSERT(e == OK);
    while (in.len >= 2) {
        uint8_t at = fuzz_byte(&in), bits = fuzz_byte(&in);
        out[at % len] ^= bits;
    }
    return kind >= 128 ? kind % len : len; /* cut */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t packet[AGENT_PACKET_MAX];
    fd_set set;
    if (!agent)
        open_both();
    size_t len = make_packet(bytes_of(data, size), packet);
    if (len == 0 || write(peer, packet, len) != (ssize_t)len)
        return 0;
    struct pollfd p = {.fd = agent_fd(agent), .events = POLLIN};
    if (poll(&p, 1, 1000) != 1)
        return 0;
    FD_ZERO(&set);
    FD_SET(p.fd, &set);
    snmp_sess_read(agent->session, &set);
    ASSERT(agent->next_reply == 0); /* nothing was asked: nothing is an answer */
    return 0;
}
