/* fetch.h -- asks a zone for what the report is made of. Every question is on record there. */
#ifndef CLI_REPORT_FETCH_H
#define CLI_REPORT_FETCH_H

#include "cli/report/report.h"
#include "cli/zone_client.h"

/* From before from_us on, so that what held at its beginning is known. False after a sentence. */
bool fetch_signals(struct city_client *c, struct report *r) MUST_USE;

#endif
