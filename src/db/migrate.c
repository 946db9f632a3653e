#include "db/migrate.h"

#include "base/civil.h"
#include "db/db.h"

static enum pen_code current_version(struct pen_db *db, int64_t *ret_version, struct pen_error *err)
{
    bool has_version = false;
    *ret_version = 0;
    return pen_db_query_int(db, ret_version, &has_version, err,
                            "SELECT max(version) FROM schema_migration", "");
}

static int64_t newest_known(void)
{
    int64_t newest = 0;
    for (const struct pen_migration *m = pen_migrations; m->version != 0; m++)
        newest = m->version;
    return newest;
}

static enum pen_code check_version(const struct pen_db *db, int64_t version, struct pen_error *err)
{
    if (version <= newest_known())
        return PEN_OK;
    enum pen_code code = pen_fail(
        err, PEN_ERR_CONFIG, "the catalog has layout %lld, this program knows layouts up to %lld",
        (long long)version, (long long)newest_known());
    pen_error_where(err, "%s", pen_db_path(db));
    pen_error_hint(err, "use the newer penstock that has opened this home before");
    return code;
}

/* Runs what is missing; inside one write transaction, so that the version cannot change under us.
 */
static enum pen_code run_missing(struct pen_db *db, struct pen_error *err)
{
    PEN_TRY(pen_db_exec(db,
                        "CREATE TABLE IF NOT EXISTS schema_migration ("
                        "version BIGINT PRIMARY KEY, name VARCHAR NOT NULL, applied_us BIGINT)",
                        err));
    int64_t version = 0;
    PEN_TRY(current_version(db, &version, err));
    PEN_TRY(check_version(db, version, err));
    for (const struct pen_migration *m = pen_migrations; m->version != 0; m++) {
        if (m->version <= version)
            continue;
        enum pen_code code = pen_db_exec(db, m->sql, err);
        if (code != PEN_OK)
            return pen_wrap(err, code, "migration %s", m->name);
        PEN_TRY(pen_db_run(db, NULL, err, "INSERT INTO schema_migration VALUES ($1, $2, $3)", "iti",
                           (int64_t)m->version, m->name, pen_now_us()));
    }
    return PEN_OK;
}

enum pen_code pen_db_migrate(struct pen_db *db, struct pen_error *err)
{
    int64_t version = 0;
    if (current_version(db, &version, NULL) == PEN_OK && version > 0) {
        PEN_TRY(check_version(db, version, err));
        if (version == newest_known())
            return PEN_OK;
    }
    PEN_TRY(pen_db_begin(db, err));
    enum pen_code code = run_missing(db, err);
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}
