#define FUZZ_TABLE "programs/judge.def"
#include "programs/table_fuzz.h"
