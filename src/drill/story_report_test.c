#include "drill/story_report.h"

#include "base/test.h"

TEST(the_line_of_the_charter_is_found_and_trimmed)
{
    static const char charter[] = "city \"X\" {\n    number  1   # the first\n}\n";
    struct bytes text = test_exact(bytes_text(charter));
    CHECK(report_charter_line("403: no; charter line 2: zone x") == 2);
    CHECK(report_charter_line("no rule") == 0);
    CHECK(bytes_are(report_line_of(text, 1), "city \"X\" {"));
    CHECK(bytes_are(report_line_of(text, 2), "number  1"));
    CHECK(bytes_are(report_line_of(text, 3), "}"));
    CHECK(report_line_of(text, 0).len == 0);
    CHECK(report_line_of(text, 4).len == 0);
    CHECK(report_line_of(text, 4000000).len == 0);
    test_exact_free(text);
}
