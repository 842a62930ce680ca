#define FUZZ_TABLE "programs/ledger.def"
#include "programs/table_fuzz.h"
