#include "sensorthings/record.h"

#include "base/text.h"

void
sta_record_write(struct buf *out, enum sta_type type, struct bytes owner, struct bytes class_name,
                 const struct bytes property[static STA_PROPERTIES_MAX],
                 const struct sta_ids links[static STA_RELATIONS_MAX])
{
    const struct sta_type_info *info = sta_type_info(type);
    buf_format(out, "{\"%s\":", STA_RECORD_OWNER);
    text_put_json(out, owner);
    buf_format(out, ",\"%s\":", STA_RECORD_CLASS);
    text_put_json(out, class_name);
    for (uint32_t i = 0; i < info->properties_count; i++) {
        if (property[i].len == 0)
            continue;
        buf_format(out, ",\"%s\":", info->properties[i].name);
        buf_put(out, property[i]);
    }
    buf_format(out, ",\"%s\":{", STA_RECORD_LINKS);
    bool first = true;
    for (uint32_t r = 0; r < info->relations_count; r++) {
        if (!info->relations[r].stored || links[r].count == 0)
            continue;
        buf_format(out, "%s\"%s\":[", first ? "" : ",", info->relations[r].name);
        for (uint32_t i = 0; i < links[r].count; i++) {
            if (i)
                buf_byte(out, ',');
            buf_u64_decimal(out, links[r].p[i]);
        }
        buf_byte(out, ']');
        first = false;
    }
    buf_text(out, "}}");
}
