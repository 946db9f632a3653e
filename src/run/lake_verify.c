/* lake_verify.c - the whole store: the lake's tables (lake/lake_check.h), what lies beside them on
 * disk, and the ledger against the rows. */
#include "base/buf.h"
#include "base/civil.h"
#include "lake/lake_check.h"
#include "meta/ledger.h"
#include "meta/part_note.h"
#include "run/lake_walk.h"
#include "run/space.h"

#include <inttypes.h>
#include <stdlib.h>

struct verify {
    const struct pen_space_env *env;
    const struct pen_verify_options *options;
    struct pen_verify_result *result;
    struct pen_arena arena;
    struct pen_duck *duck;
};

/* Counts what goes by. */
static enum pen_code count_finding(void *context, const struct pen_finding *finding,
                                   struct pen_error *err)
{
    const struct verify *verify = context;
    if (finding->is_note)
        verify->result->notes++;
    else
        verify->result->errors++;
    return verify->options->on_finding(verify->options->context, finding, err);
}

/* --- ledger ------------------------------------------------------------------------------------
 */

/* Whether rows may have come or gone without us: another program wrote, or nobody knows any more.
 */
static enum pen_code find_others(struct pen_db *db, int64_t table_id, const char **ret_why,
                                 struct pen_error *err)
{
    int64_t found = 0;
    bool is_there = false;
    *ret_why = NULL;
    PEN_TRY(pen_db_query_int(
        db, &found, &is_there, err,
        "SELECT 1 FROM ducklake_snapshot_changes WHERE coalesce(author, '') <> 'penstock' AND "
        "(',' || changes_made || ',' LIKE '%inserted_into_table:' || $1 || ',%' OR "
        "',' || changes_made || ',' LIKE '%deleted_from_table:' || $1 || ',%' OR "
        "',' || changes_made || ',' LIKE '%inlined%:' || $1 || ',%') LIMIT 1",
        "i", table_id));
    if (is_there)
        *ret_why = "another program wrote to the table";
    if (is_there)
        return PEN_OK;
    PEN_TRY(pen_db_query_int(db, &found, &is_there, err,
                             "SELECT min(snapshot_id) FROM ducklake_snapshot", ""));
    if (is_there && found > 0)
        *ret_why = "snapshots were expired, so that nobody knows whether another program wrote";
    return PEN_OK;
}

static enum pen_code check_ledger(struct verify *verify, const char *database, const char *name,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_table table = {0};
    struct pen_ledger_sum sum = {0};
    const char *why = NULL;
    PEN_TRY(pen_lake_begin_read(verify->env->lake, &txn, err));
    PEN_TRY(pen_lake_table_find(txn, database, name, &verify->arena, &table, err));
    struct pen_db *db = pen_lake_txn_db(txn);
    PEN_TRY(pen_ledger_sum(db, table.table_id, &sum, err));
    if (sum.entries == 0 || sum.rows == table.rows)
        return PEN_OK;
    PEN_TRY(find_others(db, table.table_id, &why, err));
    const struct pen_finding base = {
        .is_note = why != NULL, .kind = "ledger", .database = table.database, .table = table.name};
    return pen_finding_say(
        count_finding, verify, &base, err,
        "the table has %" PRIu64 " rows, the ledger's %" PRIu64 " objects gave it %" PRIu64 "%s%s",
        table.rows, sum.entries, sum.rows, why == NULL ? "" : ": ", why == NULL ? "" : why);
}

/* --- tables ------------------------------------------------------------------------------------
 */

static enum pen_code verify_table(struct verify *verify, const char *database, const char *table,
                                  struct pen_error *err)
{
    const struct pen_lake_check check = {.lake = verify->env->lake,
                                         .duck = verify->duck,
                                         .is_quick = verify->options->is_quick,
                                         .cancel = verify->env->cancel,
                                         .on_finding = count_finding,
                                         .context = verify};
    PEN_TRY(pen_lake_check_table(&check, database, table, &verify->result->files,
                                 &verify->result->bytes, err));
    PEN_TRY(check_ledger(verify, database, table, err));
    verify->result->tables++;
    return PEN_OK;
}

/* The names first, in a transaction that ends before files are looked at. */
static enum pen_code list_tables(struct verify *verify, struct pen_lake_table **ret_list,
                                 size_t *ret_count, struct pen_error *err)
{
    const struct pen_verify_options *options = verify->options;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_database *databases = NULL;
    size_t count = 0;
    *ret_list = NULL;
    *ret_count = 0;
    PEN_TRY(pen_lake_begin_read(verify->env->lake, &txn, err));
    PEN_TRY(pen_lake_database_list(txn, &verify->arena, &databases, &count, err));
    if (options->database != NULL) { /* says when it does not exist */
        PEN_TRY(
            pen_lake_table_list(txn, options->database, &verify->arena, ret_list, ret_count, err));
        return PEN_OK;
    }
    for (size_t i = 0; i < count; i++) {
        struct pen_lake_table *tables = NULL;
        size_t table_count = 0;
        PEN_TRY(pen_lake_table_list(txn, databases[i].name, &verify->arena, &tables, &table_count,
                                    err));
        for (size_t k = 0; k < table_count; k++) {
            PEN_TRY(pen_arena_grow(&verify->arena, ret_list, *ret_count, sizeof **ret_list, err));
            (*ret_list)[(*ret_count)++] = tables[k];
        }
    }
    return PEN_OK;
}

static enum pen_code verify_tables(struct verify *verify, struct pen_error *err)
{
    struct pen_lake_table *list = NULL;
    size_t count = 0;
    if (verify->options->table != NULL)
        return verify_table(verify, verify->options->database, verify->options->table, err);
    PEN_TRY(list_tables(verify, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct pen_error failed = {0};
        enum pen_code code = verify_table(verify, list[i].database, list[i].name, &failed);
        if (code == PEN_OK || code == PEN_ERR_NOT_FOUND) /* deleted since it was listed */
            continue;
        if (err != NULL)
            *err = failed;
        return code;
    }
    return PEN_OK;
}

/* --- beside the tables -------------------------------------------------------------------------
 */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum pen_code say_unknown(struct verify *verify, const struct pen_walked_file *file,
                                 struct pen_error *err)
{
    const struct pen_finding base = {.is_note = true, .kind = "unknown_file", .path = file->path};
    return pen_finding_say(count_finding, verify, &base, err,
                           "%" PRIu64 " bytes that the catalog does not know", file->bytes);
}

static enum pen_code say_part(struct verify *verify, const struct pen_noted_part *part,
                              const char *path, struct pen_error *err)
{
    const struct pen_finding base = {.is_note = true, .kind = "unreferenced_part", .path = path};
    if (part->job_id == PEN_NO_JOB)
        return pen_finding_say(count_finding, verify, &base, err,
                               "begun by a compaction that did not end");
    return pen_finding_say(count_finding, verify, &base, err, "left by job %" PRId64, part->job_id);
}

/* A part without a job may be somebody's at work as long as it is young. */
static bool is_left_over(const struct pen_noted_part *part)
{
    bool is_old = part->begun_us < pen_now_us() - PEN_NOTE_GRACE_US;
    return part->is_dead || (part->job_id == PEN_NO_JOB && is_old);
}

static enum pen_code join(struct verify *verify, const struct pen_noted_part *part,
                          const char **ret_path, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s%s", part->folder, part->file_name));
    return pen_arena_text(&verify->arena, pen_buf_slice(&path), ret_path, err);
}

/* out: ret_known: what the catalog and the notes know, sorted. */
static enum pen_code read_known(struct verify *verify, const char ***ret_known, size_t *ret_count,
                                struct pen_noted_part **ret_noted, size_t *ret_noted_count,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    const char **files = NULL;
    size_t count = 0;
    PEN_TRY(pen_lake_begin_read(verify->env->lake, &txn, err));
    PEN_TRY(pen_lake_known_paths(txn, &verify->arena, &files, &count, err));
    PEN_TRY(pen_part_list(pen_lake_txn_db(txn), &verify->arena, ret_noted, ret_noted_count, err));
    const char **known =
        pen_arena_alloc(&verify->arena, (count + *ret_noted_count + 1) * sizeof *known);
    if (known == NULL)
        return pen_fail_nomem(err);
    memcpy(known, files, count * sizeof *known);
    for (size_t i = 0; i < *ret_noted_count; i++)
        PEN_TRY(join(verify, &(*ret_noted)[i], &known[count + i], err));
    qsort(known, count + *ret_noted_count, sizeof *known, compare_texts);
    *ret_known = known;
    *ret_count = count + *ret_noted_count;
    return PEN_OK;
}

static enum pen_code verify_disk(struct verify *verify, struct pen_error *err)
{
    struct pen_walked_file *walked = NULL;
    struct pen_noted_part *noted = NULL;
    const char **known = NULL;
    size_t walked_count = 0, noted_count = 0, known_count = 0;
    /* first the files, then what is known: what is made in between is in neither */
    PEN_TRY(pen_lake_walk(pen_lake_data_path(verify->env->lake), &verify->arena, &walked,
                          &walked_count, err));
    PEN_TRY(read_known(verify, &known, &known_count, &noted, &noted_count, err));
    for (size_t i = 0; i < walked_count; i++)
        if (bsearch(&walked[i].path, known, known_count, sizeof *known, compare_texts) == NULL)
            PEN_TRY(say_unknown(verify, &walked[i], err));
    for (size_t i = 0; i < noted_count; i++) {
        const char *path = NULL;
        PEN_TRY(join(verify, &noted[i], &path, err));
        if (is_left_over(&noted[i]))
            PEN_TRY(say_part(verify, &noted[i], path, err));
    }
    return PEN_OK;
}

static enum pen_code run(struct verify *verify, struct pen_error *err)
{
    PEN_TRY(pen_duck_open(&verify->env->engine, &verify->duck, err));
    PEN_TRY(verify_tables(verify, err));
    return verify->options->database == NULL ? verify_disk(verify, err) : PEN_OK;
}

enum pen_code pen_run_verify(const struct pen_space_env *env,
                             const struct pen_verify_options *options,
                             struct pen_verify_result *ret_result, struct pen_error *err)
{
    *ret_result = (struct pen_verify_result){0};
    struct verify verify = {
        .env = env, .options = options, .result = ret_result, .arena = PEN_ARENA((size_t)4 << 30)};
    enum pen_code code = run(&verify, err);
    pen_duck_close(verify.duck);
    pen_arena_release(&verify.arena);
    return code;
}
