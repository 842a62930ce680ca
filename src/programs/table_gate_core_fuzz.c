#define FUZZ_TABLE "programs/gate_core.def"
#include "programs/table_fuzz.h"
