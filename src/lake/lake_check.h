/* lake_check.h - whether the catalog says of a table's files what the files say of themselves.
 *
 *     catalog rows --> each file: there? size, footer, rows, field ids
 *                  --> its data:  null counts, bounds      --> findings
 *                  --> the table: statistics that hold all of them */
#ifndef PEN_LAKE_LAKE_CHECK_H
#define PEN_LAKE_LAKE_CHECK_H

#include "duck/duck_inspect.h"
#include "lake/lake_files.h"

struct pen_finding {
    bool is_note;     /* worth knowing, nothing is wrong */
    const char *kind; /* one word: missing, size, footer, rows, field_id, statistics, ... */
    const char *database, *table, *path; /* NULL where it is about none */
    char text[400];
};

/* Gets findings one by one. errors: end the check. */
typedef enum pen_code (*pen_finding_fn)(void *context, const struct pen_finding *finding,
                                        struct pen_error *err);

/* pen_finding_say - makes a finding and hands it to fn. in: base: everything but the text. */
PEN_MUST_USE enum pen_code pen_finding_say(pen_finding_fn fn, void *context,
                                           const struct pen_finding *base, struct pen_error *err,
                                           const char *format, ...)
    __attribute__((format(printf, 5, 6)));

struct pen_lake_check {
    struct pen_lake *lake;
    struct pen_duck *duck;
    bool is_quick;              /* footers only; the data are not read */
    const volatile int *cancel; /* may be NULL */
    pen_finding_fn on_finding;
    void *context;
};

/* pen_lake_check_table - checks all files that the catalog knows of the table, those of older
 * snapshots too. No transaction may be open: the catalog is read in one of its own, the files after
 * it; a file that compaction and gc removed meanwhile is no finding.
 * out: *ret_files, *ret_bytes grow by what was looked at.
 * errors: PEN_ERR_NOT_FOUND the table; PEN_ERR_CANCELLED; never what findings are about. */
PEN_MUST_USE enum pen_code pen_lake_check_table(const struct pen_lake_check *check,
                                                const char *database, const char *table,
                                                uint64_t *ret_files, uint64_t *ret_bytes,
                                                struct pen_error *err);

#endif
