#include "field/common/fetch.h"

#include <strings.h>
#include <curl/curl.h>

enum { CONNECT_TIMEOUT_MS = 3000 };

static size_t
on_body(char *p, size_t size, size_t count, void *ctx)
{
    struct buf *out = ctx;
    buf_put(out, bytes_of(p, size * count));
    return out->overflow ? 0 : size * count; /* fewer than given ends the transfer */
}

/* Keep the value of a header line if it has this name. */
static void
header_keep(struct bytes line, const char *name, char *to, size_t size)
{
    size_t n = strlen(name);
    if (line.len <= n || strncasecmp((const char *)line.p, name, n) != 0 || line.p[n] != ':')
        return;
    size_t at = n + 1;
    while (at < line.len && (line.p[at] == ' ' || line.p[at] == '\t'))
        at++;
    struct bytes value = bytes_of(line.p + at, line.len - at);
    while (value.len && value.p[value.len - 1] <= ' ')
        value.len--;
    if (bytes_copy_text(value, to, size) != OK)
        to[0] = '\0';
}

static size_t
on_header(char *p, size_t size, size_t count, void *ctx)
{
    struct fetch *f = ctx;
    struct bytes line = bytes_of(p, size * count);
    header_keep(line, "location", f->location, sizeof(f->location));
    header_keep(line, "content-type", f->content_type, sizeof(f->content_type));
    return size * count;
}

static void
use_identity(CURL *curl, const struct fetch_identity *id)
{
    curl_easy_setopt(curl, CURLOPT_SSLCERT, id->certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, id->key);
    curl_easy_setopt(curl, CURLOPT_CAINFO, id->issuer);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
}

static struct curl_slist *
use_body(CURL *curl, struct bytes body)
{
    if (body.len == 0)
        return NULL;
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    ASSERT(list);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.p);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    return list;
}

enum err
fetch_run(struct fetch *f, struct buf *out)
{
    ASSERT(f->url && f->timeout_ms > 0);
    char why[CURL_ERROR_SIZE] = "";
    f->status = 0;
    f->location[0] = f->content_type[0] = f->error[0] = '\0';
    CURL *curl = curl_easy_init();
    ASSERT(curl);
    curl_easy_setopt(curl, CURLOPT_URL, f->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, f->identity ? "https" : "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, f->identity ? NULL : "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, f);
    if (f->identity)
        use_identity(curl, f->identity);
    struct curl_slist *headers = use_body(curl, f->body);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &f->status);
    else
        snprintf(f->error, sizeof(f->error), "%s", why[0] ? why : curl_easy_strerror(code));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (out->overflow)
        return ERR_LIMIT;
    return code == CURLE_OK ? OK : ERR_IO;
}
