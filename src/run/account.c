#include "run/account.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum pen_code pen_account_init(struct pen_account *account, uint64_t first, size_t count,
                               struct pen_error *err)
{
    account->objects = calloc(count + 1, sizeof *account->objects);
    if (account->objects == NULL)
        return pen_fail_nomem(err);
    account->first = first;
    account->count = count;
    return PEN_OK;
}

void pen_account_release(struct pen_account *account)
{
    if (account == NULL)
        return;
    free(account->objects);
    *account = (struct pen_account){0};
}

struct pen_object_account *pen_account_of(struct pen_account *account, uint64_t object_index)
{
    assert(object_index >= account->first && object_index - account->first < account->count);
    return &account->objects[object_index - account->first];
}

static struct pen_account_totals read_one(const struct pen_object_account *object)
{
    return (struct pen_account_totals){
        .records = atomic_load_explicit(&object->records, memory_order_relaxed),
        .loaded = atomic_load_explicit(&object->loaded, memory_order_relaxed),
        .rejected = atomic_load_explicit(&object->rejected, memory_order_relaxed),
        .filtered = atomic_load_explicit(&object->filtered, memory_order_relaxed),
    };
}

struct pen_account_totals pen_account_sum(const struct pen_account *account)
{
    struct pen_account_totals sum = {0};
    for (size_t i = 0; i < account->count; i++) {
        struct pen_account_totals one = read_one(&account->objects[i]);
        sum.records += one.records;
        sum.loaded += one.loaded;
        sum.rejected += one.rejected;
        sum.filtered += one.filtered;
    }
    return sum;
}

enum pen_code pen_account_check(const struct pen_account *account, uint64_t rows_in_parts,
                                struct pen_error *err)
{
    for (size_t i = 0; i < account->count; i++) {
        struct pen_account_totals one = read_one(&account->objects[i]);
        if (one.records != one.loaded + one.rejected + one.filtered)
            return pen_fail(err, PEN_ERR_INTERNAL,
                            "object %" PRIu64 " does not add up: %" PRIu64 " records, but %" PRIu64
                            " loaded + %" PRIu64 " rejected + %" PRIu64 " filtered",
                            account->first + i, one.records, one.loaded, one.rejected,
                            one.filtered);
    }
    struct pen_account_totals sum = pen_account_sum(account);
    if (sum.loaded != rows_in_parts)
        return pen_fail(err, PEN_ERR_INTERNAL,
                        "%" PRIu64 " rows went to the sink, but its parts hold %" PRIu64,
                        sum.loaded, rows_in_parts);
    return PEN_OK;
}
