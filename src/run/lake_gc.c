/* lake_gc.c - what nothing needs goes, in an order that a kill at any instant leaves valid:
 *     1. list the files on disk (before the catalog is read: what is made later is not in the list)
 *     2. one transaction: expire snapshots, schedule their files, parts of dead jobs are garbage
 *     3. remove scheduled files past the grace period, then forget them
 *     4. remove garbage, then forget it
 *     5. remove old files of the list that the catalog did not know in 2
 * A file is removed only after a commit that says that nothing refers to it; a name is forgotten
 * only after its file was removed. */
#include "base/buf.h"
#include "base/civil.h"
#include "lake/lake_files.h"
#include "meta/job_plan.h"
#include "meta/part_note.h"
#include "run/lake_walk.h"
#include "run/space.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Removed files whose names are forgotten in one transaction. */
#define FORGET_AT_ONCE 256

/* Garbage that is handed out at once (job_plan.h). */
#define GARBAGE_MAX 1000000

struct gc {
    const struct pen_space_env *env;
    const struct pen_gc_options *options;
    struct pen_gc_result *result;
    int64_t now_us, before_us; /* before_us: older files may go */
    struct pen_arena arena;
    struct pen_walked_file *walked;
    size_t walked_count;
    struct pen_lake_scheduled *due;
    size_t due_count;
    struct pen_garbage *garbage;
    size_t garbage_count;
    struct pen_noted_part *noted;
    size_t noted_count;
    const char **known; /* sorted */
    size_t known_count;
};

/* --- look (steps 1 and 2) ----------------------------------------------------------------------
 */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_known(const struct gc *gc, const char *path)
{
    return gc->known_count > 0 &&
           bsearch(&path, gc->known, gc->known_count, sizeof *gc->known, compare_texts) != NULL;
}

static enum pen_code part_path(const char *folder, const char *file_name, struct pen_arena *arena,
                               const char **ret_path, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s%s", folder, file_name));
    return pen_arena_text(arena, pen_buf_slice(&path), ret_path, err);
}

static enum pen_code list_scheduled(struct gc *gc, struct pen_lake_txn *txn, struct pen_error *err)
{
    struct pen_lake_scheduled *all = NULL;
    size_t count = 0;
    PEN_TRY(pen_lake_scheduled_list(txn, INT64_MAX, &gc->arena, &all, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!all[i].is_ours)
            gc->result->foreign++;
        else if (all[i].since_us > gc->before_us)
            gc->result->waiting++;
        else
            all[gc->due_count++] = all[i];
    }
    gc->due = all;
    return PEN_OK;
}

static enum pen_code look_in(struct pen_lake_txn *txn, struct gc *gc, struct pen_error *err)
{
    const struct pen_gc_options *options = gc->options;
    struct pen_db *db = pen_lake_txn_db(txn);
    struct pen_lake_expired expired;
    const struct pen_lake_expiry expiry = {.has_keep = options->has_keep,
                                           .has_before = options->has_expire,
                                           .keep = options->keep_snapshots,
                                           .before_us = gc->now_us - options->expire_older_than_us};
    PEN_TRY(pen_lake_expire(txn, &expiry, gc->now_us, &expired, err));
    gc->result->snapshots = expired.snapshots;
    gc->result->scheduled = expired.files;
    gc->result->scheduled_bytes = expired.bytes;
    int64_t note_before_us = gc->now_us - PEN_NOTE_GRACE_US;
    PEN_TRY(pen_part_sweep_dead(db, note_before_us < gc->before_us ? note_before_us : gc->before_us,
                                err));
    PEN_TRY(list_scheduled(gc, txn, err));
    PEN_TRY(pen_lake_known_paths(txn, &gc->arena, &gc->known, &gc->known_count, err));
    PEN_TRY(pen_part_list(db, &gc->arena, &gc->noted, &gc->noted_count, err));
    return pen_garbage_list(db, GARBAGE_MAX, &gc->arena, &gc->garbage, &gc->garbage_count, err);
}

static enum pen_code look(struct gc *gc, struct pen_error *err)
{
    struct pen_lake *lake = gc->env->lake;
    PEN_TRY(
        pen_lake_walk(pen_lake_data_path(lake), &gc->arena, &gc->walked, &gc->walked_count, err));
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin(lake, &txn, err));
    PEN_TRY(look_in(txn, gc, err));
    if (gc->options->is_dry_run)
        return PEN_OK; /* rolled back */
    return pen_lake_commit(PEN_TAKE(txn), "lake:gc", NULL, err);
}

/* --- remove ------------------------------------------------------------------------------------
 */

/* *ret_is_gone: the file is not there (any more). */
static void remove_file(struct gc *gc, const char *what, const char *path, bool *ret_is_gone)
{
    struct stat info;
    *ret_is_gone = false;
    bool is_there = lstat(path, &info) == 0;
    if (!is_there && errno == ENOENT) {
        *ret_is_gone = true; /* an earlier run removed it and was killed */
        return;
    }
    if (is_there && !gc->options->is_dry_run && unlink(path) != 0 && errno != ENOENT)
        is_there = false;
    if (!is_there) {
        gc->result->failed++;
        PEN_SAY(gc->env, "warn", "cannot remove '%s': %s", path, strerror(errno));
        return;
    }
    *ret_is_gone = true;
    gc->result->files++;
    gc->result->bytes += (uint64_t)info.st_size;
    if (gc->options->on_file != NULL)
        gc->options->on_file(gc->options->context, what, path, (uint64_t)info.st_size);
}

static enum pen_code check_cancel(const struct gc *gc, struct pen_error *err)
{
    if (gc->env->cancel == NULL || *gc->env->cancel == 0)
        return PEN_OK;
    return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
}

static enum pen_code forget_scheduled(struct gc *gc, const bool *is_gone, size_t first, size_t end,
                                      struct pen_error *err)
{
    struct pen_db *db = pen_lake_db(gc->env->lake);
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = PEN_OK;
    for (size_t i = first; i < end && code == PEN_OK; i++)
        if (is_gone[i])
            code = pen_lake_scheduled_forget(db, &gc->due[i], err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

static enum pen_code remove_scheduled(struct gc *gc, struct pen_error *err)
{
    bool *is_gone = pen_arena_alloc(&gc->arena, gc->due_count + 1);
    if (is_gone == NULL)
        return pen_fail_nomem(err);
    for (size_t first = 0, end = 0; first < gc->due_count; first = end) {
        PEN_TRY(check_cancel(gc, err));
        for (; end < gc->due_count && end < first + FORGET_AT_ONCE; end++)
            remove_file(gc, "expired", gc->due[end].path, &is_gone[end]);
        if (!gc->options->is_dry_run)
            PEN_TRY(forget_scheduled(gc, is_gone, first, end, err));
    }
    return PEN_OK;
}

static enum pen_code remove_garbage(struct gc *gc, struct pen_error *err)
{
    for (size_t i = 0; i < gc->garbage_count; i++) {
        const struct pen_garbage *garbage = &gc->garbage[i];
        const char *path = NULL;
        bool is_gone = false;
        PEN_TRY(check_cancel(gc, err));
        PEN_TRY(part_path(garbage->folder, garbage->file_name, &gc->arena, &path, err));
        if (is_known(gc, path)) { /* never, as long as the catalog is right */
            PEN_SAY(gc->env, "warn", "'%s' is a table's and is noted as garbage", path);
            continue;
        }
        remove_file(gc, "part of a dead job", path, &is_gone);
        if (is_gone && !gc->options->is_dry_run)
            PEN_TRY(pen_garbage_forget(pen_lake_db(gc->env->lake), garbage->part_id, err));
    }
    return PEN_OK;
}

/* The noted parts join the known paths; garbage too: step 4 saw to it. */
static enum pen_code add_noted(struct gc *gc, struct pen_error *err)
{
    const char **all =
        pen_arena_alloc(&gc->arena, (gc->known_count + gc->noted_count + 1) * sizeof *all);
    if (all == NULL)
        return pen_fail_nomem(err);
    memcpy(all, gc->known, gc->known_count * sizeof *all);
    for (size_t i = 0; i < gc->noted_count; i++)
        PEN_TRY(part_path(gc->noted[i].folder, gc->noted[i].file_name, &gc->arena,
                          &all[gc->known_count + i], err));
    gc->known = all;
    gc->known_count += gc->noted_count;
    qsort(all, gc->known_count, sizeof *all, compare_texts);
    return PEN_OK;
}

static enum pen_code remove_unknown(struct gc *gc, struct pen_error *err)
{
    PEN_TRY(add_noted(gc, err));
    for (size_t i = 0; i < gc->walked_count; i++) {
        const struct pen_walked_file *file = &gc->walked[i];
        bool is_gone = false;
        PEN_TRY(check_cancel(gc, err));
        if (file->modified_us <= gc->before_us && !is_known(gc, file->path) &&
            pen_slice_ends(pen_slice_str(file->path), PEN_LIT(".parquet")))
            remove_file(gc, "unknown to the catalog", file->path, &is_gone);
    }
    return PEN_OK;
}

/* What sorts of killed processes spilled. */
static enum pen_code remove_spilled(struct gc *gc, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf folder = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_walked_file *files = NULL;
    size_t count = 0;
    PEN_TRY(pen_buf_addf(&folder, err, "%s/tmp/", gc->env->home));
    PEN_TRY(pen_lake_walk(folder.ptr, &gc->arena, &files, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool is_gone = false;
        if (files[i].modified_us <= gc->before_us)
            remove_file(gc, "temporary", files[i].path, &is_gone);
        char *slash = is_gone && !gc->options->is_dry_run ? strrchr(files[i].path, '/') : NULL;
        if (slash == NULL || (size_t)(slash - files[i].path) < folder.len)
            continue;
        *slash = '\0';
        (void)rmdir(files[i].path); /* only when it is empty now */
    }
    return PEN_OK;
}

static enum pen_code run(struct gc *gc, struct pen_error *err)
{
    PEN_TRY(look(gc, err));
    PEN_TRY(remove_scheduled(gc, err));
    PEN_TRY(remove_garbage(gc, err));
    PEN_TRY(remove_unknown(gc, err));
    return remove_spilled(gc, err);
}

enum pen_code pen_run_gc(const struct pen_space_env *env, const struct pen_gc_options *options,
                         struct pen_gc_result *ret_result, struct pen_error *err)
{
    *ret_result = (struct pen_gc_result){0};
    int64_t grace_us = options->older_than_us < 0 ? PEN_GC_GRACE_US : options->older_than_us;
    struct gc gc = {.env = env,
                    .options = options,
                    .result = ret_result,
                    .now_us = pen_now_us(),
                    .arena = PEN_ARENA((size_t)4 << 30)};
    gc.before_us = gc.now_us - grace_us;
    enum pen_code code = run(&gc, err);
    pen_arena_release(&gc.arena);
    return code;
}
