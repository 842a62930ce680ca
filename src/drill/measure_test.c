/*
 * measure_test.c -- a measurement sees what the plan should not have given.
 *
 * Run from the root of the checkout, with the programs and the drill's programs built.
 */
#include "drill/measure.h"
#include "base/test.h"

static const char text[] =
    "city \"Two\" { sites hall  signers clerk  need 1 }\n"
    "purpose operate \"keep it running\"\n"
    "class level { personal no  sites hall  keep 24h  purposes operate }\n"
    "vendor maker { seat CA owner CA state-linked no support CA firmware-signed yes }\n"
    "zone brook { service telemetry tier ordinary vendors maker sites hall holds level }\n"
    "zone lights {\n"
    "  service signals tier important vendors maker sites hall holds level\n"
    "  envelope minimum-green 5s yellow 3s all-red 2s maximum-red 120s\n"
    "  command phase-request lease 10s\n"
    "}\n";

static struct charter charter;
static struct matrix predicted, measured;

/* The cell that was measured from brook/core, when the plan made this mistake. */
static uint8_t
cell_with(const struct measure_mistake *mistake, const char *to)
{
    static struct charter_findings findings;
    CHECK_OK(charter_parse(bytes_of(text, sizeof(text) - 1), &charter, &findings));
    CHECK_OK(charter_check(&charter, &findings));
    struct measure_config config = {.charter = &charter,
                                    .libexec = "build/libexec",
                                    .drill_libexec = "build/libexec/drill",
                                    .payload = "build/libexec/drill/matrix.so",
                                    .only = "brook/core",
                                    .mistake = mistake};
    matrix_predict(&predicted, &charter);
    CHECK_OK(measure_matrix(&config, &measured));
    int32_t from = matrix_find(&measured, "brook/core"), at = matrix_find(&measured, to);
    CHECK(from >= 0 && at >= 0);
    for (uint32_t i = 0; i < measured.count && !mistake; i++)
        CHECK(measured.cells[from][i] == predicted.cells[from][i]);
    return measured.cells[from][at];
}

TEST(without_a_mistake_the_row_is_as_predicted) { CHECK(cell_with(NULL, "lights/warden") == 0); }

TEST(a_core_that_was_given_another_zones_warden_is_seen_to_command)
{
    static const struct measure_mistake mistake = {"brook/core", "lights/core", FD_WARDEN};
    CHECK(cell_with(&mistake, "lights/warden") & MATRIX_COMMAND);
}

TEST(a_core_that_was_given_another_zones_gate_is_seen_to_write)
{
    static const struct measure_mistake mistake = {"brook/core", "lights/gate", FD_CORE};
    CHECK(cell_with(&mistake, "lights/core") & MATRIX_WRITE);
}
