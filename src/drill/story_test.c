#include "drill/story.h"

#include "base/test.h"

static const char plain[] = "# a comment\n"
                            "story     A short one\n"
                            "attacker  Somebody\n"
                            "attacker  who has time.\n"
                            "wants     Everything.\n"
                            "city      demo.charter\n"
                            "device    junction-a0 in signals\n"
                            "\n"
                            "step      He knocks.\n"
                            "  inside  bikes/gate connect port=@mqtts:signals again=\n"
                            "  and     signals/core listen\n"
                            "  must    be refused by wall seccomp\n"
                            "  because Nobody opens.\n"
                            "  because Ever.\n"
                            "step      He asks.\n"
                            "  outside ask as=auditor\n"
                            "  must    be allowed\n"
                            "  file    src/programs/core/read.c\n"
                            "  because He may.\n";

static struct story story; /* too long for the stack */

static enum err
parse(const char *text, uint32_t *line, char *why)
{
    struct bytes exact = test_exact(bytes_text(text));
    enum err e = story_parse(exact, &story, line, why);
    test_exact_free(exact);
    return e;
}

TEST(a_story_is_read_as_it_is_written)
{
    char why[STORY_WHY_SIZE] = "";
    uint32_t line;
    CHECK_OK(parse(plain, &line, why));
    CHECK(strcmp(story.attacker, "Somebody who has time.") == 0);
    CHECK(strcmp(story.city, "demo.charter") == 0);
    CHECK(story.devices_count == 1 && strcmp(story.devices[0].zone, "signals") == 0);
    CHECK(story.steps_count == 2);
    const struct story_step *s = &story.steps[0];
    CHECK(s->line == 9 && s->must == STORY_WALL && strcmp(s->by, "seccomp") == 0);
    CHECK(strcmp(s->move.compartment, "bikes/gate") == 0);
    CHECK(strcmp(s->move.name, "connect") == 0 && s->move.args_count == 2);
    CHECK(strcmp(story_arg(&s->move, "port"), "@mqtts:signals") == 0);
    CHECK(strcmp(story_arg(&s->move, "again"), "") == 0 && !story_arg(&s->move, "po"));
    CHECK(strcmp(s->also.compartment, "signals/core") == 0);
    CHECK(strcmp(s->because, "Nobody opens. Ever.") == 0);
    CHECK(story.steps[1].must == STORY_ALLOWED && story.steps[1].move.compartment[0] == '\0');
    CHECK(strcmp(story.steps[1].file, "src/programs/core/read.c") == 0);
}

/* Every line left out, and every cut: refused with a sentence, or a story that is still whole. */
TEST(what_is_missing_is_named)
{
    char why[STORY_WHY_SIZE], text[sizeof(plain)];
    uint32_t line;
    for (size_t cut = 0; cut < sizeof(plain) - 1; cut++) {
        memcpy(text, plain, cut);
        text[cut] = '\0';
        why[0] = '\0';
        bool whole = parse(text, &line, why) == OK;
        CHECK(whole || (why[0] && line > 0) || cut == 0);
        CHECK(!whole || story.steps_count > 0);
    }
    static const char *const needed[] = {"story ", "attacker  Somebody",   "wants ",
                                         "city ",  "  must    be refused", "  inside "};
    for (size_t i = 0; i < ARRAY_COUNT(needed); i++) {
        memcpy(text, plain, sizeof(plain));
        char *at = strstr(text, needed[i]);
        CHECK(at != NULL);
        *at = '#';
        bool still = i == 1; /* its second line is enough */
        CHECK((parse(text, &line, why) == OK) == still);
    }
}

TEST(what_is_no_story_is_refused_at_its_line)
{
    static const struct {
        const char *line;
        const char *why;
    } rows[] = {
        {"  must be refused by wall", "must:"},
        {"  must be refused", "must:"},
        {"  must be allowed always", "must:"},
        {"  must be allowed saying", "must:"},
        {"  inside bikes connect", "a compartment is"},
        {"  inside ../x connect", "a compartment is"},
        {"  inside bikes/gate", "name of a move"},
        {"  outside Connect", "name of a move"},
        {"  outside connect port", "KEY=VALUE"},
        {"  outside connect port=1 port=2", "twice"},
        {"  inside bikes/gate x a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1", "at most"},
        {"  file", "missing"},
        {"  perhaps", "a step has"},
        {"story Another", "a step has"},
        {"  because a\tb", "control character"},
        {"  because \xff", "UTF-8"},
    };
    static const char head[] = "story S\nattacker A\nwants W\ncity c\nstep X\n";
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[600], why[STORY_WHY_SIZE] = "";
        uint32_t line = 0;
        snprintf(text, sizeof(text), "%s%s\n", head, rows[i].line);
        memset(&story, 0x55, sizeof(story));
        CHECK(parse(text, &line, why) == ERR_MALFORMED);
        CHECK(line == 6 && strstr(why, rows[i].why) != NULL);
        CHECK(story.steps_count == 0x55555555); /* untouched */
    }
}

TEST(a_wall_cannot_stop_who_is_outside)
{
    char why[STORY_WHY_SIZE];
    uint32_t line;
    CHECK(parse("story S\nattacker A\nwants W\ncity c\nstep X\n outside ask\n"
                " must be refused by wall seccomp\n because B\n",
                &line, why) == ERR_MALFORMED);
    CHECK(strstr(why, "walls stand around what is inside"));
}

TEST(a_story_written_again_is_the_same)
{
    char why[STORY_WHY_SIZE];
    uint32_t line;
    struct buf first, second;
    buf_init(&first, STORY_BYTES_MAX);
    buf_init(&second, STORY_BYTES_MAX);
    CHECK_OK(parse(plain, &line, why));
    story_put(&story, &first);
    CHECK_OK(story_parse(buf_bytes(&first), &story, &line, why));
    story_put(&story, &second);
    CHECK(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    buf_fini(&first);
    buf_fini(&second);
}
