#include "cli/server_lock.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static int open_lock(const char *home, int flags)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    if (pen_buf_addf(&path, NULL, "%s/server.lock", home) != PEN_OK) {
        errno = ENOMEM;
        return -1;
    }
    return open(path.ptr, flags | O_CLOEXEC, 0600);
}

enum pen_code pen_server_lock_take(const char *home, struct pen_server_lock *ret_lock,
                                   struct pen_error *err)
{
    int fd = open_lock(home, O_RDWR | O_CREAT);
    if (fd < 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot open '%s/server.lock'", home);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        ret_lock->fd = fd;
        return PEN_OK;
    }
    int error = errno;
    char text[200] = "";
    (void)!read(fd, text, sizeof text - 1); /* only to tell more */
    text[strcspn(text, "\n")] = '\0';
    (void)close(fd); /* nothing was written */
    if (error != EWOULDBLOCK)
        return pen_fail_errno(err, PEN_ERR_IO, error, "cannot lock '%s/server.lock'", home);
    (void)pen_fail(err, PEN_ERR_CONFLICT, "a server runs over '%s' already%s%s", home,
                   text[0] == '\0' ? "" : ": ", text);
    pen_error_hint(err, "stop it, or choose another folder with --home DIR");
    return PEN_ERR_CONFLICT;
}

enum pen_code pen_server_lock_tell(struct pen_server_lock *lock, const char *url,
                                   struct pen_error *err)
{
    if (ftruncate(lock->fd, 0) == 0 && dprintf(lock->fd, "%s pid %ld\n", url, (long)getpid()) > 0)
        return PEN_OK;
    return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write server.lock");
}

void pen_server_lock_release(struct pen_server_lock *lock)
{
    if (lock->fd >= 0)
        (void)close(lock->fd); /* which unlocks; the text is of no use any more */
    lock->fd = -1;
}

bool pen_server_is_running(const char *home)
{
    int fd = open_lock(home, O_RDONLY);
    if (fd < 0)
        return false;
    bool is_running = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(fd); /* which unlocks */
    return is_running;
}
