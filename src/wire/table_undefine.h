/* table_undefine.h -- ends one expansion of a message table. */
#undef MESSAGE
#undef U8
#undef U16
#undef U32
#undef U64
#undef I64
#undef TEXT
#undef BLOB
#undef END
