#include "sensorthings/root.h"

#include "base/text.h"
#include "sensorthings/page.h"

/* What holds, and where: 18-088 and 17-079r1 by the names of their requirement classes. */
enum condition { ALWAYS, WITH_MQTT, WITH_TASKS, WITH_MQTT_TASKS };
static const struct {
    enum condition when;
    const char *name;
    const char *topics; /* JSON, of the classes that are spoken by MQTT */
} classes[] = {
    {ALWAYS, "iot_sensing/1.1/req/datamodel/thing", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/location", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/historical-location", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/datastream", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/sensor", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/observed-property", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/observation", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/feature-of-interest", NULL},
    {ALWAYS, "iot_sensing/1.1/req/datamodel/entity-control-information", NULL},
    {ALWAYS, "iot_sensing/1.1/req/resource-path", NULL},
    {ALWAYS, "iot_sensing/1.1/req/request-data", NULL},
    {ALWAYS, "iot_sensing/1.1/req/create-update-delete", NULL},
    {ALWAYS, "iot_sensing/1.1/req/batch-request", NULL},
    {ALWAYS, "iot_sensing/1.1/req/multi-datastream", NULL},
    {ALWAYS, "iot_sensing/1.1/req/data-array", NULL},
    {WITH_MQTT, "iot_sensing/1.1/req/create-observations-via-mqtt",
     "[\"v1.1/Observations\",\"v1.1/Datastreams(ID)/Observations\",\"v1.1/MultiDatastreams(ID)/"
     "Observations\",\"v1.1/FeaturesOfInterest(ID)/Observations\"]"},
    {WITH_MQTT, "iot_sensing/1.1/req/receive-updates-via-mqtt",
     "[\"v1.1/SET\",\"v1.1/SET(ID)\",\"v1.1/SET(ID)/PROPERTY\",\"v1.1/SET(ID)/RELATION\","
     "\"v1.1/SET?$select=PROPERTY,PROPERTY\"]"},
    {WITH_TASKS, "iot_tasking/1.0/req/tasking-capability", NULL},
    {WITH_TASKS, "iot_tasking/1.0/req/task", NULL},
    {WITH_TASKS, "iot_tasking/1.0/req/actuator", NULL},
    {WITH_TASKS, "iot_tasking/1.0/req/create-tasks", NULL},
    {WITH_MQTT_TASKS, "iot_tasking/1.0/req/create-tasks-via-mqtt",
     "[\"v1.1/Tasks\",\"v1.1/TaskingCapabilities(ID)/Tasks\"]"},
    {WITH_MQTT_TASKS, "iot_tasking/1.0/req/receive-updates-via-mqtt",
     "[\"v1.1/Tasks\",\"v1.1/Tasks(ID)\",\"v1.1/TaskingCapabilities(ID)/Tasks\"]"},
};
static const char prefix[] = "http://www.opengis.net/spec/";

static bool
holds(const struct sta_view *view, enum condition when)
{
    bool mqtt = view->mqtt_url.len > 0, tasks = view->graph->tasking;
    switch (when) {
    case ALWAYS:
        return true;
    case WITH_MQTT:
        return mqtt;
    case WITH_TASKS:
        return tasks;
    case WITH_MQTT_TASKS:
        break;
    }
    return mqtt && tasks;
}

bool
sta_set_shown(const struct sta_view *view, enum sta_type type)
{
    return !sta_is_tasking(type) || view->graph->tasking;
}

void
sta_root_put(const struct sta_view *view, struct buf *out)
{
    buf_text(out, "{\"value\":[");
    for (enum sta_type t = STA_THING; t < STA_TYPE_COUNT; t++) {
        if (!sta_set_shown(view, t))
            continue;
        sta_separate(out);
        buf_format(out, "{\"name\":\"%s\",\"url\":\"", sta_type_info(t)->set);
        buf_put(out, view->base_url);
        buf_format(out, "/%s\"}", sta_type_info(t)->set);
    }
    buf_text(out, "],\"serverSettings\":{\"conformance\":[");
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++) {
        if (!holds(view, classes[i].when))
            continue;
        sta_separate(out);
        buf_format(out, "\"%s%s\"", prefix, classes[i].name);
    }
    buf_byte(out, ']');
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++) {
        if (!classes[i].topics || !holds(view, classes[i].when))
            continue;
        buf_format(out, ",\"%s%s\":{\"endpoints\":[", prefix, classes[i].name);
        text_put_json(out, view->mqtt_url);
        buf_format(out, "],\"topics\":%s}", classes[i].topics);
    }
    buf_text(out, "}}");
}

static void
put_html_url(struct buf *out, struct bytes url)
{
    for (size_t i = 0; i < url.len; i++) {
        uint8_t c = url.p[i];
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            buf_format(out, "&#%u;", (unsigned)c);
        else
            buf_byte(out, c);
    }
}

void
sta_welcome(const struct sta_view *view, bool html, struct buf *out)
{
    if (!html) {
        buf_text(out, "{\"what\":\"A zone of a city on Bulkhead: OGC SensorThings API 1.1\","
                      "\"serviceRoot\":");
        text_put_json(out, view->base_url);
        buf_text(out, ",\"openapi\":\"");
        buf_put(out, view->base_url);
        buf_text(out, "/api\",\"token\":\"A caller asks with a certificate of the city's people "
                      "and a bearer token of the judge: bulkhead token --help\"");
        if (view->mqtt_url.len) {
            buf_text(out, ",\"mqtt\":");
            text_put_json(out, view->mqtt_url);
        }
        buf_byte(out, '}');
        return;
    }
    buf_text(out, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
                  "<title>A zone of a city on Bulkhead</title>\n"
                  "<h1>A zone of a city on Bulkhead</h1>\n"
                  "<p>What its devices measure is here, as OGC SensorThings API 1.1.\n<ul>\n"
                  "<li><a href=\"");
    put_html_url(out, view->base_url);
    buf_text(out, "\">The service root</a>: which sets there are, and what of the standard holds. "
                  "Everybody may read it.\n<li><a href=\"");
    put_html_url(out, view->base_url);
    buf_text(out, "/api\">The OpenAPI document</a>: every path and option, for tools.\n");
    if (view->mqtt_url.len) {
        buf_text(out, "<li><code>");
        put_html_url(out, view->mqtt_url);
        buf_text(out, "</code>: the same by MQTT, for devices and subscribers.\n");
    }
    buf_text(out, "</ul>\n<p>Data are read with a certificate of the city's people and a token for "
                  "one purpose, which the judge gives:\n<pre>bulkhead token --help</pre>\n"
                  "<p>Every read of data stands in the city's log before the answer leaves.\n");
}
