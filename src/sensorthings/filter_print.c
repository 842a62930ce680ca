#include "sensorthings/filter.h"

#include "sensorthings/filter_words.h"
#include "sensorthings/literal.h"

static int
level_of(const struct sta_expr *e)
{
    if (e->op == STA_OP_NOT || e->op == STA_OP_NEGATE)
        return LEVEL_UNARY;
    return e->op < STA_OP_NEGATE && sta_operators[e->op].level ? sta_operators[e->op].level
                                                               : LEVEL_PRIMARY;
}

static void
print_path(const struct sta_expr_path *path, enum sta_type type, struct buf *out)
{
    for (uint32_t i = 0; i < path->relations_count; i++) {
        const struct sta_relation *r = &sta_type_info(type)->relations[path->relations[i]];
        buf_format(out, "%s/", r->name);
        type = r->to;
    }
    buf_text(out, path->property < 0 ? "id" : sta_type_info(type)->properties[path->property].name);
    for (uint32_t i = 0; i < path->members_count; i++) {
        buf_byte(out, '/');
        buf_put(out, path->members[i]);
    }
}

static void
print_at(const struct sta_expr *e, enum sta_type type, int level, struct buf *out)
{
    bool parentheses = level_of(e) < level;
    if (parentheses)
        buf_byte(out, '(');
    if (e->op == STA_OP_LITERAL) {
        sta_literal_print(&e->literal, out);
    } else if (e->op == STA_OP_PATH) {
        print_path(e->path, type, out);
    } else if (e->op == STA_OP_CALL) {
        buf_format(out, "%s(", sta_functions[e->function].name);
        for (uint32_t i = 0; i < e->args_count; i++) {
            if (i)
                buf_byte(out, ',');
            print_at(e->args[i], type, 1, out);
        }
        buf_byte(out, ')');
    } else if (e->op == STA_OP_NOT || e->op == STA_OP_NEGATE) {
        buf_text(out, e->op == STA_OP_NOT ? "not " : "-");
        /* "-5" is a literal and "- -5" two signs: always parentheses behind a sign */
        print_at(e->args[0], type, e->op == STA_OP_NOT ? LEVEL_UNARY : LEVEL_PRIMARY + 1, out);
    } else {
        print_at(e->args[0], type, level_of(e), out);
        buf_format(out, " %s ", sta_operators[e->op].name);
        print_at(e->args[1], type, level_of(e) + 1, out);
    }
    if (parentheses)
        buf_byte(out, ')');
}

void
sta_filter_print(const struct sta_expr *expr, enum sta_type type, struct buf *out)
{
    print_at(expr->op == STA_OP_ANY ? expr->args[0] : expr, type, 1, out);
}
