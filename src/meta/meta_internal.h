/* meta_internal.h - what the files of meta/ share. */
#ifndef PEN_META_META_INTERNAL_H
#define PEN_META_META_INTERNAL_H

#include "base/arena.h"
#include "db/db.h"

/* pen_meta_enter - opens a transaction unless the caller has one; *ret_is_own says which.
 * pen_meta_leave - with an own transaction: commits when code is PEN_OK, else rolls back. Returns
 * the code of the whole. */
PEN_MUST_USE enum pen_code pen_meta_enter(struct pen_db *db, bool *ret_is_own,
                                          struct pen_error *err);
PEN_MUST_USE enum pen_code pen_meta_leave(struct pen_db *db, bool is_own, enum pen_code code,
                                          struct pen_error *err);

/* pen_meta_next_id - max + 1, from 1; call it inside a transaction. */
PEN_MUST_USE enum pen_code pen_meta_next_id(struct pen_db *db, const char *sql, int64_t *ret_id,
                                            struct pen_error *err);

#endif
