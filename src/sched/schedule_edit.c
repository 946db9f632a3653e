/* schedule_edit.c - schedules made, changed and deleted from words. */
#include "conf/load_config.h"
#include "run/run.h"
#include "run/sealed_config.h"
#include "sched/sched_internal.h"

#include <inttypes.h>
#include <stdlib.h>

const char *const pen_missed_runs_names[] = {"none", "latest", "all", NULL};

enum pen_code pen_sched_open(const char *home, struct pen_sched **ret_sched, struct pen_error *err)
{
    PEN_CLEANUP(pen_sched_close_p) struct pen_sched *sched = calloc(1, sizeof *sched);
    if (sched == NULL || (sched->home = strdup(home)) == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_lake_open(home, PEN_DB_CREATE, &sched->lake, err));
    PEN_TRY(pen_vault_open(home, &sched->vault, err));
    *ret_sched = PEN_TAKE(sched);
    return PEN_OK;
}

void pen_sched_close(struct pen_sched *sched)
{
    if (sched == NULL)
        return;
    pen_lake_close(sched->lake);
    pen_vault_free(sched->vault);
    free(sched->home);
    free(sched);
}

struct pen_db *pen_sched_db(const struct pen_sched *sched)
{
    return pen_lake_db(sched->lake);
}

enum pen_code pen_sched_begin(struct pen_sched *sched, struct pen_error *err)
{
    return pen_db_begin(pen_sched_db(sched), err);
}

enum pen_code pen_sched_leave(struct pen_sched *sched, enum pen_code code, struct pen_error *err)
{
    if (code == PEN_OK)
        code = pen_db_commit(pen_sched_db(sched), err);
    if (code != PEN_OK)
        pen_db_rollback(pen_sched_db(sched));
    return code;
}

enum pen_code pen_sched_config(struct pen_sched *sched, const struct pen_schedule *schedule,
                               struct pen_arena *arena, struct pen_node **ret_config,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&name, err, "configuration of schedule %s", schedule->name));
    const char *copy = pen_arena_copy(arena, pen_buf_slice(&name));
    if (copy == NULL)
        return pen_fail_nomem(err);
    return pen_config_unseal(sched->vault, PEN_SEALED_SCHEDULE, schedule->sealed_config, copy,
                             arena, ret_config, err);
}

/* --- what may be said ------------------------------------------------------------------------- */

static enum pen_code check_words(const struct pen_schedule_words *words, struct pen_error *err)
{
    if (words->name != NULL)
        PEN_TRY(pen_schedule_check_name(words->name, err));
    if (words->has_delay && (words->delay_s < 0 || words->delay_s > PEN_SCHEDULE_MAX_DELAY_S))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "delay must be between 0 and %" PRId64 " seconds, not %" PRId64,
                        PEN_SCHEDULE_MAX_DELAY_S, words->delay_s);
    if (words->missed_runs == NULL || words->missed_runs[0] == '\0')
        return PEN_OK;
    for (const char *const *name = pen_missed_runs_names; *name != NULL; name++)
        if (strcmp(*name, words->missed_runs) == 0)
            return PEN_OK;
    return pen_fail(err, PEN_ERR_CONFIG, "missed runs are none, latest or all, not '%.64s'",
                    words->missed_runs);
}

/* What connector:show printed is not a secret again. */
static enum pen_code check_not_masked(const struct pen_bind *bind, const struct pen_node *node,
                                      struct pen_error *err)
{
    for (const struct pen_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind == PEN_NODE_TEXT && pen_config_is_secret(child->key) &&
            pen_slice_is(child->text, "***")) {
            (void)pen_fail_at(bind, child, err, "'%.*s' is masked: *** stands where the secret was",
                              PEN_ARG(child->key));
            pen_error_hint(err, "write the secret itself");
            return PEN_ERR_CONFIG;
        }
        PEN_TRY(check_not_masked(bind, child, err));
    }
    return PEN_OK;
}

static enum pen_code check_target(struct pen_sched *sched, const struct pen_schedule *schedule,
                                  struct pen_arena *arena, struct pen_error *err)
{
    struct pen_lake_table table = {0};
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_lake_begin_read(sched->lake, &txn, err));
    return pen_lake_table_find(txn, schedule->database, schedule->table, arena, &table, err);
}

/* Whether a run would be accepted now, its configuration as it is or as said. */
static enum pen_code check_run(struct pen_sched *sched, const struct pen_schedule *schedule,
                               const struct pen_schedule_words *words, struct pen_error *err)
{
    struct pen_run_env env = {.home = sched->home, .config = words->config, .bind = words->bind};
    struct pen_submit_options options = {.database = schedule->database,
                                         .table = schedule->table,
                                         .time_column = schedule->time_column};
    PEN_TRY(check_target(sched, schedule, words->bind.arena, err));
    if (words->config == NULL) {
        struct pen_node *config = NULL;
        PEN_TRY(pen_sched_config(sched, schedule, words->bind.arena, &config, err));
        env.config = config;
        env.bind.warnings = NULL; /* said when it was new */
    } else {
        PEN_TRY(check_not_masked(&words->bind, words->config, err));
    }
    return pen_run_check(&env, &options, err);
}

/* --- words into a schedule -------------------------------------------------------------------- */

static enum pen_code keep(struct pen_arena *arena, const struct pen_buf *buf,
                          struct pen_slice *ret_bytes, struct pen_error *err)
{
    const char *copy = pen_arena_copy(arena, pen_buf_slice(buf));
    if (copy == NULL)
        return pen_fail_nomem(err);
    *ret_bytes = pen_slice(copy, buf->len);
    return PEN_OK;
}

static enum pen_code set_config(struct pen_sched *sched, const struct pen_schedule_words *words,
                                struct pen_schedule *schedule, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf shown = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf sealed = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *masked = NULL;
    struct pen_slice text = {NULL, 0};
    PEN_TRY(pen_config_mask(words->config, words->bind.arena, &masked, err));
    PEN_TRY(pen_tree_write_json(masked, false, &shown, err));
    PEN_TRY(pen_config_seal(sched->vault, PEN_SEALED_SCHEDULE, words->config, &sealed, err));
    PEN_TRY(keep(words->bind.arena, &shown, &text, err));
    schedule->config = text.ptr;
    return keep(words->bind.arena, &sealed, &schedule->sealed_config, err);
}

/* Numbers become texts as they were written: an option that wants text gets 007, not 7. */
static enum pen_code copy_diff(const struct pen_node *in, struct pen_arena *arena,
                               struct pen_node *into, struct pen_error *err)
{
    for (const struct pen_node *child = in->first; child != NULL; child = child->next) {
        bool is_number = child->kind == PEN_NODE_INT || child->kind == PEN_NODE_DOUBLE;
        struct pen_node *copy =
            is_number ? pen_node_new_text(arena, child->text) : pen_node_copy(child, arena);
        if (copy == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_node_set(into, arena, child->key.ptr, copy, err));
    }
    return PEN_OK;
}

static enum pen_code set_diff(const struct pen_schedule_words *words, struct pen_schedule *schedule,
                              struct pen_error *err)
{
    struct pen_arena *arena = words->bind.arena;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *root = pen_node_new_map(arena), *in = pen_node_new_map(arena), *masked = NULL;
    const struct pen_node *said = pen_node_get(words->config_diff, "in");
    if (root == NULL || in == NULL)
        return pen_fail_nomem(err);
    if (said != NULL)
        PEN_TRY(copy_diff(said, arena, in, err));
    PEN_TRY(pen_config_mask(in, arena, &masked, err));
    if (!pen_node_equal(in, masked))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "the config diff holds a secret: secrets belong into the configuration");
    schedule->config_diff = "";
    if (in->count == 0)
        return PEN_OK;
    struct pen_slice kept = {NULL, 0};
    PEN_TRY(pen_node_set(root, arena, "in", in, err));
    PEN_TRY(pen_tree_write_json(root, false, &text, err));
    PEN_TRY(keep(arena, &text, &kept, err));
    schedule->config_diff = kept.ptr;
    return PEN_OK;
}

static void set_texts(const struct pen_schedule_words *words, struct pen_schedule *schedule)
{
    const struct {
        const char *said, **kept;
    } texts[] = {{words->name, &schedule->name},
                 {words->cron, &schedule->cron},
                 {words->zone, &schedule->zone},
                 {words->missed_runs, &schedule->missed_runs},
                 {words->database, &schedule->database},
                 {words->table, &schedule->table},
                 {words->time_column, &schedule->time_column}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].said != NULL)
            *texts[i].kept = texts[i].said;
    if (schedule->time_column != NULL && schedule->time_column[0] == '\0')
        schedule->time_column = NULL;
    if (words->has_delay)
        schedule->delay_s = words->delay_s;
}

static enum pen_code apply(struct pen_sched *sched, const struct pen_schedule_words *words,
                           int64_t now_us, struct pen_schedule *schedule, struct pen_error *err)
{
    struct pen_timetable timetable;
    set_texts(words, schedule);
    schedule->updated_us = now_us;
    PEN_TRY(pen_timetable_open(schedule->cron, schedule->zone, &timetable, err));
    if (words->cron != NULL || words->zone != NULL || words->has_delay) {
        schedule->next_us = pen_timetable_next(&timetable, now_us);
        schedule->due_us =
            schedule->next_us == 0 ? 0 : schedule->next_us + schedule->delay_s * PEN_US_PER_SECOND;
    }
    if (words->config != NULL)
        PEN_TRY(set_config(sched, words, schedule, err));
    return words->config_diff == NULL ? PEN_OK : set_diff(words, schedule, err);
}

/* --- create, update, delete ------------------------------------------------------------------- */

enum pen_code pen_sched_create(struct pen_sched *sched, const struct pen_schedule_words *words,
                               int64_t now_us, struct pen_schedule *ret_schedule,
                               struct pen_error *err)
{
    struct pen_schedule schedule = {.zone = "UTC", .missed_runs = "", .config_diff = ""};
    PEN_TRY(check_words(words, err));
    PEN_TRY(apply(sched, words, now_us, &schedule, err));
    PEN_TRY(check_run(sched, &schedule, words, err));
    schedule.created_us = now_us;
    PEN_TRY(pen_schedule_create(pen_sched_db(sched), &schedule, NULL, err));
    if (ret_schedule != NULL)
        *ret_schedule = schedule;
    return PEN_OK;
}

static enum pen_code update(struct pen_sched *sched, const char *name,
                            const struct pen_schedule_words *words, int64_t now_us,
                            struct pen_schedule *ret_schedule, struct pen_error *err)
{
    PEN_TRY(pen_schedule_get(pen_sched_db(sched), name, words->bind.arena, ret_schedule, err));
    PEN_TRY(apply(sched, words, now_us, ret_schedule, err));
    return pen_schedule_update(pen_sched_db(sched), ret_schedule, err);
}

/* Checked before the transaction: checks look into the catalog on their own. */
enum pen_code pen_sched_update(struct pen_sched *sched, const char *name,
                               const struct pen_schedule_words *words, int64_t now_us,
                               struct pen_schedule *ret_schedule, struct pen_error *err)
{
    struct pen_schedule schedule = {0};
    PEN_TRY(check_words(words, err));
    PEN_TRY(pen_schedule_get(pen_sched_db(sched), name, words->bind.arena, &schedule, err));
    PEN_TRY(apply(sched, words, now_us, &schedule, err));
    if (words->config != NULL || words->database != NULL || words->table != NULL ||
        words->time_column != NULL)
        PEN_TRY(check_run(sched, &schedule, words, err));
    PEN_TRY(pen_sched_begin(sched, err));
    PEN_TRY(pen_sched_leave(sched, update(sched, name, words, now_us, &schedule, err), err));
    if (ret_schedule != NULL)
        *ret_schedule = schedule;
    return PEN_OK;
}

static enum pen_code delete_one(struct pen_sched *sched, const char *name, int64_t now_us,
                                struct pen_arena *arena, struct pen_schedule *ret_schedule,
                                struct pen_error *err)
{
    PEN_TRY(pen_schedule_get(pen_sched_db(sched), name, arena, ret_schedule, err));
    return pen_schedule_delete(pen_sched_db(sched), ret_schedule->name, now_us, err);
}

enum pen_code pen_sched_delete(struct pen_sched *sched, const char *name, int64_t now_us,
                               struct pen_arena *arena, struct pen_schedule *ret_schedule,
                               struct pen_error *err)
{
    PEN_TRY(pen_sched_begin(sched, err));
    return pen_sched_leave(sched, delete_one(sched, name, now_us, arena, ret_schedule, err), err);
}
