#include "meta/job_owner.h"

#include "base/uuid.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST_MAX 63

struct owner {
    char host[HOST_MAX + 1];
    long pid;
    unsigned long long start;
    uint64_t place;
};

static size_t read_text(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);
    if (fd >= 0)
        (void)close(fd); /* only read */
    out[n < 0 ? 0 : n] = '\0';
    return n < 0 ? 0 : (size_t)n;
}

static uint64_t hash(uint64_t seed, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++)
        seed = (seed ^ at[i]) * UINT64_C(0x100000001b3);
    return seed;
}

/* 0: unknown, and then nothing is ever said to be gone. */
static uint64_t find_place(void)
{
    char boot[64];
    struct stat namespace;
    size_t len = read_text("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    if (len == 0 || stat("/proc/self/ns/pid", &namespace) != 0)
        return 0;
    uint64_t place = hash(UINT64_C(0xcbf29ce484222325), boot, len);
    return hash(place, &namespace.st_ino, sizeof namespace.st_ino);
}

/* When the process was started, in ticks since the boot, and its state; false when there is no such
 * process. source: proc(5), stat: pid (name) state ... starttime is the 22nd; a name may hold ')'.
 */
static bool find_process(long pid, char *ret_state, unsigned long long *ret_start)
{
    char path[40], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid); /* fits */
    if (read_text(path, text, sizeof text) == 0)
        return false;
    const char *at = strrchr(text, ')');
    if (at == NULL || at[1] != ' ' || at[2] == '\0')
        return false;
    *ret_state = at[2];
    at += 2;
    for (int field = 3; at != NULL && field < 22; field++) {
        at = strchr(at, ' ');
        at = at == NULL ? NULL : at + 1;
    }
    if (at == NULL)
        return false;
    *ret_start = strtoull(at, NULL, 10);
    return true;
}

static bool parse(const char *text, struct owner *ret_owner)
{
    return sscanf(text, "%63[^:]:%ld:%llu:%" SCNx64 ":", ret_owner->host, &ret_owner->pid,
                  &ret_owner->start, &ret_owner->place) == 4;
}

void pen_job_owner_make(char out[PEN_JOB_OWNER_TEXT])
{
    char host[HOST_MAX + 1] = "", id[PEN_UUID_TEXT], state = 0;
    unsigned long long start = 0;
    (void)gethostname(host, HOST_MAX); /* only a name for people */
    for (char *c = host; *c != '\0'; c++)
        *c = *c == ':' ? '-' : *c;
    (void)find_process(getpid(), &state, &start); /* without /proc the place is unknown too */
    pen_uuid_v7(id);
    (void)snprintf(out, PEN_JOB_OWNER_TEXT, "%s:%ld:%llu:%" PRIx64 ":%s",
                   host[0] == '\0' ? "localhost" : host, (long)getpid(), start, find_place(), id);
}

bool pen_job_owner_is_gone(const char *owner)
{
    struct owner held;
    char state = 0;
    unsigned long long start = 0;
    if (owner == NULL || !parse(owner, &held) || held.pid <= 0 || held.place == 0 ||
        held.place != find_place())
        return false;
    if (!find_process(held.pid, &state, &start))
        return access("/proc/self/stat", R_OK) == 0; /* else /proc itself is missing */
    return start != held.start || state == 'Z' || state == 'X';
}

const char *pen_job_owner_name(const char *owner, char out[PEN_JOB_OWNER_TEXT])
{
    struct owner held;
    if (owner != NULL && parse(owner, &held))
        (void)snprintf(out, PEN_JOB_OWNER_TEXT, "%s:%ld", held.host, held.pid);
    else
        (void)snprintf(out, PEN_JOB_OWNER_TEXT, "%s", owner == NULL ? "" : owner);
    return out;
}
