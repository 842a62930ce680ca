#include "field/sumo/tripinfo.h"

#include "base/text.h"

/* The offset of `what`, or text.len. */
static size_t
find(struct bytes text, const char *what)
{
    const void *at = text.len ? memmem(text.p, text.len, what, strlen(what)) : NULL;
    return at ? (size_t)((const uint8_t *)at - text.p) : text.len;
}

/* The number in ` name="..."`. */
static enum err
attribute(struct bytes line, const char *name_quote, double *out)
{
    size_t at = find(line, name_quote);
    if (at == line.len)
        return ERR_MALFORMED;
    struct bytes rest = bytes_skip(line, at + strlen(name_quote));
    size_t end = bytes_find(rest, '"');
    if (end == rest.len)
        return ERR_MALFORMED;
    return text_double(bytes_of(rest.p, end), out);
}

enum err
tripinfo_read(struct bytes xml, struct tripinfo *out)
{
    struct tripinfo sum = {0};
    if (find(xml, "</tripinfos>") == xml.len)
        return ERR_MALFORMED;
    for (struct bytes rest = xml;;) {
        size_t at = find(rest, "<tripinfo ");
        if (at == rest.len)
            break;
        rest = bytes_skip(rest, at);
        size_t end = bytes_find(rest, '>');
        struct bytes line = bytes_of(rest.p, end);
        double loss = 0, late = 0, depart = 0, arrival = 0, waiting = 0;
        enum err e = attribute(line, " timeLoss=\"", &loss);
        if (e == OK)
            e = attribute(line, " departDelay=\"", &late);
        if (e == OK)
            e = attribute(line, " depart=\"", &depart);
        if (e == OK)
            e = attribute(line, " arrival=\"", &arrival);
        if (e == OK)
            e = attribute(line, " waitingTime=\"", &waiting);
        if (e != OK)
            return ERR_MALFORMED;
        sum.vehicles++;
        sum.undeparted += depart < 0;
        sum.unfinished += depart >= 0 && arrival < 0;
        sum.delay_s += (loss > 0 ? loss : 0) + (late > 0 ? late : 0);
        sum.waiting_s += waiting > 0 ? waiting : 0;
        rest = bytes_skip(rest, end);
    }
    if (sum.vehicles > 0) {
        sum.delay_s /= (double)sum.vehicles;
        sum.waiting_s /= (double)sum.vehicles;
    }
    *out = sum;
    return OK;
}
