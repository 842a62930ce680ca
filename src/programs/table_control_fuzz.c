#define FUZZ_TABLE "programs/control.def"
#include "programs/table_fuzz.h"
