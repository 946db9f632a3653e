#include "unit.h"

#include "run/account.h"

static void account_check_passes_when_every_object_adds_up(void **state)
{
    (void)state;
    struct pen_account account = {0};
    assert_ok(pen_account_init(&account, 7, 2, err));
    *pen_account_of(&account, 7) = (struct pen_object_account){10, 6, 3, 1};
    *pen_account_of(&account, 8) = (struct pen_object_account){5, 5, 0, 0};
    assert_ok(pen_account_check(&account, 11, err));
    struct pen_account_totals sum = pen_account_sum(&account);
    assert_int_equal(sum.records, 15);
    assert_int_equal(sum.loaded, 11);
    assert_int_equal(sum.rejected, 3);
    assert_int_equal(sum.filtered, 1);
    pen_account_release(&account);
}

static void account_check_names_the_object_that_does_not(void **state)
{
    (void)state;
    struct pen_error failed = {0};
    struct pen_account account = {0};
    assert_ok(pen_account_init(&account, 7, 2, err));
    *pen_account_of(&account, 7) = (struct pen_object_account){10, 10, 0, 0};
    *pen_account_of(&account, 8) = (struct pen_object_account){5, 4, 0, 0};
    assert_int_equal(pen_account_check(&account, 14, &failed), PEN_ERR_INTERNAL);
    assert_non_null(strstr(failed.message, "object 8"));
    pen_account_release(&account);
}

static void account_check_compares_with_the_rows_of_the_parts(void **state)
{
    (void)state;
    struct pen_error failed = {0};
    struct pen_account account = {0};
    assert_ok(pen_account_init(&account, 0, 1, err));
    *pen_account_of(&account, 0) = (struct pen_object_account){10, 10, 0, 0};
    assert_int_equal(pen_account_check(&account, 9, &failed), PEN_ERR_INTERNAL);
    assert_non_null(strstr(failed.message, "10 rows"));
    pen_account_release(&account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_check_passes_when_every_object_adds_up),
        cmocka_unit_test(account_check_names_the_object_that_does_not),
        cmocka_unit_test(account_check_compares_with_the_rows_of_the_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
