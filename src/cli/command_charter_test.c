#include "cli/commands.h"

#include "base/test.h"
#include "cli/tool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], charter[128], keys[128], signers[160], svg[128];

/* Runs a command with its output thrown away; the words end with NULL. */
static int
run(int (*command)(int, char **), const char *const *words)
{
    char text[12][200];
    char *argv[13] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++) {
        CHECK(argc < 12);
        snprintf(text[argc], sizeof(text[argc]), "%s", words[argc]);
        argv[argc] = text[argc];
    }
    fflush(stdout);
    fflush(stderr);
    int out = dup(1), err = dup(2), nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(out >= 0 && err >= 0 && nothing >= 0 && dup2(nothing, 1) == 1 && dup2(nothing, 2) == 2);
    int status = command(argc, argv);
    fflush(stdout);
    fflush(stderr);
    CHECK(dup2(out, 1) == 1 && dup2(err, 2) == 2);
    close(out);
    close(err);
    close(nothing);
    return status;
}
#define RUN(command, ...) run(command, (const char *const[]){__VA_ARGS__, NULL})

static void
write_file(const char *path, const char *text, const char *mode)
{
    FILE *f = fopen(path, mode);
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/bulkhead-charter-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(charter, sizeof(charter), "%s/city.charter", folder);
    snprintf(keys, sizeof(keys), "%s/keys", folder);
    snprintf(signers, sizeof(signers), "%s/signers.pub", keys);
    snprintf(svg, sizeof(svg), "%s/city.svg", folder);
    write_file(charter, "city \"A\" { sites hall signers clerk cio need 2 }\n", "w");
}

static void
tear_down(void)
{
    static const char *const names[] = {"keys/clerk.key", "keys/cio.key", "keys/signers.pub",
                                        "city.charter",   "city.svg",     "city.charter.sig"};
    char path[160];
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    CHECK(rmdir(keys) == 0 || access(keys, F_OK) != 0);
    CHECK(rmdir(folder) == 0);
}

static int
sign_as(const char *name)
{
    char key[160];
    snprintf(key, sizeof(key), "%s/%s.key", keys, name);
    return RUN(command_charter, "charter", "sign", charter, "--signer", name, "--key", key);
}

TEST(two_sign_and_the_charter_holds_until_a_word_changes)
{
    set_up();
    CHECK(RUN(command_charter, "charter", "keygen", "--out", keys, "clerk", "cio") == EXIT_OK);
    char key[160];
    struct stat st;
    snprintf(key, sizeof(key), "%s/clerk.key", keys);
    CHECK(stat(key, &st) == 0 && (st.st_mode & 0777) == 0600);
    /* Never over a key that is there. */
    CHECK(RUN(command_charter, "charter", "keygen", "--out", keys, "clerk") == EXIT_CANNOT);

    CHECK(RUN(command_charter, "charter", "verify", charter, "--signers", signers) ==
          EXIT_DOES_NOT_HOLD);
    CHECK(sign_as("clerk") == EXIT_OK && sign_as("clerk") == EXIT_OK);
    CHECK(RUN(command_charter, "charter", "verify", charter, "--signers", signers) ==
          EXIT_DOES_NOT_HOLD);
    CHECK(sign_as("cio") == EXIT_OK);
    CHECK(RUN(command_charter, "charter", "verify", charter, "--signers", signers) == EXIT_OK);

    write_file(charter, "# a comment changes nothing\n", "a");
    CHECK(RUN(command_charter, "charter", "verify", charter, "--signers", signers) == EXIT_OK);
    write_file(charter, "purpose operate \"something new\"\n", "a");
    CHECK(RUN(command_charter, "charter", "verify", charter, "--signers", signers) ==
          EXIT_DOES_NOT_HOLD);
    /* Signing again drops the lines for the old text. */
    CHECK(sign_as("clerk") == EXIT_OK && sign_as("cio") == EXIT_OK);
    CHECK(RUN(command_charter, "charter", "verify", charter, "--signers", signers) == EXIT_OK);
    tear_down();
}

TEST(a_stranger_and_a_bad_charter_are_not_signed)
{
    set_up();
    CHECK(RUN(command_charter, "charter", "keygen", "--out", keys, "clerk") == EXIT_OK);
    char key[160];
    snprintf(key, sizeof(key), "%s/clerk.key", keys);
    CHECK(RUN(command_charter, "charter", "sign", charter, "--signer", "mayor", "--key", key) ==
          EXIT_DOES_NOT_HOLD);
    write_file(charter, "class face { personal no sites hall }\n", "a");
    CHECK(sign_as("clerk") == EXIT_DOES_NOT_HOLD);
    CHECK(RUN(command_charter, "charter", "explain", charter) == EXIT_DOES_NOT_HOLD);
    CHECK(RUN(command_check, "check", charter, "--json") == EXIT_DOES_NOT_HOLD);
    tear_down();
}

TEST(exit_status_says_what_kind_of_no_it_is)
{
    set_up();
    CHECK(RUN(command_check, "check", charter, "--svg", svg) == EXIT_OK);
    CHECK(access(svg, R_OK) == 0);
    CHECK(RUN(command_check, "check", charter, "--json") == EXIT_OK);
    CHECK(RUN(command_check, "check") == EXIT_USAGE);
    CHECK(RUN(command_check, "check", charter, "--jsno") == EXIT_USAGE);
    CHECK(RUN(command_check, "check", "/nonexistent/city.charter") == EXIT_CANNOT);
    CHECK(RUN(command_charter, "charter") == EXIT_USAGE);
    CHECK(RUN(command_charter, "charter", "sign", charter) == EXIT_USAGE);
    CHECK(RUN(command_charter, "charter", "keygen", "--out", keys, "Not A Name") == EXIT_USAGE);
    CHECK(RUN(command_charter, "charter", "explain", charter) == EXIT_OK);
    tear_down();
}
