/* Whatever part_open() and its readers accept is the same bytes when it is written again. */
#include "store/embedded/dump_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct part_value row[PART_COLUMNS_MAX];
    struct part p;
    struct bytes sql;
    struct buf again;
    enum err e;
    if (part_open(bytes_of(data, size), &p) != OK)
        return 0;
    buf_init(&again, size + 1);
    if (p.kind == PART_TABLES) {
        part_begin_tables(&again, p.user_version);
        while ((e = part_next_table(&p, &sql)) == OK)
            part_put_table(&again, sql);
    } else {
        part_begin_rows(&again, p.table, p.columns);
        while ((e = part_next_row(&p, row)) == OK)
            for (uint8_t i = 0; i < p.columns; i++)
                part_put_value(&again, &row[i]);
    }
    ASSERT(e == ERR_NOT_FOUND || e == ERR_MALFORMED);
    ASSERT(e != ERR_NOT_FOUND || bytes_equal(buf_bytes(&again), bytes_of(data, size)));
    buf_fini(&again);
    return 0;
}
