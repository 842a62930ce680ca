#include "base/test.h"
#include "field/ntcip/sample.h"

static char why[CABINET_WHY_SIZE];

static void
refused(const char *text, const char *reason)
{
    struct cabinet c;
    struct bytes exact = test_exact(bytes_text(text));
    CHECK(cabinet_parse(exact, &c, why) == ERR_MALFORMED);
    test_exact_free(exact);
    if (!strstr(why, reason))
        fprintf(stderr, "said: %s\nwanted: %s\n", why, reason);
    CHECK(strstr(why, reason));
}

TEST(the_sample_is_read_whole)
{
    struct cabinet c = sample_cabinet();
    CHECK(strcmp(c.name, "crossing-12") == 0 && strcmp(c.host, "127.0.0.1") == 0);
    CHECK(c.port == 1161 && c.auth == AUTH_SHA_256 && c.privacy == PRIVACY_AES_128);
    CHECK(c.backup_s == 5 && c.yellow_ds == 30 && c.all_red_ds == 15 && c.minimum_green_s == 5);
    CHECK(c.stages_count == 4 && c.stage[0] == 0x22 && c.stage[2] == 0x11);
    CHECK(c.crossings == 0x02 && c.walk_s[2] == 7 && c.ped_clearance_s[2] == 12);
    CHECK(c.lanes_count == 2 && c.lane[0] == 3 && c.lane[1] == 0 && c.loop[0] == 1U << 8);
    CHECK(c.detectors == 0x103);
    CHECK(rings_compatible(&c.rings, 2, 6) && !rings_compatible(&c.rings, 2, 4));
    CHECK(!rings_compatible(&c.rings, 1, 2) && rings_phases(&c.rings) == 0xff);
}

TEST(old_versions_and_weak_security_cannot_be_configured)
{
    refused(SAMPLE "community public\n", "line 22: SNMPv3 with authentication and privacy is all");
    refused(SAMPLE "version 2c\n", "SNMPv3 with authentication and privacy is all there is");
    refused(SAMPLE "version 3\n", "SNMPv3 with authentication and privacy is all there is");
    refused(SAMPLE "level noAuthNoPriv\n", "SNMPv3 with authentication and privacy is all");
    refused("auth md5\n", "auth is sha-256, sha-384 or sha-512");
    refused("auth sha-1\n", "auth is sha-256");
    refused("auth none\n", "without it nothing is sent");
    refused("privacy des\n", "privacy is aes-128 or aes-256");
    refused("privacy none\n", "without it nothing is sent");
    refused("cabinet a\nagent 127.0.0.1:1\nuser u\nauth sha-256\nkeys k\n", "without: privacy");
    refused("cabinet a\nagent 127.0.0.1:1\nuser u\nprivacy aes-128\n", "without: auth");
}

TEST(what_is_wrong_is_named_with_its_line)
{
    refused("", "line 0: the file ends without: cabinet");
    refused("cabinet a\ncabinet b\n", "line 2: this was said before");
    refused("frobnicate\n", "line 1: no such word: frobnicate");
    refused("agent signals.example:161\n", "an address and a port are wanted");
    refused("agent 127.0.0.1:0\n", "an address and a port are wanted");
    refused("agent 127.0.0.1:70000\n", "an address and a port are wanted");
    refused("replays\n", "replays is serial (the agent has snmpSetSerialNo) or window");
    refused("replays window\nreplays serial\n", "line 2: this was said before");
    refused("backup 0s\n", "backup is from 2.0s to 15.0s");
    refused("backup 60s\n", "backup is from 2.0s to 15.0s");
    refused("envelope yellow 2.9s\n", "yellow is from 3.0s to 6.0s");
    refused("envelope yellow 3s yellow 4s\n", "this was said before");
    refused("envelope yellow 3.15s\n", "yellow is from");
    refused("envelope minimum-green 5.5s\n", "minimum-green is whole seconds");
    refused("ring 1 2\nring 2 3\n", "line 2: phase 2 stands twice");
    refused("ring 9\n", "phases are numbers from 1 to 8");
    refused("lane 65\n", "detectors are numbers from 1 to 64");
    refused("lane 1 2 1\n", "detector 1 stands twice");
    refused("loop 1 2\n", "1 to 1 detectors");
    refused(SAMPLE_HEAD SAMPLE_ENVELOPE "ring 1 2\nside 1\nstage 1\n",
            "phase 2 stands in a ring or on a side, but not in both");
    refused(SAMPLE_HEAD SAMPLE_ENVELOPE SAMPLE_PHASES "stage 2 4\n",
            "phases 2 and 4 may not be green together");
    refused(SAMPLE_HEAD SAMPLE_ENVELOPE SAMPLE_PHASES "stage 1 2\n", "may not be green together");
    refused(SAMPLE_HEAD SAMPLE_ENVELOPE SAMPLE_PHASES "stage 2 6\nstage 6 2\n", "are the same");
    refused(SAMPLE_HEAD SAMPLE_ENVELOPE SAMPLE_PHASES, "without: stage");
    refused(SAMPLE_HEAD SAMPLE_PHASES SAMPLE_STAGES, "without: envelope minimum-green");
}

/* A file that ends early is never a cabinet, but where only lines that may be missing were cut. */
TEST(every_truncation_is_refused_or_whole)
{
    struct cabinet c;
    size_t needed = strlen(SAMPLE_HEAD SAMPLE_ENVELOPE SAMPLE_PHASES "stage 2");
    for (size_t n = 0; n < strlen(SAMPLE); n++) {
        struct bytes exact = test_exact(bytes_of(SAMPLE, n));
        enum err e = cabinet_parse(exact, &c, why);
        test_exact_free(exact);
        CHECK(n >= needed || e == ERR_MALFORMED);
    }
}

TEST(keys_are_two_different_phrases)
{
    struct keys k;
    CHECK_OK(keys_parse(bytes_text("auth 123456789012\nprivacy abcdefghijkl\n"), &k));
    CHECK(strcmp(k.auth, "123456789012") == 0 && strcmp(k.privacy, "abcdefghijkl") == 0);
    static const char *const bad[] = {
        "",
        "auth 123456789012\n",
        "auth 12345678901\nprivacy abcdefghijkl\n",
        "auth 123456789012\nprivacy 123456789012\n",
        "auth 123456789012\nprivacy abcdefghijkl",
        "auth 123456789012\nprivacy abcdefghijkl\nmore\n",
        "auth 1234567 9012\nprivacy abcdefghijkl\n",
        "privacy abcdefghijkl\nauth 123456789012\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct bytes exact = test_exact(bytes_text(bad[i]));
        CHECK(keys_parse(exact, &k) == ERR_MALFORMED);
        test_exact_free(exact);
    }
}
