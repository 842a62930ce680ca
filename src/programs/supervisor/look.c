/* look.c -- what each process was given, told to an administrator's tool that compares. */
#include "programs/supervisor/supervisor.h"

#include "programs/messages.h"

#include <sys/stat.h>

static struct bytes
name_of(const struct plan *plan, uint32_t process)
{
    return bytes_text(process == PLAN_SUPERVISOR ? "" : plan->processes[process].name);
}

static enum err
send_end(struct channel *to, const struct plan *plan, const struct plan_end *end)
{
    struct stat st = {0};
    if (fstat(end->fd, &st) != 0)
        return ERR_IO;
    struct end_row m = {.process = name_of(plan, end->process),
                        .role = (uint8_t)end->role,
                        .name = bytes_text(end->name),
                        .device = st.st_dev,
                        .inode = st.st_ino,
                        .peer = end->pair ? name_of(plan, end->peer) : bytes_text("")};
    return CHANNEL_SEND(to, end_row, &m);
}

static enum err
send_groups(struct channel *to, const struct supervisor *s, size_t process)
{
    enum err e = OK;
    for (enum group_controller c = 0; e == OK && c < GROUP_CONTROLLERS; c++) {
        struct group_limits l = group_limits_of(&s->plan, process);
        char folder[GROUPS_PATH_SIZE] = "";
        groups_path(&s->groups, &s->plan, process, c, folder);
        struct group_row m = {.process = bytes_text(s->plan.processes[process].name),
                              .controller = bytes_text(group_controller_text(c)),
                              .version = (uint8_t)s->groups.at[c].version,
                              .directory = bytes_text(folder),
                              .memory_bytes = l.memory_bytes,
                              .cpu_percent = l.cpu_percent,
                              .weight = l.weight,
                              .processes = l.processes};
        e = CHANNEL_SEND(to, group_row, &m);
    }
    return e;
}

enum err
look_send(struct supervisor *s, struct channel *to)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < s->plan.processes_count; i++) {
        const struct process *p = &s->processes[i];
        struct look_row m = {.process = bytes_text(s->plan.processes[i].name),
                             .program = bytes_text(s->plan.processes[i].program),
                             .control_inode = p->pid > 0 ? p->control_inode : 0,
                             .log_inode = p->pid > 0 ? p->log_inode : 0};
        e = CHANNEL_SEND(to, look_row, &m);
        if (e == OK)
            e = send_groups(to, s, i);
    }
    for (size_t i = 0; e == OK && i < s->plan.ends_count; i++)
        e = send_end(to, &s->plan, &s->plan.ends[i]);
    struct look_end m = {bytes_text(s->plan.state)};
    return e == OK ? CHANNEL_SEND(to, look_end, &m) : e;
}
