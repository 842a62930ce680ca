#include "charter/charter_test_kit.h"
#include "base/random.h"

static struct charter c, d;
static struct charter_findings f;

#define CITY "city \"Rivermouth\" { sites hall works  signers clerk cio commissioner need 2 }\n"

static enum err
parse(const char *text, struct charter *out)
{
    struct bytes exact = test_exact(bytes_text(text));
    enum err e = charter_parse(exact, out, &f);
    test_exact_free(exact);
    if (e != OK)
        CHECK(f.count == 1 && f.list[0].place.line > 0 && f.list[0].place.column > 0);
    return e;
}

/* Fails, and says this at this place. */
static void
must_say(const char *text, uint32_t line, uint32_t column, const char *what)
{
    CHECK(parse(text, &c) == ERR_MALFORMED);
    struct charter_finding one = f.list[0];
    bool same = one.place.line == line && one.place.column == column && strstr(one.text, what);
    if (!same)
        fprintf(stderr, "%s\n  found %u:%u: %s\n", what, one.place.line, one.place.column,
                one.text);
    CHECK(same);
}

TEST(the_outline_of_the_design_parses_as_it_stands)
{
    CHECK_OK(parse(
        CITY "purpose operate     \"keep the service running\"\n"
             "purpose compliance  \"check operators against their permits\"\n"
             "class vehicle-position { personal yes   sites hall   keep 24h   purposes operate "
             "compliance }\n"
             "class signal-state     { personal no    sites hall works   keep 400d }\n"
             "vendor northlight { seat CA  owner CA  state-linked no  support CA  firmware-signed "
             "yes }\n"
             "zone signals {\n"
             "    service  signals            tier critical\n"
             "    vendors  northlight         sites hall\n"
             "    listen   mqtts 127.0.0.1:8884   https 127.0.0.1:8444\n"
             "    limits   memory 256MiB  cpu 50%  messages 20000/s\n"
             "    envelope minimum-green 5s  yellow 3s  all-red 2s  maximum-red 120s\n"
             "    command  phase-request      lease 10s  rate 2/s\n"
             "    command  all-flash          lease 600s people 2       # two people\n"
             "}\n"
             "zone water { service telemetry  tier protected }\n"
             "zone bikes { service bikes  tier ordinary }\n"
             "conduit bike-counts {\n"
             "    from bikes  to signals   carries zone-count   group 10   rate 1/min   purpose "
             "operate\n"
             "    reason \"green waves for cycling\"   approved-by council-2026-14\n"
             "}\n"
             "never \"hospital wards\" { reason \"too sensitive to link\"  owner \"Health\" }\n",
        &c));
    CHECK(c.number == 1 && strcmp(c.origin, "rivermouth.example") == 0 && c.need == 2);
    CHECK(c.zones[0].commands[0].rate_per_hour == 7200 && c.zones[0].cpu_percent == 50);
    CHECK(c.conduits[0].rate_per_hour == 60 && c.conduits[0].group == 10);
    CHECK(c.conduits[0].from == 2 && c.conduits[0].to == 0 && c.conduits[0].purpose == 0);
    CHECK(c.zones[1].memory_bytes == 256u << 20 && c.zones[1].messages_per_s == 20000);
    CHECK_OK(charter_check(&c, &f));
}

TEST(the_origin_follows_from_the_name)
{
    static const struct {
        const char *name, *origin;
    } rows[] = {
        {"Rivermouth", "rivermouth.example"},
        {"Saint John's  Bay 2", "saint-john-s-bay-2.example"},
        {"-- 7 --", "7.example"},
        {"\xc3\x89tang", "tang.example"},
        {"\xe6\xb1\x9f", "city.example"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[200];
        snprintf(text, sizeof(text), "city \"%s\" { sites hall signers a need 1 }", rows[i].name);
        CHECK_OK(parse(text, &c));
        CHECK(strcmp(c.origin, rows[i].origin) == 0);
    }
}

TEST(errors_name_place_what_stood_there_and_the_nearest_word)
{
    must_say("", 1, 1, "expected a city block, found the end of the file");
    must_say("\n  ciyt \"A\"", 2, 3, "found 'ciyt'; did you mean 'city'?");
    must_say(CITY "zone a { service bikes tier ordinary", 2, 37, "found the end of the file");
    must_say("city \"A\" { sites hall signers a need 1 } }", 1, 42, "found '}'");
    must_say("city { sites hall }", 1, 6, "expected the city's name in quotes, found '{'");
    must_say(CITY "# \xff", 2, 3, "expected UTF-8 text, found the byte 0xff");
    must_say(CITY "\xc3\xa9", 2, 1, "found the character U+00E9");
    must_say(CITY "# \xc3\xa9\xe2\x80\xae", 2, 4, "U+202E"); /* columns are characters */
    must_say(CITY "purpose a \"\x01\"", 2, 12, "U+0001");
}

TEST(an_error_further_on_does_not_hide_behind_a_reference)
{
    /* The vendor is named after the place where the first pass stops: not the vendor is wrong. */
    must_say(CITY "zone a { service bikes tier ordinary vendors v }\nnonsense\n"
                  "vendor v { seat CA owner CA state-linked no support CA }",
             3, 1, "found 'nonsense'");
}

TEST(a_charter_has_its_limits)
{
    struct buf b;
    buf_init(&b, CHARTER_BYTES_MAX + 100);
    buf_text(&b, CITY);
    for (int i = 0; i <= CHARTER_ZONES_MAX; i++)
        buf_format(&b, "zone z%d { service bikes tier ordinary }\n", i);
    CHECK(charter_parse(buf_bytes(&b), &c, &f) == ERR_MALFORMED);
    CHECK(strstr(f.list[0].text, "at most 32") != NULL);
    while (b.len <= CHARTER_BYTES_MAX)
        buf_byte(&b, ' ');
    CHECK(charter_parse(buf_bytes(&b), &c, &f) == ERR_LIMIT && f.count == 1);
    buf_fini(&b);
}

TEST(the_canonical_form_forgets_order_and_space_and_nothing_else)
{
    CHECK_OK(parse(CITY "purpose b \"two\"\npurpose a \"one\" # words\n"
                        "class k { keep 60min sites works hall personal no purposes b a }",
                   &c));
    CHECK_OK(parse("class k{purposes a b personal no sites hall works keep 1h biometric no}"
                   "purpose a\"one\"purpose b\"two\"city \"Rivermouth\"{need 2 signers cio "
                   "commissioner clerk sites works hall origin rivermouth.example number 1}",
                   &d));
    uint8_t one[32], two[32];
    charter_digest(&c, one);
    charter_digest(&d, two);
    CHECK(memcmp(one, two, 32) == 0);
    CHECK_OK(parse(CITY "purpose b \"two\"\npurpose a \"one.\"\n"
                        "class k { keep 60min sites works hall personal no purposes b a }",
                   &d));
    charter_digest(&d, two);
    CHECK(memcmp(one, two, 32) != 0);
}

TEST(what_a_caller_may_write_is_in_the_canonical_form_only_when_it_is_said)
{
    static const char tail[] =
        "purpose b \"two\" class k { sites hall personal no } class j { sites "
        "hall personal no } zone z { service telemetry tier ordinary "
        "sites hall holds k j } caller kim { role r zones z purposes b ";
    char text[1024];
    struct buf out;
    buf_init(&out, CHARTER_BYTES_MAX);
    for (int said = 0; said < 2; said++) {
        snprintf(text, sizeof(text), "%s%s%s}", CITY, tail, said ? "writes k j" : "");
        CHECK_OK(parse(text, &c));
        buf_reset(&out);
        charter_put_canonical(&out, &c);
        buf_byte(&out, 0);
        CHECK((strstr((const char *)out.p, "  writes j k\n") != NULL) == said);
        CHECK((strstr((const char *)out.p, "writes") != NULL) == said);
        CHECK(c.callers[0].writes == (said ? 3u : 0u));
    }
    buf_fini(&out);
}

TEST(topics_have_one_canonical_form)
{
    static const char *const ways[] = {
        "topics \"a/%d/#\" class k publish devices topics \"b\" class k publish devices subscribe "
        "callers devices except \"b/y\" except \"b/x\" qos 1 retained 5 size 4KiB",
        "topics \"b\" retained 5 except \"b/x\" size 4KiB class k except \"b/y\" publish devices "
        "subscribe devices callers qos 1 topics \"a/%d/#\" publish devices qos 2 class k",
    };
    char text[1024];
    struct buf out[2];
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof(text),
                 "%s class k { sites hall personal no } zone z { service telemetry tier ordinary "
                 "sites hall holds k %s }",
                 CITY, ways[i]);
        CHECK_OK(parse(text, &c));
        CHECK(c.zones[0].topics_count == 2);
        buf_init(&out[i], CHARTER_BYTES_MAX);
        charter_put_canonical(&out[i], &c);
    }
    CHECK(bytes_equal(buf_bytes(&out[0]), buf_bytes(&out[1])));
    buf_byte(&out[0], 0);
    CHECK(strstr((const char *)out[0].p, "  topics \"b\" class k publish devices subscribe callers "
                                         "devices except \"b/x\" except \"b/y\" qos 1 retained 5 "
                                         "size 4KiB\n"));
    buf_fini(&out[0]);
    buf_fini(&out[1]);
    snprintf(text, sizeof(text), "%s zone z { service telemetry tier ordinary topics \"a/x%%d\" }",
             CITY);
    CHECK(parse(text, &c) == ERR_MALFORMED);
}

TEST(every_cut_and_every_changed_byte_is_refused_or_is_a_charter_again)
{
    struct bytes text = kit_read("charters/demo.charter");
    struct random_seeded seeded = {test_seed()};
    struct random_source r = random_seeded_source(&seeded);
    struct buf canonical, again;
    buf_init(&canonical, 2 * CHARTER_BYTES_MAX);
    buf_init(&again, 2 * CHARTER_BYTES_MAX);
    uint32_t accepted = 0;
    for (size_t i = 0; i < 4000; i++) {
        uint8_t copy[8192];
        size_t len = i % 2 ? text.len : random_below(&r, text.len);
        CHECK(text.len <= sizeof(copy));
        memcpy(copy, text.p, len);
        if (i % 2)
            copy[random_below(&r, len)] = (uint8_t)random_u64(&r);
        struct bytes exact = test_exact(bytes_of(copy, len));
        enum err e = charter_parse(exact, &c, &f);
        test_exact_free(exact);
        if (e != OK) {
            CHECK(f.count == 1 && f.list[0].place.line > 0);
            continue;
        }
        accepted++;
        buf_reset(&canonical);
        buf_reset(&again);
        charter_put_canonical(&canonical, &c);
        CHECK_OK(charter_parse(buf_bytes(&canonical), &d, &f));
        charter_put_canonical(&again, &d);
        CHECK(bytes_equal(buf_bytes(&canonical), buf_bytes(&again)));
    }
    CHECK(accepted > 100 && accepted < 3900);
    buf_fini(&canonical);
    buf_fini(&again);
    test_exact_free(text);
}
