#include "broker/record.h"

#define TABLE "broker/record.def"
#define TABLE_ROWS broker_record_rows
#include "wire/table_define.h"
