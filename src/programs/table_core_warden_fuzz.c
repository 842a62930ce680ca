#define FUZZ_TABLE "programs/core_warden.def"
#include "programs/table_fuzz.h"
