#include "unit.h"

#include "run/plan.h"

static struct pen_plan plan_of(struct pen_object *objects, const uint64_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        objects[i] = (struct pen_object){.size_bytes = sizes[i]};
    return (struct pen_plan){.objects = objects, .object_count = count};
}

/* Groups and compares with "first+count first+count ...". */
static void assert_groups(const uint64_t *sizes, size_t count, int64_t min_task_size,
                          int64_t task_bytes, const char *expected)
{
    struct pen_object objects[16];
    struct pen_plan plan = plan_of(objects, sizes, count);
    assert_ok(pen_plan_group(&plan, min_task_size, task_bytes, err));
    char text[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < plan.task_count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%zu+%zu", i == 0 ? "" : " ",
                                plan.tasks[i].first, plan.tasks[i].count);
    assert_string_equal(text, expected);
    plan.objects = NULL;
    pen_plan_release(&plan);
}

static void group_closes_a_task_when_it_reaches_min_task_size(void **state)
{
    (void)state;
    assert_groups((uint64_t[]){150, 150, 200, 50}, 4, 300, 1, "0+2 2+2");
    assert_groups((uint64_t[]){10, 10, 10, 10}, 4, 25, 1, "0+3 3+1");
    assert_groups((uint64_t[]){10, 10}, 2, 1, 1000, "0+1 1+1");
    assert_groups((uint64_t[]){10, 10}, 2, 20, 1, "0+2");
    assert_groups((uint64_t[]){10, 10}, 2, 0, 1000, "0+1 1+1");
    assert_groups(NULL, 0, 20, 1, "");
}

static void group_packs_small_objects_up_to_task_bytes(void **state)
{
    (void)state;
    assert_groups((uint64_t[]){10, 10, 10, 10}, 4, -1, 25, "0+2 2+2");
    assert_groups((uint64_t[]){100, 10, 10, 100}, 4, -1, 25, "0+1 1+2 3+1");
    assert_groups((uint64_t[]){25, 25}, 2, -1, 25, "0+1 1+1");
    assert_groups((uint64_t[]){0, 0, 0}, 3, -1, 25, "0+3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_closes_a_task_when_it_reaches_min_task_size),
        cmocka_unit_test(group_packs_small_objects_up_to_task_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
