#include "drill/victims.h"

#include "base/buf.h"
#include "base/random.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANARY_SIZE = 16, SHM_SIZE = 4096 };

/* What the victim tells its maker when everything stands. */
struct planted {
    uint16_t tcp_port, udp_port;
    uint64_t address;
    int sysv_id;
    key_t sysv_key;
    bool good;
    int error; /* errno, when not good */
};

static uint8_t canary[CANARY_SIZE];
static char canary_hex[2 * CANARY_SIZE + 1];

static bool
write_file(const char *directory, const char *name, mode_t mode)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool good = fchmod(fd, mode) == 0 &&
                write(fd, canary_hex, sizeof(canary_hex) - 1) == (ssize_t)sizeof(canary_hex) - 1;
    close(fd);
    return good;
}

static uint16_t
listen_on_loopback(int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        (type == SOCK_STREAM && listen(fd, 8) != 0) ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.sin_port);
}

static bool
listen_on_unix(const char *path, bool abstract, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len + 1 >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path + (abstract ? 1 : 0), path, len);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
                (type != SOCK_STREAM || listen(fd, 8) == 0);
    if (good && !abstract)
        good = chmod(path, 0777) == 0;
    return good;
}

/* Runs as the victim: plant, say so, wait for the end of life_fd. Never returns. */
static void __attribute__((noreturn))
be_victim(const struct victims *v, bool root, int tell_fd, int life_fd)
{
    struct planted planted = {0};
    char path[400], abstract[400];
    umask(0);
    signal(SIGPIPE, SIG_IGN);
    bool good = !root ||
                (setgroups(0, NULL) == 0 && setresgid(VICTIMS_UID, VICTIMS_UID, VICTIMS_UID) == 0 &&
                 setresuid(VICTIMS_UID, VICTIMS_UID, VICTIMS_UID) == 0);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    uint8_t *secret = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (good && secret != MAP_FAILED) {
        memcpy(secret, canary_hex, sizeof(canary_hex));
        planted.address = (uint64_t)(uintptr_t)secret;
    }
    planted.tcp_port = listen_on_loopback(SOCK_STREAM);
    planted.udp_port = listen_on_loopback(SOCK_DGRAM);
    snprintf(abstract, sizeof(abstract), "bulkhead-drill-%s", v->directory + 5);
    good = good && listen_on_unix(abstract, true, SOCK_STREAM);
    snprintf(path, sizeof(path), "%s/unix", v->directory);
    good = good && listen_on_unix(path, false, SOCK_STREAM);
    snprintf(path, sizeof(path), "%s/dgram", v->directory);
    good = good && listen_on_unix(path, false, SOCK_DGRAM);
    good = good && write_file(v->directory, "file", 0644) &&
           write_file(v->directory, "secretfile", 0600);
    int error = good ? 0 : errno;
    int shm_fd = shm_open(v->shm_name, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (shm_fd < 0 && !error)
        error = errno;
    good = good && shm_fd >= 0 && ftruncate(shm_fd, SHM_SIZE) == 0 &&
           write(shm_fd, canary_hex, sizeof(canary_hex)) > 0;
    planted.sysv_key = (key_t)(0x42480000 | (getpid() & 0xffff));
    planted.sysv_id = shmget(planted.sysv_key, SHM_SIZE, IPC_CREAT | IPC_EXCL | 0666);
    planted.good =
        good && planted.sysv_id >= 0 && planted.tcp_port && planted.udp_port && planted.address;
    planted.error = error ? error : errno;
    if (write(tell_fd, &planted, sizeof(planted)) != (ssize_t)sizeof(planted))
        _exit(1);
    char byte;
    while (read(life_fd, &byte, 1) < 0 && errno == EINTR)
        continue;
    _exit(0);
}

static void
put_targets(struct victims *v, const struct planted *planted)
{
    int n = snprintf(v->targets, sizeof(v->targets),
                     "file=%s/file\nsecretfile=%s/secretfile\ndir=%s/dir\npid=%d\nport=%u\nudp=%u\n"
                     "abstract=bulkhead-drill-%s\nunix=%s/unix\ndgram=%s/dgram\nshm=%s\nsysv=%d\n"
                     "canary=%s\nmemory=0x%llx\n",
                     v->directory, v->directory, v->directory, v->pid, planted->tcp_port,
                     planted->udp_port, v->directory + 5, v->directory, v->directory, v->shm_name,
                     planted->sysv_key, canary_hex, (unsigned long long)planted->address);
    ASSERT(n > 0 && (size_t)n < sizeof(v->targets));
}

enum err
victims_plant(struct victims *v, bool root)
{
    struct random_source random = random_system();
    struct planted planted = {0};
    char path[400];
    int tell[2], life[2];
    random_fill(&random, canary, sizeof(canary));
    for (size_t i = 0; i < CANARY_SIZE; i++)
        snprintf(canary_hex + 2 * i, 3, "%02x", canary[i]);
    *v = (struct victims){.pid = -1, .life_fd = -1, .sysv_id = -1};
    snprintf(v->directory, sizeof(v->directory), "/tmp/bulkhead-victims-XXXXXX");
    if (!mkdtemp(v->directory) || chmod(v->directory, 0777) != 0)
        return ERR_IO;
    snprintf(path, sizeof(path), "%s/dir", v->directory);
    if (mkdir(path, 0777) != 0 || chmod(path, 0777) != 0)
        return ERR_IO;
    snprintf(v->shm_name, sizeof(v->shm_name), "/bulkhead-%s", v->directory + 22);
    if (pipe2(tell, O_CLOEXEC) != 0 || pipe2(life, O_CLOEXEC) != 0)
        return ERR_IO;
    v->pid = fork();
    if (v->pid == 0) {
        close(tell[0]);
        close(life[1]);
        be_victim(v, root, tell[1], life[0]);
    }
    close(tell[1]);
    close(life[0]);
    v->life_fd = life[1];
    bool good = v->pid > 0 && read(tell[0], &planted, sizeof(planted)) == (ssize_t)sizeof(planted);
    close(tell[0]);
    v->sysv_id = good ? planted.sysv_id : -1;
    if (!good || !planted.good) {
        victims_remove(v);
        errno = good ? planted.error : EIO;
        return ERR_IO;
    }
    put_targets(v, &planted);
    return OK;
}

static bool
file_holds_canary(const struct victims *v, const char *name, mode_t mode)
{
    char path[400], text[64];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", v->directory, name);
    if (lstat(path, &st) != 0 || (st.st_mode & 07777) != mode || st.st_nlink != 1)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)sizeof(canary_hex) - 1 && memcmp(text, canary_hex, (size_t)n) == 0;
}

bool
victims_unharmed(const struct victims *v, char *why, size_t why_size)
{
    char path[400];
    const char *what = NULL;
    if (kill(v->pid, 0) != 0)
        what = "the victim process is gone";
    else if (!file_holds_canary(v, "file", 0644))
        what = "the victim's 0644 file changed";
    else if (!file_holds_canary(v, "secretfile", 0600))
        what = "the victim's 0600 file changed";
    snprintf(path, sizeof(path), "%s/dir", v->directory);
    if (!what && rmdir(path) != 0)
        what = "something was left behind in the world-writable directory";
    else if (!what && (mkdir(path, 0777) != 0 || chmod(path, 0777) != 0))
        what = "the world-writable directory could not be made again";
    if (what)
        snprintf(why, why_size, "%s", what);
    return what == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void
victims_remove(struct victims *v)
{
    if (v->life_fd >= 0)
        close(v->life_fd);
    if (v->pid > 0)
        waitpid(v->pid, NULL, 0);
    if (v->sysv_id >= 0)
        shmctl(v->sysv_id, IPC_RMID, NULL);
    if (v->shm_name[0])
        shm_unlink(v->shm_name);
    /* With what an attempt that got through has put there. */
    nftw(v->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    v->pid = -1;
    v->life_fd = -1;
}
