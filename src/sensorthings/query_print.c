/* query_print.c -- options as text again, for next links. */
#include "sensorthings/query.h"

static void
next_option(struct buf *out, size_t start, char separator, const char *name)
{
    if (out->len > start)
        buf_byte(out, (uint8_t)separator);
    buf_format(out, "%s=", name);
}

static void
print_select(const struct sta_query *q, struct buf *out)
{
    const struct sta_type_info *info = sta_type_info(q->type);
    const char *comma = "";
    if (q->select_id) {
        buf_text(out, "id");
        comma = ",";
    }
    for (uint32_t i = 0; i < info->properties_count; i++)
        if (q->select & 1u << i) {
            buf_format(out, "%s%s", comma, info->properties[i].name);
            comma = ",";
        }
    for (uint32_t i = 0; i < info->relations_count; i++)
        if (q->select_relations & 1u << i) {
            buf_format(out, "%s%s", comma, info->relations[i].name);
            comma = ",";
        }
}

/* The options, not encoded; recursion as deep as STA_EXPAND_DEPTH_MAX. */
static void
print_options(const struct sta_query *q, char separator, struct buf *out)
{
    size_t start = out->len;
    if (q->has_top) {
        next_option(out, start, separator, "$top");
        buf_u64_decimal(out, q->top);
    }
    if (q->has_skip && separator == ';') {
        next_option(out, start, separator, "$skip");
        buf_u64_decimal(out, q->skip);
    }
    if (q->count) {
        next_option(out, start, separator, "$count");
        buf_text(out, "true");
    }
    if (q->data_array) {
        next_option(out, start, separator, "$resultFormat");
        buf_text(out, "dataArray");
    }
    if (q->has_select) {
        next_option(out, start, separator, "$select");
        print_select(q, out);
    }
    if (q->filter) {
        next_option(out, start, separator, "$filter");
        sta_filter_print(q->filter, q->type, out);
    }
    if (q->order_count && !q->order_implicit)
        next_option(out, start, separator, "$orderby");
    for (uint32_t i = 0; !q->order_implicit && i < q->order_count; i++) {
        buf_text(out, i ? "," : "");
        sta_filter_print(q->order[i].expr, q->type, out);
        buf_text(out, q->order[i].descending ? " desc" : "");
    }
    if (q->expand)
        next_option(out, start, separator, "$expand");
    for (const struct sta_expand *x = q->expand; x; x = x->next) {
        buf_text(out, x == q->expand ? "" : ",");
        buf_text(out, sta_type_info(q->type)->relations[x->relation].name);
        size_t open = out->len;
        buf_byte(out, '(');
        print_options(x->query, ';', out);
        if (out->len == open + 1 && !out->overflow)
            out->len = open;
        else
            buf_byte(out, ')');
    }
}

void
sta_query_print(const struct sta_query *q, struct buf *out)
{
    /* Each option alone, so that '&' inside a value is encoded and between options is not. */
    struct sta_query one[7] = {0};
    size_t start = out->len;
    for (size_t i = 0; i < ARRAY_COUNT(one); i++)
        one[i].type = q->type;
    one[0].has_top = q->has_top;
    one[0].top = q->top;
    one[1].count = q->count;
    one[2].has_select = q->has_select;
    one[2].select = q->select;
    one[2].select_relations = q->select_relations;
    one[2].select_id = q->select_id;
    one[3].filter = q->filter;
    memcpy(one[4].order, q->order, sizeof(q->order));
    one[4].order_count = q->order_count;
    one[4].order_implicit = q->order_implicit;
    one[5].expand = q->expand;
    one[6].data_array = q->data_array;
    struct buf plain;
    buf_init(&plain, 64 * 1024);
    for (size_t i = 0; i < ARRAY_COUNT(one); i++) {
        buf_reset(&plain);
        print_options(&one[i], '&', &plain);
        if (plain.len == 0)
            continue;
        if (out->len > start)
            buf_byte(out, '&');
        sta_percent_encode(out, buf_bytes(&plain));
    }
    buf_fini(&plain);
}
