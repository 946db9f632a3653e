/* fault_preload.c - a library for LD_PRELOAD that breaks the n-th change of the disk.
 *
 *     write, sync, make, remove under PEN_FAULT_UNDER --count--> the n-th one fails, is torn or is
 * the last
 *
 * Environment:
 *     PEN_FAULT_UNDER   absolute folder; only files in it are counted and broken
 *     PEN_FAULT_CALLS   kinds that count, of "write sync make remove" (default: all)
 *     PEN_FAULT_AT      which one, from 1; 0 or unset: none, only count
 *     PEN_FAULT_HOW     kill     SIGKILL instead of the call
 *                       killed   the call, then SIGKILL
 *                       torn     half of a write, then SIGKILL (other calls: as kill)
 *                       eio      that call fails with EIO
 *                       enospc   that call fails with ENOSPC
 *                       full     that call and every later one that needs room fail with ENOSPC
 *                       dead     that call and every later one fail with EIO
 *     PEN_FAULT_REPORT  file (not below PEN_FAULT_UNDER) that gets "fired <n> <kind> <path>" and,
 *                       at the end of the process, "counted <n>"
 * Calls made by any library of the process are seen as long as they go through libc's symbols;
 * changes through mmap (SQLite's -shm) are not: nothing relies on them after a crash. */
#undef _FILE_OFFSET_BITS /* with it `open` and `open64` would be one symbol here */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum how { HOW_KILL, HOW_KILLED, HOW_TORN, HOW_EIO, HOW_ENOSPC, HOW_FULL, HOW_DEAD };

static struct {
    char under[PATH_MAX];
    size_t under_len;
    const char *calls;
    unsigned long at;
    enum how how;
    int report;
} plan = {.report = -1};

static atomic_ulong counted;
static atomic_bool has_fired;

/* The C library's own function of that name. */
static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    return found;
}
/* ISO C has no cast from object to function pointers; POSIX promises that it works. */
#define CALL_NEXT(name, type, ...)                                                                 \
    __extension__({                                                                                \
        static type real;                                                                          \
        if (real == NULL)                                                                          \
            *(void **)&real = next(name);                                                          \
        real(__VA_ARGS__);                                                                         \
    })

static void report(const char *format, ...)
{
    char line[PATH_MAX + 64];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (plan.report >= 0 && len > 0)
        (void)syscall(SYS_write, plan.report, line, (size_t)len);
}

__attribute__((constructor)) static void begin(void)
{
    static const char *const hows[] = {"kill", "killed", "torn", "eio", "enospc", "full", "dead"};
    const char *under = getenv("PEN_FAULT_UNDER"), *at = getenv("PEN_FAULT_AT");
    const char *how = getenv("PEN_FAULT_HOW"), *to = getenv("PEN_FAULT_REPORT");
    if (under == NULL || realpath(under, plan.under) == NULL)
        return;
    plan.calls = getenv("PEN_FAULT_CALLS");
    plan.at = at == NULL ? 0 : strtoul(at, NULL, 10);
    for (size_t i = 0; how != NULL && i < sizeof hows / sizeof hows[0]; i++)
        if (strcmp(how, hows[i]) == 0)
            plan.how = (enum how)i;
    if (to != NULL)
        plan.report =
            (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    plan.under_len = strlen(plan.under); /* last: from here on calls count */
}

__attribute__((destructor)) static void end(void)
{
    report("counted %lu\n", atomic_load(&counted));
}

static bool is_under(const char *path)
{
    return plan.under_len > 0 && strncmp(path, plan.under, plan.under_len) == 0 &&
           (path[plan.under_len] == '/' || path[plan.under_len] == '\0');
}

/* Where a file is that may have been named relatively; "" when that cannot be known. */
static void place_of(int folder, const char *name, char *out)
{
    char link[64], base[PATH_MAX] = "";
    if (name != NULL && name[0] == '/') {
        (void)snprintf(out, PATH_MAX, "%s", name);
        return;
    }
    (void)snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d",
                   folder);
    ssize_t len = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
    base[len > 0 ? len : 0] = '\0';
    if (name == NULL)
        (void)snprintf(out, PATH_MAX, "%s", base);
    else
        (void)snprintf(out, PATH_MAX, "%s/%s", base, name);
}

static bool is_counted(const char *kind)
{
    return plan.calls == NULL || strstr(plan.calls, kind) != NULL;
}

static void die(void)
{
    (void)syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        (void)syscall(SYS_pause);
}

/* What is to happen with this call. */
struct verdict {
    int error; /* 0: go on */
    bool is_torn, is_last;
};

static struct verdict judge(const char *kind, int folder, const char *name)
{
    struct verdict verdict = {0};
    int saved = errno;
    char path[PATH_MAX];
    if (plan.under_len == 0 || !is_counted(kind))
        return verdict;
    place_of(folder, name, path);
    if (!is_under(path))
        goto out;
    unsigned long n = atomic_fetch_add(&counted, 1) + 1;
    bool is_lasting = plan.how == HOW_FULL || plan.how == HOW_DEAD;
    if (plan.at == 0 || n < plan.at || (n > plan.at && !is_lasting))
        goto out;
    if (plan.how == HOW_FULL && strcmp(kind, "remove") == 0)
        goto out; /* a full disk lets files be removed */
    if (!atomic_exchange(&has_fired, true))
        report("fired %lu %s %s\n", n, kind, path);
    if (plan.how == HOW_KILL || (plan.how == HOW_TORN && strcmp(kind, "write") != 0))
        die();
    verdict.is_torn = plan.how == HOW_TORN;
    verdict.is_last = plan.how == HOW_KILLED;
    if (plan.how == HOW_EIO || plan.how == HOW_DEAD)
        verdict.error = EIO;
    else if (plan.how == HOW_ENOSPC || plan.how == HOW_FULL)
        verdict.error = ENOSPC;
out:
    errno = saved;
    return verdict;
}

/* The rest of a broken call: fails, or lets it be the process's last. */
#define BREAK_IF(verdict)                                                                          \
    if ((verdict).error != 0) {                                                                    \
        errno = (verdict).error;                                                                   \
        return -1;                                                                                 \
    }
#define END_IF(verdict)                                                                            \
    if ((verdict).is_last || (verdict).is_torn)                                                    \
        die();

/* --- write ------------------------------------------------------------------------------------ */

typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);

ssize_t write(int fd, const void *bytes, size_t len);
ssize_t write(int fd, const void *bytes, size_t len)
{
    struct verdict verdict = judge("write", fd, NULL);
    BREAK_IF(verdict)
    ssize_t done = CALL_NEXT("write", write_fn *, fd, bytes, verdict.is_torn ? len / 2 : len);
    END_IF(verdict)
    return done;
}

static ssize_t pwrite_at(int fd, const void *bytes, size_t len, off_t at)
{
    struct verdict verdict = judge("write", fd, NULL);
    BREAK_IF(verdict)
    ssize_t done =
        CALL_NEXT("pwrite64", pwrite_fn *, fd, bytes, verdict.is_torn ? len / 2 : len, at);
    END_IF(verdict)
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at);
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return pwrite_at(fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at);
ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
    return pwrite_at(fd, bytes, len, at);
}

/* Growing and cutting a file need room as well. */
static int resize(int fd, off_t size)
{
    struct verdict verdict = judge("write", fd, NULL);
    BREAK_IF(verdict)
    int done = (int)syscall(SYS_ftruncate, fd, size);
    END_IF(verdict)
    return done;
}

int ftruncate(int fd, off_t size);
int ftruncate(int fd, off_t size)
{
    return resize(fd, size);
}

int ftruncate64(int fd, off_t size);
int ftruncate64(int fd, off_t size)
{
    return resize(fd, size);
}

/* --- sync ------------------------------------------------------------------------------------- */

typedef int fd_fn(int);

int fsync(int fd);
int fsync(int fd)
{
    struct verdict verdict = judge("sync", fd, NULL);
    BREAK_IF(verdict)
    int done = CALL_NEXT("fsync", fd_fn *, fd);
    END_IF(verdict)
    return done;
}

int fdatasync(int fd);
int fdatasync(int fd)
{
    struct verdict verdict = judge("sync", fd, NULL);
    BREAK_IF(verdict)
    int done = CALL_NEXT("fdatasync", fd_fn *, fd);
    END_IF(verdict)
    return done;
}

/* --- make ------------------------------------------------------------------------------------- */

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    bool is_made = (flags & O_CREAT) != 0 && syscall(SYS_faccessat, folder, path, F_OK) != 0;
    struct verdict verdict = is_made ? judge("make", folder, path) : (struct verdict){0};
    BREAK_IF(verdict)
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    END_IF(verdict)
    return fd;
}

/* The mode, which is there only when a file may be made. */
#define MODE_OF(flags, last, mode)                                                                 \
    mode_t mode = 0;                                                                               \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                  \
        va_list args;                                                                              \
        va_start(args, last);                                                                      \
        mode = va_arg(args, mode_t);                                                               \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...);
int open(const char *path, int flags, ...)
{
    MODE_OF(flags, flags, mode)
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...);
int open64(const char *path, int flags, ...)
{
    MODE_OF(flags, flags, mode)
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...);
int openat(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags, flags, mode)
    return open_at(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...);
int openat64(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags, flags, mode)
    return open_at(folder, path, flags, mode);
}

int mkdir(const char *path, mode_t mode);
int mkdir(const char *path, mode_t mode)
{
    if (syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0) {
        errno = EEXIST;
        return -1;
    }
    struct verdict verdict = judge("make", AT_FDCWD, path);
    BREAK_IF(verdict)
    int done = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    END_IF(verdict)
    return done;
}

/* --- remove ----------------------------------------------------------------------------------- */

int unlink(const char *path);
int unlink(const char *path)
{
    struct verdict verdict = judge("remove", AT_FDCWD, path);
    BREAK_IF(verdict)
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    END_IF(verdict)
    return done;
}

int rename(const char *from, const char *to);
int rename(const char *from, const char *to)
{
    struct verdict verdict = judge("remove", AT_FDCWD, to);
    BREAK_IF(verdict)
    int done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0u);
    END_IF(verdict)
    return done;
}
