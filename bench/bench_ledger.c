/* bench_ledger.c - bytes an object and time of the ledger at size. Not a test.
 *     ninja -C build bench/bench_ledger && build/bench/bench_ledger [objects, a million] */
#include "base/civil.h"
#include "meta/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_ONCE 10000

struct names {
    char keys[AT_ONCE][80], etags[AT_ONCE][40];
    struct pen_ledger_entry entries[AT_ONCE];
};

static void fill(struct names *names, uint64_t first)
{
    for (uint64_t i = 0; i < AT_ONCE; i++) {
        uint64_t n = first + i;
        (void)snprintf(names->keys[i], sizeof names->keys[i],
                       "logs/2026/11/22/web-frontend/part-%08" PRIu64 ".csv.gz", n);
        (void)snprintf(names->etags[i], sizeof names->etags[i], "%016" PRIx64 "%016" PRIx64,
                       n * UINT64_C(0x9e3779b97f4a7c15), n * UINT64_C(0xc2b2ae3d27d4eb4f));
        names->entries[i] = (struct pen_ledger_entry){.table_id = 1,
                                                      .bucket = "my-company-data",
                                                      .key = names->keys[i],
                                                      .etag = names->etags[i],
                                                      .size_bytes = 12345678,
                                                      .rows = 98765,
                                                      .plain_bytes = 123456789,
                                                      .job_id = 1 + (int64_t)(first / AT_ONCE),
                                                      .snapshot_id = 987};
    }
}

static enum pen_code count(void *context, const struct pen_ledger_entry *entry,
                           enum pen_ledger_state state, struct pen_error *err)
{
    (void)entry, (void)state, (void)err;
    ++*(uint64_t *)context;
    return PEN_OK;
}

static enum pen_code look_up(struct pen_db *db, struct names *names, uint64_t objects,
                             struct pen_error *err)
{
    int64_t started_us = pen_monotonic_us();
    uint64_t found = 0;
    for (uint64_t round = 0; round < 10; round++) {
        fill(names, objects / 10 * round / AT_ONCE * AT_ONCE);
        for (size_t i = 0; i < AT_ONCE; i++) {
            bool has = false;
            PEN_TRY(pen_ledger_has(db, &names->entries[i], &has, err));
            found += has;
        }
    }
    printf("look-up: %.1f us each, %" PRIu64 " of %d found\n",
           (double)(pen_monotonic_us() - started_us) / (10.0 * AT_ONCE), found, 10 * AT_ONCE);
    return PEN_OK;
}

static enum pen_code list(struct pen_db *db, const char *pattern, struct pen_error *err)
{
    uint64_t listed = 0;
    int64_t started_us = pen_monotonic_us();
    PEN_TRY(pen_ledger_each(db, 1, pattern, count, &listed, err));
    printf("table:objects --key '%s': %.4f s, %" PRIu64 " listed\n", pattern,
           (double)(pen_monotonic_us() - started_us) / 1e6, listed);
    return PEN_OK;
}

static enum pen_code run(const char *path, uint64_t objects, struct names *names,
                         struct pen_error *err)
{
    PEN_CLEANUP(pen_db_close_p) struct pen_db *db = NULL;
    PEN_TRY(pen_db_open(path, PEN_DB_CREATE, 0, &db, err));
    PEN_TRY(pen_db_migrate(db, err));
    int64_t started_us = pen_monotonic_us();
    for (uint64_t n = 0; n < objects; n += AT_ONCE) {
        fill(names, n);
        PEN_TRY(pen_ledger_add(db, names->entries, AT_ONCE, err));
    }
    double seconds = (double)(pen_monotonic_us() - started_us) / 1e6;
    PEN_TRY(pen_db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", err));
    struct stat info = {0};
    (void)stat(path, &info); /* it was just written */
    printf("%" PRIu64 " objects: %.1f bytes each, %.0f added a second\n", objects,
           (double)info.st_size / (double)objects, (double)objects / seconds);
    PEN_TRY(look_up(db, names, objects, err));
    PEN_TRY(list(db, "logs/2026/11/22/web-frontend/part-00000007.csv.gz", err));
    PEN_TRY(list(db, "logs/2026/11/22/web-frontend/part-0000123*", err));
    PEN_TRY(list(db, "*part-0000000?*", err));
    PEN_TRY(list(db, "*", err));
    return PEN_OK;
}

int main(int argc, char **argv)
{
    uint64_t objects = argc > 1 ? strtoull(argv[1], NULL, 10) / AT_ONCE * AT_ONCE : 1000000;
    char folder[] = "/tmp/bench_ledger_XXXXXX", path[64];
    struct names *names = calloc(1, sizeof *names);
    struct pen_error err = {0};
    if (names == NULL || objects == 0 || mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/ledger.sqlite", folder);
    enum pen_code code = run(path, objects, names, &err);
    if (code != PEN_OK)
        (void)fprintf(stderr, "%s\n", err.message);
    (void)unlink(path);
    (void)rmdir(folder);
    free(names);
    return code != PEN_OK;
}
