#include "unit.h"

#include "conc/first_error.h"

static void note(struct pen_first_error *first, enum pen_code code, const char *message)
{
    struct pen_error failure = {0};
    assert_int_equal(pen_fail(&failure, code, "%s", message), code);
    pen_first_error_note(first, &failure);
}

static void assert_error(const struct pen_first_error *first, enum pen_code code,
                         const char *message)
{
    struct pen_error got = {0};
    assert_int_equal(pen_first_error_get(first, &got), code);
    assert_int_equal(got.code, code);
    assert_string_equal(got.message, message);
    assert_int_equal(pen_first_error_get(first, NULL), code);
}

static void the_first_error_counts(void **state)
{
    (void)state;
    struct pen_first_error first = PEN_FIRST_ERROR;
    assert_ok(pen_first_error_get(&first, err));
    assert_false(atomic_load(&first.has_failed));
    note(&first, PEN_ERR_IO, "disk");
    assert_true(atomic_load(&first.has_failed));
    note(&first, PEN_ERR_NOMEM, "memory");
    note(&first, PEN_ERR_CANCELLED, "cancelled");
    assert_error(&first, PEN_ERR_IO, "disk");
}

/* A thread that only stopped since another one had failed may be the first to say so. */
static void a_cause_counts_more_than_a_cancel_before_it(void **state)
{
    (void)state;
    struct pen_first_error first = PEN_FIRST_ERROR;
    note(&first, PEN_ERR_CANCELLED, "cancelled");
    assert_error(&first, PEN_ERR_CANCELLED, "cancelled");
    note(&first, PEN_ERR_CORRUPT, "broken");
    note(&first, PEN_ERR_CANCELLED, "cancelled");
    note(&first, PEN_ERR_IO, "disk");
    assert_error(&first, PEN_ERR_CORRUPT, "broken");
}

/* --- from many threads ------------------------------------------------------------------------ */

#define THREADS 4

static void *note_often(void *context)
{
    struct pen_first_error *first = context;
    for (int i = 0; i < 500; i++)
        note(first, i % 7 == 0 ? PEN_ERR_CANCELLED : PEN_ERR_IO, i % 7 == 0 ? "cancelled" : "disk");
    return NULL;
}

static void errors_of_many_threads_are_not_mixed(void **state)
{
    (void)state;
    struct pen_first_error first = PEN_FIRST_ERROR;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_often, &first), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_error(&first, PEN_ERR_IO, "disk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_counts),
        cmocka_unit_test(a_cause_counts_more_than_a_cancel_before_it),
        cmocka_unit_test(errors_of_many_threads_are_not_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
