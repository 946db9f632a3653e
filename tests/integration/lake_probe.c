/* clang-format off */
/* lake_probe.c - the catalog and the part writer alone, for tests/integration/test_lake_judge.py.
 *     lake_probe HOME database NAME
 *     lake_probe HOME load DATABASE TABLE TYPES FIRST ROWS [append|replace] [MARK]
 *     lake_probe HOME collide DATABASE TABLE      two loads planned at once, each with a new column
 *     lake_probe HOME rename DATABASE FROM TO | drop DATABASE TABLE
 *     lake_probe HOME query DATABASE SQL          rows as lines, columns by tab
 *     lake_probe HOME plan-and-die DATABASE TABLE the part is written, the commit never comes
 * TYPES: a letter per column: b l d s t j, named time, b, c, d ...; row n holds what
 * tests/unit/fake_stream.h says, counted from FIRST. MARK is put behind the names of the columns
 * but the first. */
/* clang-format on */
#include "base/buf.h"
#include "lake/lake_query.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS_2020_US INT64_C(1577836800000000)

struct supply {
    struct pen_task_stream stream; /* first */
    struct pen_schema schema;
    struct pen_batch *batches[2];
    unsigned turn;
    int64_t next, end;
};

static void must(enum pen_code code, const struct pen_error *err)
{
    if (code == PEN_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", pen_error_code_name(code), err->where, err->message);
    exit(1);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        struct pen_error failure = {0};                                                            \
        struct pen_error *err = &failure;                                                          \
        must((call), err);                                                                         \
    } while (0)

static void set_text(struct pen_batch *batch, struct pen_column *column, const char *format,
                     int64_t n)
{
    char text[400];
    int len = snprintf(text, sizeof text, format, (long long)n, 0);
    struct pen_slice slice = pen_slice(text, (size_t)len);
    pen_column_strings(column)[batch->rows] =
        pen_string_make(pen_arena_copy(&batch->arena, slice), slice.len);
}

static void set_value(struct pen_batch *batch, struct pen_column *column, int64_t n)
{
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        pen_column_booleans(column)[batch->rows] = (uint8_t)(n & 1);
        break;
    case PEN_TYPE_LONG:
        pen_column_longs(column)[batch->rows] = n;
        break;
    case PEN_TYPE_DOUBLE:
        pen_column_doubles(column)[batch->rows] = (double)n / 4;
        break;
    case PEN_TYPE_TIMESTAMP:
        pen_column_longs(column)[batch->rows] = ROWS_2020_US + n * PEN_US_PER_SECOND;
        break;
    case PEN_TYPE_STRING:
        set_text(batch, column, n % 10 == 0 ? "row %lld %0300d" : "row %lld", n);
        break;
    case PEN_TYPE_JSON:
        set_text(batch, column, "{\"n\":%lld}", n);
        break;
    }
}

static enum pen_code next(struct pen_task_stream *base, unsigned worker,
                          const struct pen_batch **ret_batch, struct pen_error *err)
{
    (void)worker; /* there is one */
    struct supply *supply = (struct supply *)base;
    *ret_batch = NULL;
    if (supply->next >= supply->end)
        return PEN_OK;
    struct pen_batch *batch = supply->batches[supply->turn++ % 2];
    PEN_TRY(pen_batch_begin(batch, &supply->schema, err));
    for (; supply->next < supply->end && batch->rows < PEN_BATCH_ROWS; supply->next++) {
        for (size_t c = 0; c < batch->column_count; c++) {
            if (c > 0 && (supply->next + (int64_t)c) % 7 == 0)
                continue;
            set_value(batch, &batch->columns[c], supply->next);
            pen_column_set_valid(&batch->columns[c], batch->rows, true);
        }
        batch->rows++;
    }
    *ret_batch = batch;
    return PEN_OK;
}

static void supply_open(struct supply *supply, const char *types, int64_t first, int64_t rows,
                        const char *mark)
{
    static const char letters[] = "bldstj";
    for (size_t i = 0; types[i] != '\0'; i++) {
        char name[64] = "time";
        if (i > 0)
            snprintf(name, sizeof name, "%c%s", (char)('a' + i), mark);
        MUST(pen_schema_add(&supply->schema, pen_slice_str(name),
                            (enum pen_type)(strchr(letters, types[i]) - letters), NULL, err));
    }
    for (int i = 0; i < 2; i++)
        MUST(pen_batch_new(PEN_BATCH_ROWS, &supply->batches[i], err));
    supply->next = first;
    supply->end = first + rows;
    supply->stream = (struct pen_task_stream){&supply->schema, 1, next};
}

static void supply_close(struct supply *supply)
{
    pen_schema_clear(&supply->schema);
    for (int i = 0; i < 2; i++)
        pen_batch_free(supply->batches[i]);
}

/* --- a load in three steps ---------------------------------------------------------------------
 */

static void plan(struct pen_lake *lake, const char *database, const char *table,
                 const struct supply *supply, struct pen_arena *arena,
                 struct pen_lake_layout *layout)
{
    struct pen_lake_txn *txn = NULL;
    MUST(pen_lake_begin_read(lake, &txn, err));
    struct pen_lake_wish wish = {database, table, &supply->schema, true};
    MUST(pen_lake_layout(txn, &wish, arena, layout, err));
    pen_lake_rollback(txn);
}

static void write_part(struct pen_duck *duck, const struct pen_lake_layout *layout,
                       struct supply *supply, struct pen_parts *parts)
{
    char name[PEN_PART_NAME];
    struct pen_part_field columns[26];
    pen_part_name(name);
    for (size_t i = 0; i < layout->target_count; i++)
        columns[i] = (struct pen_part_field){layout->targets[i].column_id, layout->targets[i].name,
                                             layout->targets[i].sql_type};
    struct pen_part_options options = {
        .folder = layout->folder, .file_name = name, .columns = columns};
    MUST(pen_duck_write_part(duck, &supply->stream, &options, parts, err));
}

struct commit {
    const struct pen_lake_layout *layout;
    const struct pen_parts *parts;
    enum pen_lake_mode mode;
};

static enum pen_code commit_parts(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct commit *commit = context;
    return pen_lake_load(txn, commit->layout, commit->mode, commit->parts->parts,
                         commit->parts->count, NULL, err);
}

static void load(struct pen_lake *lake, char **args, int count, bool is_deadly)
{
    const char *mark = count > 6 ? args[6] : "";
    bool is_replace = count > 5 && strcmp(args[5], "replace") == 0;
    struct supply supply = {.turn = 0};
    struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_parts parts = PEN_PARTS;
    struct pen_lake_layout layout;
    struct pen_duck *duck = NULL;
    supply_open(&supply, args[2], atoll(args[3]), atoll(args[4]), mark);
    plan(lake, args[0], args[1], &supply, &arena, &layout);
    MUST(pen_duck_open(NULL, &duck, err));
    write_part(duck, &layout, &supply, &parts);
    if (is_deadly)
        (void)raise(SIGKILL); /* does not return */
    struct commit commit = {&layout, &parts, is_replace ? PEN_LAKE_REPLACE : PEN_LAKE_APPEND};
    MUST(pen_lake_transact(lake, "probe", commit_parts, &commit, NULL, err));
    pen_duck_close(duck);
    pen_parts_release(&parts);
    pen_arena_release(&arena);
    supply_close(&supply);
}

/* Two loads planned against the same table, each bringing a column of its own. */
static void collide(struct pen_lake *lake, char **args)
{
    struct supply supplies[2] = {{.turn = 0}, {.turn = 0}};
    struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_lake_layout layouts[2];
    struct pen_duck *duck = NULL;
    MUST(pen_duck_open(NULL, &duck, err));
    for (int i = 0; i < 2; i++) {
        supply_open(&supplies[i], i == 0 ? "ls" : "ld", 100 * i, 10, i == 0 ? "_one" : "_two");
        plan(lake, args[0], args[1], &supplies[i], &arena, &layouts[i]);
    }
    for (int i = 0; i < 2; i++) {
        struct pen_parts parts = PEN_PARTS;
        write_part(duck, &layouts[i], &supplies[i], &parts);
        struct commit commit = {&layouts[i], &parts, PEN_LAKE_APPEND};
        MUST(pen_lake_transact(lake, "probe", commit_parts, &commit, NULL, err));
        pen_parts_release(&parts);
        supply_close(&supplies[i]);
    }
    pen_duck_close(duck);
    pen_arena_release(&arena);
}

/* --- names and queries -------------------------------------------------------------------------
 */

static void change(struct pen_lake *lake, const char *what, char **args)
{
    struct pen_lake_txn *txn = NULL;
    MUST(pen_lake_begin(lake, &txn, err));
    if (strcmp(what, "database") == 0)
        MUST(pen_lake_database_create(txn, args[0], err));
    else if (strcmp(what, "rename") == 0)
        MUST(pen_lake_table_rename(txn, args[0], args[1], args[2], false, err));
    else
        MUST(pen_lake_table_drop(txn, args[0], args[1], err));
    MUST(pen_lake_commit(txn, "probe", NULL, err));
}

static void print_value(const struct pen_column *column, size_t row)
{
    if (!pen_column_is_valid(column, row)) {
        fputs("NULL", stdout);
        return;
    }
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        fputs(pen_column_booleans(column)[row] ? "true" : "false", stdout);
        break;
    case PEN_TYPE_LONG:
    case PEN_TYPE_TIMESTAMP:
        printf("%lld", (long long)pen_column_longs(column)[row]);
        break;
    case PEN_TYPE_DOUBLE:
        printf("%.17g", pen_column_doubles(column)[row]);
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON: {
        struct pen_slice text = pen_string_slice(&pen_column_strings(column)[row]);
        (void)fwrite(text.ptr, 1, text.len, stdout); /* the reader counts what came */
        break;
    }
    }
}

static void query(struct pen_lake *lake, const char *database, const char *sql)
{
    struct pen_lake_txn *txn = NULL;
    struct pen_duck_session *session = NULL;
    struct pen_duck_query *running = NULL;
    MUST(pen_lake_begin_read(lake, &txn, err));
    MUST(pen_lake_session_open(txn, database, NULL, &session, err));
    pen_lake_rollback(txn);
    MUST(pen_duck_query(session, pen_slice_str(sql), &running, err));
    for (;;) {
        const struct pen_batch *batch = NULL;
        MUST(pen_duck_query_next(running, &batch, err));
        if (batch == NULL)
            break;
        for (size_t row = 0; row < batch->rows; row++)
            for (size_t c = 0; c < batch->column_count; c++) {
                print_value(&batch->columns[c], row);
                putchar(c + 1 == batch->column_count ? '\n' : '\t');
            }
    }
    pen_duck_query_free(running);
    pen_duck_session_close(session);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    struct pen_lake *lake = NULL;
    MUST(pen_lake_open(argv[1], PEN_DB_CREATE, &lake, err));
    const char *what = argv[2];
    if (strcmp(what, "load") == 0)
        load(lake, argv + 3, argc - 3, false);
    else if (strcmp(what, "plan-and-die") == 0)
        load(lake, argv + 3, argc - 3, true);
    else if (strcmp(what, "collide") == 0)
        collide(lake, argv + 3);
    else if (strcmp(what, "query") == 0)
        query(lake, argv[3], argv[4]);
    else
        change(lake, what, argv + 3);
    pen_lake_close(lake);
    return 0;
}
