#include "field/sumo/xml.h"
#include "base/test.h"

TEST(tags_come_in_order_and_the_rest_is_passed_over)
{
    struct bytes rest = bytes_text("<?xml version=\"1.0\"?><!-- <a b=\"1\"/> --><net a='1'>\n"
                                   "<edge id=\"x>y\" n = \"2\"/></net><!DOCTYPE z><lane/>");
    struct xml_tag tag;
    CHECK(xml_next(&rest, &tag) && bytes_are(tag.name, "net"));
    CHECK(bytes_are(xml_attribute(tag, "a"), "1"));
    CHECK(xml_next(&rest, &tag) && bytes_are(tag.name, "edge"));
    CHECK(bytes_are(xml_attribute(tag, "id"), "x>y") && bytes_are(xml_attribute(tag, "n"), "2"));
    CHECK(!xml_attribute(tag, "i").p && !xml_attribute(tag, "").p);
    CHECK(xml_next(&rest, &tag) && bytes_are(tag.name, "lane"));
    CHECK(!xml_next(&rest, &tag) && rest.len == 0);
}

TEST(a_cut_file_ends_without_a_tag)
{
    static const char whole[] = "<a b=\"c\"/>";
    struct xml_tag tag;
    for (size_t n = 0; n + 1 < sizeof(whole); n++) {
        struct bytes exact = test_exact(bytes_of(whole, n)), rest = exact;
        CHECK(xml_next(&rest, &tag) == (n == sizeof(whole) - 1));
        test_exact_free(exact);
    }
    struct bytes rest = bytes_text("<!-- never closed <a/>");
    CHECK(!xml_next(&rest, &tag));
}

TEST(broken_attributes_are_none)
{
    static const char *const broken[] = {"<a b>", "<a b=>", "<a b=c>", "<a b=\"c>", "<a =\"c\">"};
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        struct bytes rest = bytes_text(broken[i]);
        struct xml_tag tag;
        if (xml_next(&rest, &tag))
            CHECK(!xml_attribute(tag, "b").p);
    }
}

TEST(numbers_and_words)
{
    struct bytes rest = bytes_text("<a n=\"7\" d=\"-1.5\" x=\"7a\" list=\" a,b  c \"/>");
    struct xml_tag tag;
    uint32_t n = 0;
    double d = 0;
    CHECK(xml_next(&rest, &tag));
    CHECK_OK(xml_u32(tag, "n", &n));
    CHECK_OK(xml_double(tag, "d", &d));
    CHECK(n == 7 && d < -1.4 && d > -1.6);
    CHECK(xml_u32(tag, "x", &n) != OK && xml_u32(tag, "none", &n) != OK);
    CHECK(xml_double(tag, "x", &d) != OK && xml_u32(tag, "d", &n) != OK);
    struct bytes list = xml_attribute(tag, "list");
    CHECK(bytes_are(xml_word(&list), "a") && bytes_are(xml_word(&list), "b"));
    CHECK(bytes_are(xml_word(&list), "c") && !xml_word(&list).p);
}
