/* db_rig.h - a migrated database and an arena for each test of meta/: open_db and close_db are the
 * setup and teardown; temp_folder_make comes first. */
#ifndef PEN_TESTS_DB_RIG_H
#define PEN_TESTS_DB_RIG_H

#include "base/arena.h"
#include "db/db.h"
#include "temp_folder.h"

static struct pen_db *db;
static struct pen_arena arena;
static char db_path[300]; /* for a second connection */

static inline int open_db(void **state)
{
    static int number;
    (void)state;
    (void)snprintf(db_path, sizeof db_path, "%s/%d.sqlite", temp_folder, ++number);
    arena = PEN_ARENA((size_t)64 << 20);
    return pen_db_open(db_path, PEN_DB_CREATE, 0, &db, NULL) != PEN_OK ||
           pen_db_migrate(db, NULL) != PEN_OK;
}

static inline int close_db(void **state)
{
    (void)state;
    pen_db_close(db);
    pen_arena_release(&arena);
    return 0;
}

#endif
