/* duck_run.c - one statement of our own to its result, with an ear for cancellation. */
#include "duck/duck_internal.h"

#include <time.h>

/* An interrupted statement that is left without hearing its error keeps its plan for ever. */
static void wind_up(duckdb_pending_result pending)
{
    duckdb_result result;
    memset(&result, 0, sizeof result);
    (void)duckdb_execute_pending(pending, &result); /* ends with the interrupt's error */
    duckdb_destroy_result(&result);
}

/* Works on the statement until its result is there, and looks at `cancel` in between. */
static enum pen_code work(duckdb_connection connection, duckdb_pending_result pending,
                          const volatile int *cancel, struct pen_error *err)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    for (;;) {
        if (cancel != NULL && *cancel != 0) {
            duckdb_interrupt(connection);
            wind_up(pending);
            return pen_fail(err, PEN_ERR_CANCELLED, "stopped");
        }
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR)
            return pen_duck_fail_words(duckdb_pending_error(pending), err);
        if (duckdb_pending_execution_is_finished(state))
            return PEN_OK;
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE)
            (void)nanosleep(&moment, NULL); /* other threads are at work */
    }
}

static enum pen_code run_prepared(duckdb_connection connection, duckdb_prepared_statement statement,
                                  const volatile int *cancel, duckdb_result *ret_result,
                                  struct pen_error *err)
{
    duckdb_pending_result pending = NULL;
    enum pen_code code = PEN_OK;
    if (duckdb_pending_prepared(statement, &pending) != DuckDBSuccess)
        code = pen_duck_fail_words(duckdb_pending_error(pending), err);
    if (code == PEN_OK)
        code = work(connection, pending, cancel, err);
    if (code == PEN_OK && duckdb_execute_pending(pending, ret_result) != DuckDBSuccess)
        code = pen_duck_fail_result(ret_result, err);
    duckdb_destroy_pending(&pending);
    return code;
}

enum pen_code pen_duck_run_result(duckdb_connection connection, const char *sql,
                                  const volatile int *cancel, duckdb_result *ret_result,
                                  struct pen_error *err)
{
    memset(ret_result, 0, sizeof *ret_result);
    duckdb_prepared_statement statement = NULL;
    enum pen_code code = PEN_OK;
    if (duckdb_prepare(connection, sql, &statement) != DuckDBSuccess)
        code = pen_duck_fail_words(duckdb_prepare_error(statement), err);
    if (code == PEN_OK)
        code = run_prepared(connection, statement, cancel, ret_result, err);
    duckdb_destroy_prepare(&statement);
    return code;
}

bool pen_duck_text_at(duckdb_vector vector, idx_t row, struct pen_slice *ret_text)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    if (validity != NULL && !duckdb_validity_row_is_valid(validity, row))
        return false;
    duckdb_string_t *value = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;
    *ret_text = pen_slice(duckdb_string_t_data(value), duckdb_string_t_length(*value));
    return true;
}
