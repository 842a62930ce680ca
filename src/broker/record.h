/*
 * record.h -- the records of record.def as structs, encoders and decoders (wire/table_declare.h).
 */
#ifndef BROKER_RECORD_H
#define BROKER_RECORD_H

#include "base/base.h"
#include "base/buf.h"

#define TABLE "broker/record.def"
#include "wire/table_declare.h"
#undef TABLE

enum { RECORD_BYTES_MAX = 65536, RECORD_TYPE_FIRST = 32, RECORD_TYPE_LAST = 47 };

#endif
