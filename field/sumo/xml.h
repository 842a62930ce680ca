/*
 * xml.h -- the tags of an XML file, one after the other. Pure.
 *
 * As much of XML as SUMO's files need: tags and their attributes. Text between tags, comments,
 * processing instructions and closing tags are passed over; entities in values are not expanded.
 */
#ifndef FIELD_SUMO_XML_H
#define FIELD_SUMO_XML_H

#include "base/base.h"

struct xml_tag {
    struct bytes name, attributes;
};

/* The next opening tag; false at the end, or where the file is cut. */
bool xml_next(struct bytes *rest, struct xml_tag *out);

/* The value of an attribute; p == NULL when there is none. */
struct bytes xml_attribute(struct xml_tag tag, const char *name);

/* A number. ERR_MALFORMED: none, or not one. */
enum err xml_double(struct xml_tag tag, const char *name, double *out) MUST_USE;
enum err xml_u32(struct xml_tag tag, const char *name, uint32_t *out) MUST_USE;

/* The next word of a value that is a list, by spaces or commas; p == NULL at the end. */
struct bytes xml_word(struct bytes *list);

#endif
