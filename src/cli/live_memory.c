/*
 * live_memory.c -- what is mapped: nothing that could be written and run, and nothing executable
 * but the program itself and the libraries that the loader loads for it.
 */
#include "cli/live.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_SIZE = 700, LIBRARIES_MAX = 64, PATH_SIZE = 600 };

struct mapping {
    char permissions[8], device[16], path[LINE_SIZE];
    unsigned long long inode;
};

static bool
parse(const char *line, struct mapping *m)
{
    m->path[0] = '\0';
    return sscanf(line, "%*s %7s %*s %15s %llu %699[^\n]", m->permissions, m->device, &m->inode,
                  m->path) >= 3;
}

/* ---- the libraries of a program ---------------------------------------------------------------
 */

struct library {
    char path[PATH_SIZE];
    uint64_t inode;
};
static struct library libraries[LIBRARIES_MAX];
static size_t libraries_count;
static char libraries_of[PATH_SIZE];

/* One line of the loader's: "NAME => PATH (0x...)", or "PATH (0x...)" for the loader itself. */
static void
take_line(char *line)
{
    char *path = strstr(line, "=> ");
    path = path ? path + 3 : strchr(line, '/');
    if (!path || path[0] != '/' || libraries_count == LIBRARIES_MAX)
        return;
    path[strcspn(path, " \n")] = '\0';
    struct library *l = &libraries[libraries_count];
    struct stat st;
    char *real = realpath(path, NULL);
    if (real && strlen(real) < sizeof(l->path) && stat(real, &st) == 0) {
        snprintf(l->path, sizeof(l->path), "%s", real);
        l->inode = st.st_ino;
        libraries_count++;
    }
    free(real);
}

/* The loader itself says what it loads for an installed program: ld.so(8), as ldd(1) asks it. */
static void
list_libraries(const char *program)
{
    static char trace[] = "LD_TRACE_LOADED_OBJECTS=1";
    static char *const environment[] = {trace, NULL};
    char *const arguments[] = {(char *)(uintptr_t)program, NULL};
    int fds[2];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    if (strcmp(libraries_of, program) == 0 || pipe2(fds, O_CLOEXEC) != 0)
        return;
    libraries_count = 0;
    snprintf(libraries_of, sizeof(libraries_of), "%s", program);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    int failed = posix_spawn(&pid, program, &actions, NULL, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    FILE *f = fdopen(fds[0], "r");
    char line[LINE_SIZE];
    while (f && fgets(line, sizeof(line), f))
        take_line(line);
    if (f)
        fclose(f);
    if (!failed)
        waitpid(pid, NULL, 0);
}

static bool
is_library(const struct mapping *m)
{
    for (size_t i = 0; i < libraries_count; i++)
        if (libraries[i].inode == m->inode && strcmp(libraries[i].path, m->path) == 0)
            return true;
    return false;
}

/* ---- what is mapped ---------------------------------------------------------------------------
 */

/* A core maps its own store's index: data, never code. */
static bool
is_own_store(const struct live *l, const struct mapping *m)
{
    char path[PLAN_PATH_SIZE + 128], file[PLAN_PATH_SIZE + 400];
    bool found = false;
    if (l->planned->kind != PROCESS_CORE)
        return false;
    snprintf(path, sizeof(path), "%s/zones/%s/store", l->city->plan->state,
             l->city->plan->charter->zones[l->planned->zone].name);
    DIR *d = opendir(path);
    for (struct dirent *entry; d && !found && (entry = readdir(d));) {
        struct stat st;
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        found = lstat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == m->inode;
    }
    if (d)
        closedir(d);
    return found;
}

static unsigned long long last_stranger; /* mapped in pieces: one alarm is enough */

static void
look_at(struct live *l, const struct mapping *m, uint64_t program)
{
    bool runs = strchr(m->permissions, 'x') != NULL;
    if (runs && strchr(m->permissions, 'w'))
        live_alarm(l, "memory", "writable or executable", "both: %s %s", m->permissions,
                   m->path[0] ? m->path : "anonymous");
    else if (runs && m->inode == 0 && strcmp(m->path, "[vdso]") != 0 &&
             strcmp(m->path, "[vsyscall]") != 0)
        live_alarm(l, "memory", "code from files alone", "executable %s",
                   m->path[0] ? m->path : "anonymous memory");
    if (m->inode == 0 || m->inode == program || is_library(m))
        return;
    bool secret = strncmp(m->path, "/secretmem", 10) == 0; /* memfd_secret: keys, locked */
    if (m->inode != last_stranger && (runs || !(secret || is_own_store(l, m))))
        live_alarm(l, "memory", "its program, its libraries", "%s", m->path);
    last_stranger = m->inode;
}

void
live_memory(struct live *l)
{
    char path[64], line[LINE_SIZE];
    struct stat st = {0};
    size_t lines = 0;
    last_stranger = 0;
    list_libraries(l->planned->program);
    snprintf(path, sizeof(path), "/proc/%u/exe", l->pid);
    if (stat(path, &st) != 0)
        st.st_ino = 0;
    snprintf(path, sizeof(path), "/proc/%u/maps", l->pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        struct mapping m;
        if (!parse(line, &m))
            continue;
        lines++;
        look_at(l, &m, st.st_ino);
    }
    if (f)
        fclose(f);
    if (lines == 0)
        live_alarm(l, "memory", "a list of mappings", "nothing that can be looked at");
}
