/* audit.h - who changed what over the API, and logins, good and bad. Rows are only ever added.
 * All functions as in job.h. */
#ifndef PEN_META_AUDIT_H
#define PEN_META_AUDIT_H

#include "base/arena.h"
#include "db/db.h"

struct pen_audit {
    int64_t audit_id; /* from 1, in the order of the entries */
    int64_t at_us;
    const char *user_name; /* "" for nobody */
    const char *action;    /* "login", "POST /v3/job/kill/:id" */
    const char *subject;   /* the path, or the name that wanted to log in */
    const char *peer;      /* the client's address */
    int64_t status;        /* the reply's HTTP status */
};

/* pen_audit_add - everything but audit_id is used. */
PEN_MUST_USE enum pen_code pen_audit_add(struct pen_db *db, const struct pen_audit *entry,
                                         struct pen_error *err);

/* Which entries: newest first. */
struct pen_audit_filter {
    int64_t before_id; /* only older ones; 0: from the newest */
    size_t max;
};
PEN_MUST_USE enum pen_code pen_audit_list(struct pen_db *db, const struct pen_audit_filter *filter,
                                          struct pen_arena *arena, struct pen_audit **ret_entries,
                                          size_t *ret_count, struct pen_error *err);

/* pen_audit_failed_logins - how many logins failed since then, for that name and from that address.
 * cost: the failed logins of that time. */
PEN_MUST_USE enum pen_code pen_audit_failed_logins(struct pen_db *db, const char *name,
                                                   const char *peer, int64_t since_us,
                                                   int64_t *ret_of_name, int64_t *ret_of_peer,
                                                   struct pen_error *err);

#endif
