/* migrate.h - the numbered SQL files of db/migrations, made into C data at build time. */
#ifndef PEN_DB_MIGRATE_H
#define PEN_DB_MIGRATE_H

struct pen_migration {
    int version; /* 1, 2, ... without a gap; 0 ends the list */
    const char *name, *sql;
};

extern const struct pen_migration pen_migrations[];

#endif
