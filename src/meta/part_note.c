#include "meta/part_note.h"

#include "meta/job_plan.h"
#include "meta/meta_internal.h"

enum pen_code pen_part_note(struct pen_db *db, const char *folder, const char *file_name,
                            int64_t now_us, struct pen_error *err)
{
    return pen_job_part_begin(db, PEN_NO_JOB, 0, folder, file_name, now_us, err);
}

enum pen_code pen_part_take(struct pen_db *db, const char *file_name, struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(db, &changes, err,
                       "DELETE FROM job_part WHERE job_id = $1 AND file_name = $2 "
                       "AND state <> 'garbage'",
                       "it", PEN_NO_JOB, file_name));
    if (changes == 1)
        return PEN_OK;
    return pen_fail(err, PEN_ERR_CONFLICT, "part '%s' was swept while it was written", file_name);
}

enum pen_code pen_part_give_up(struct pen_db *db, const char *file_name, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "UPDATE job_part SET state = 'garbage' WHERE job_id = $1 AND file_name = $2",
                      "it", PEN_NO_JOB, file_name);
}

enum pen_code pen_part_drop(struct pen_db *db, int64_t job_id, const char *file_name,
                            struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "DELETE FROM job_part WHERE job_id = $1 AND file_name = $2 "
                      "AND state = 'writing'",
                      "it", job_id, file_name);
}

static enum pen_code read_note(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                               void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct pen_noted_part *part = item;
    *part = (struct pen_noted_part){.part_id = pen_stmt_int(stmt, 0),
                                    .job_id = pen_stmt_int(stmt, 1),
                                    .begun_us = pen_stmt_int(stmt, 5),
                                    .is_dead = pen_stmt_int(stmt, 7) != 0};
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &part->state, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &part->folder, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 4), &part->file_name, err));
    if (!pen_stmt_is_null(stmt, 6))
        PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 6), &part->job_status, err));
    return PEN_OK;
}

enum pen_code pen_part_list(struct pen_db *db, struct pen_arena *arena,
                            struct pen_noted_part **ret_list, size_t *ret_count,
                            struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_noted_part), read_note, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT p.part_id, p.job_id, p.state, p.folder, p.file_name, p.begun_us, "
                         "j.status, p.state = 'garbage' OR coalesce(j.status IN "
                         "('success', 'error', 'killed'), FALSE) FROM job_part p "
                         "LEFT JOIN job j ON j.job_id = p.job_id ORDER BY p.part_id",
                         ""));
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

enum pen_code pen_part_sweep_dead(struct pen_db *db, int64_t before_us, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "UPDATE job_part SET state = 'garbage' WHERE state <> 'garbage' AND "
                      "((job_id = $1 AND begun_us < $2) OR job_id IN (SELECT job_id FROM job "
                      "WHERE status IN ('success', 'error', 'killed')))",
                      "ii", PEN_NO_JOB, before_us);
}
