#define FUZZ_TABLE "programs/conduit.def"
#include "programs/table_fuzz.h"
