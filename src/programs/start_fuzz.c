/*
 * Frames as a process takes them at its start. A message that is refused leaves the counts as they
 * were; what was taken is found again by its name, and after the wipe no key is there.
 */
#include "base/fuzz.h"
#include "base/text.h"
#include "programs/messages.h"
#include "programs/start.h"
#include "wire/channel.h"

static size_t
rows(const struct start *s)
{
    return s->classes_count + s->callers_count + s->commands_count + s->envelope_count +
           s->conduits_count + s->keys_count + s->texts_count + s->fds_count;
}

static void
check_found(const struct start *s)
{
    for (size_t i = 0; i < s->classes_count; i++)
        ASSERT(start_class(s, bytes_text(s->classes[i].name)));
    for (size_t i = 0; i < s->callers_count; i++)
        ASSERT(start_caller(s, bytes_text(s->callers[i].name)));
    for (size_t i = 0; i < s->commands_count; i++)
        ASSERT(start_command(s, bytes_text(s->commands[i].name)));
    for (size_t i = 0; i < s->keys_count; i++)
        ASSERT(start_key(s, s->keys[i].role, NULL) &&
               start_key(s, s->keys[i].role, s->keys[i].name));
    for (size_t i = 0; i < s->fds_count; i++)
        ASSERT(start_fd(s, s->fds[i].role, s->fds[i].name) == 7);
    ASSERT(start_fd(s, FD_CORE, "no such name") < 0);
    if (s->callers_count)
        (void)start_list_has(s->callers[0].zones, bytes_text("bikes"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct start s;
    memset(&s, 0, sizeof(s));
    uint8_t *exact = fuzz_exact(bytes_of(data, size));
    struct bytes rest = bytes_of(exact, size), body;
    uint16_t id;
    while (channel_next_frame(&rest, &id, &body) == OK) {
        size_t before = rows(&s);
        enum err e = start_take(&s, id, body, id == give_descriptor_id && body.len % 8 ? 7 : -1);
        ASSERT(e == OK || rows(&s) == before);
        ASSERT(start_take(&s, give_zone_id, body, 7) == ERR_MALFORMED); /* nobody asked for it */
    }
    free(exact);
    check_found(&s);
    (void)start_text(&s, TEXT_BASE_URL);
    start_wipe(&s);
    ASSERT(!start_key(&s, KEY_JUDGE_SECRET, NULL));
    for (size_t i = 0; i < s.texts_count; i++)
        buf_fini(&s.texts[i].text);
    return 0;
}
