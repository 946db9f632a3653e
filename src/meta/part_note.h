/* part_note.h - files that were begun and are no table's yet, whoever makes them: loads note theirs
 * with their job (job_plan.h), work without a job (compaction) here. All live in job_part.
 * All functions as in job.h: inside the caller's transaction or as one of their own. */
#ifndef PEN_META_PART_NOTE_H
#define PEN_META_PART_NOTE_H

#include "base/arena.h"
#include "db/db.h"

/* The job id of parts that belong to no job. */
#define PEN_NO_JOB INT64_C(0)

/* How long a part without a job is left alone at the least: nobody holds a lease on it. */
#define PEN_NOTE_GRACE_US (INT64_C(3600) * 1000000)

/* pen_part_note - before the file is made. */
PEN_MUST_USE enum pen_code pen_part_note(struct pen_db *db, const char *folder,
                                         const char *file_name, int64_t now_us,
                                         struct pen_error *err);

/* pen_part_take - in the transaction that makes the file a table's: the note goes.
 * errors: PEN_ERR_CONFLICT (not retryable) when somebody swept it meanwhile: the file may be gone.
 * pen_part_give_up - the file is not wanted: it becomes garbage (job_plan.h). */
PEN_MUST_USE enum pen_code pen_part_take(struct pen_db *db, const char *file_name,
                                         struct pen_error *err);
PEN_MUST_USE enum pen_code pen_part_give_up(struct pen_db *db, const char *file_name,
                                            struct pen_error *err);

/* pen_part_drop - forgets the note of a part that its job removed from disk again (it was cut). */
PEN_MUST_USE enum pen_code pen_part_drop(struct pen_db *db, int64_t job_id, const char *file_name,
                                         struct pen_error *err);

/* A noted part. */
struct pen_noted_part {
    int64_t part_id, job_id;
    const char *state;      /* "writing", "written", "garbage" */
    const char *job_status; /* NULL without a job */
    const char *folder, *file_name;
    int64_t begun_us;
    bool is_dead; /* garbage, or its job is finished: nobody will commit it */
};

/* pen_part_list - all notes, by id. */
PEN_MUST_USE enum pen_code pen_part_list(struct pen_db *db, struct pen_arena *arena,
                                         struct pen_noted_part **ret_list, size_t *ret_count,
                                         struct pen_error *err);

/* pen_part_sweep_dead - parts of finished jobs, and those without a job begun before `before_us`,
 * become garbage; parts of unfinished jobs never do. */
PEN_MUST_USE enum pen_code pen_part_sweep_dead(struct pen_db *db, int64_t before_us,
                                               struct pen_error *err);

#endif
