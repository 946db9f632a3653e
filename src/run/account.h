/* account.h - what became of every record: the sum that must hold before a commit.
 *
 *     records = loaded + rejected + filtered, for every object
 *
 * Each figure is counted where the thing happens, by different code: records where the parser hands
 * rows out or rejects them, loaded where rows leave for the sink, rejected where a step reports,
 * filtered where a filter says that it dropped on purpose. */
#ifndef PEN_RUN_ACCOUNT_H
#define PEN_RUN_ACCOUNT_H

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>

struct pen_object_account {
    _Atomic uint64_t records, loaded, rejected, filtered;
};

/* The objects first .. first+count-1 of a job's plan. */
struct pen_account {
    struct pen_object_account *objects;
    uint64_t first;
    size_t count;
};

/* pen_account_init - all zero. pen_account_release - frees; NULL and empty are fine. */
PEN_MUST_USE enum pen_code pen_account_init(struct pen_account *account, uint64_t first,
                                            size_t count, struct pen_error *err);
void pen_account_release(struct pen_account *account);

/* pen_account_of - the figures of one object of the range. thread: any (atomic members). */
struct pen_object_account *pen_account_of(struct pen_account *account, uint64_t object_index);

/* pen_account_check - the sum per object, and the rows that the sink says it wrote over all.
 * errors: PEN_ERR_INTERNAL naming the first object that does not add up. thread: after the task. */
PEN_MUST_USE enum pen_code pen_account_check(const struct pen_account *account,
                                             uint64_t rows_in_parts, struct pen_error *err);

/* pen_account_loaded / _rejected / _filtered / _records - sums over the range. */
struct pen_account_totals {
    uint64_t records, loaded, rejected, filtered;
};
struct pen_account_totals pen_account_sum(const struct pen_account *account);

#endif
