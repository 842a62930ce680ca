#define FUZZ_TABLE "programs/supervisor.def"
#include "programs/table_fuzz.h"
