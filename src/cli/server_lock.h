/* server_lock.h - <home>/server.lock: which server runs over this home.
 *
 * The server holds a lock on the file as long as it lives; the kernel lets go of it however the
 * process ends, so nobody mistakes a dead server for a running one. The file's text says where the
 * server is. */
#ifndef PEN_CLI_SERVER_LOCK_H
#define PEN_CLI_SERVER_LOCK_H

#include "base/cleanup.h"
#include "base/error.h"

struct pen_server_lock {
    int fd; /* -1: not held */
};

/* pen_server_lock_take - errors: PEN_ERR_CONFLICT another server has this home. */
PEN_MUST_USE enum pen_code pen_server_lock_take(const char *home, struct pen_server_lock *ret_lock,
                                                struct pen_error *err);

/* pen_server_lock_tell - writes where the server listens. */
PEN_MUST_USE enum pen_code pen_server_lock_tell(struct pen_server_lock *lock, const char *url,
                                                struct pen_error *err);

/* pen_server_lock_release - fine when it is not held. */
void pen_server_lock_release(struct pen_server_lock *lock);

/* pen_server_is_running - whether a server has this home now. */
bool pen_server_is_running(const char *home);

#endif
