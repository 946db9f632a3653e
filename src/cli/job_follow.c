#include "cli/job_follow.h"

#include "base/civil.h"
#include "run/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_NS (200 * 1000 * 1000)

/* Every so many looks it is asked whether anybody is there to run the job. */
#define ATTENDED_EVERY 5

static enum pen_code open_log(const struct pen_job_follow *follow, FILE **ret_file,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    PEN_TRY(pen_job_folder(follow->cli->home, follow->job_id, &path, err));
    PEN_TRY(pen_buf_add_str(&path, "/output.log", err));
    *ret_file = fopen(path.ptr, "re"); /* none before the job has begun */
    return PEN_OK;
}

/* What is new in the log, line by line; half a line waits for its end. */
static enum pen_code show_log(struct pen_job_follow *follow, struct pen_error *err)
{
    FILE *file = NULL;
    PEN_CLEANUP(pen_free_p) char *line = NULL;
    size_t cap = 0;
    char text[1024];
    if (!follow->shows_log)
        return PEN_OK;
    PEN_TRY(open_log(follow, &file, err));
    if (file == NULL)
        return PEN_OK;
    (void)fseek(file, follow->log_at, SEEK_SET); /* fails on no file */
    for (ssize_t len; (len = getline(&line, &cap, file)) > 0 && line[len - 1] == '\n';) {
        follow->log_at += len;
        line[len - 1] = '\0';
        (void)snprintf(text, sizeof text, "  %s", line); /* cut on purpose */
        pen_bar_say(follow->bar, text);
    }
    (void)fclose(file); /* only read from */
    return PEN_OK;
}

static void show_progress(struct pen_job_follow *follow, const struct pen_job *job)
{
    if (job->started_us == 0)
        return;
    struct pen_progress progress = {.stored_bytes = job->counts.bytes,
                                    .rows = job->counts.records,
                                    .rejected = job->counts.rejected,
                                    .objects = job->counts.objects};
    pen_bar_update(follow->bar, &progress, pen_now_us() - job->started_us);
}

enum pen_code pen_job_follow(struct pen_job_follow *follow, struct pen_job *ret_job,
                             struct pen_error *err)
{
    const struct timespec pause = {0, LOOK_NS};
    for (unsigned look = 1;; look++) {
        PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
        struct pen_job job;
        PEN_TRY(pen_job_get(follow->db, follow->job_id, &arena, &job, err));
        PEN_TRY(show_log(follow, err));
        show_progress(follow, &job);
        bool is_left = follow->is_attended != NULL && look % ATTENDED_EVERY == 0 &&
                       !follow->is_attended(follow->context);
        if (pen_job_status_is_finished(job.status) || is_left)
            return pen_job_get(follow->db, follow->job_id, &follow->cli->arena, ret_job, err);
        if (pen_cli_cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED,
                            "interrupted; job %" PRId64 " goes on: 'penstock %sjob:kill %" PRId64
                            "' stops it",
                            follow->job_id, pen_cli_home_words(follow->cli), follow->job_id);
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
    }
}
