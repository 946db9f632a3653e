#include "unit.h"

#include "meta/job.h"
#include "meta/job_plan.h"
#include "meta/part_note.h"
#include "temp_folder.h"

static struct pen_db *db;
static struct pen_arena arena;

static int open_db(void **state)
{
    static int number;
    char name[32];
    (void)state;
    snprintf(name, sizeof name, "note%d.sqlite", ++number);
    arena = PEN_ARENA((size_t)16 << 20);
    return pen_db_open(temp_path(name), PEN_DB_CREATE, 0, &db, NULL) != PEN_OK ||
           pen_db_migrate(db, NULL) != PEN_OK;
}

static int close_db(void **state)
{
    (void)state;
    pen_db_close(db);
    pen_arena_release(&arena);
    return 0;
}

/* "name state dead;" of all notes. */
static const char *notes(void)
{
    static char text[512];
    struct pen_noted_part *list = NULL;
    size_t count = 0, len = 0;
    text[0] = '\0';
    assert_ok(pen_part_list(db, &arena, &list, &count, err));
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s %s%s;", list[i].file_name,
                                list[i].state, list[i].is_dead ? " dead" : "");
    return text;
}

static int64_t make_job(enum pen_job_status status)
{
    struct pen_job job = {
        .type = "bulkload", .database = "d", .table = "t", .config = "", .options = ""};
    int64_t id = 0;
    assert_ok(pen_job_create(db, &job, &id, err));
    if (status == PEN_JOB_QUEUED)
        return id;
    assert_ok(pen_job_claim_one(db, id, "me", INT64_MAX, err));
    assert_ok(pen_job_start(db, id, "me", 1, err));
    struct pen_job_end end = {.status = status, .now_us = 2, .snapshot_id = -1};
    if (pen_job_status_is_finished(status))
        assert_ok(pen_job_finish(db, id, "me", &end, err));
    return id;
}

static void part_is_taken_once(void **state)
{
    (void)state;
    struct pen_error failed = {0};
    assert_ok(pen_part_note(db, "/f/", "one", 5, err));
    assert_ok(pen_part_note(db, "/f/", "two", 5, err));
    assert_string_equal(notes(), "one writing;two writing;");
    assert_ok(pen_part_take(db, "one", err));
    assert_string_equal(notes(), "two writing;");
    assert_int_equal(pen_part_take(db, "one", &failed), PEN_ERR_CONFLICT);
    assert_false(failed.is_retryable);
    assert_ok(pen_part_give_up(db, "two", err));
    assert_string_equal(notes(), "two garbage dead;");
    assert_int_equal(pen_part_take(db, "two", &failed), PEN_ERR_CONFLICT);
}

static void sweep_spares_the_young_and_unfinished_jobs(void **state)
{
    (void)state;
    assert_ok(pen_part_note(db, "/f/", "old", 5, err));
    assert_ok(pen_part_note(db, "/f/", "young", 50, err));
    static const enum pen_job_status states[] = {PEN_JOB_QUEUED, PEN_JOB_RUNNING, PEN_JOB_ERROR,
                                                 PEN_JOB_KILLED, PEN_JOB_SUCCESS};
    for (size_t i = 0; i < 5; i++)
        assert_ok(pen_job_part_begin(db, make_job(states[i]), 0, "/f/",
                                     pen_job_status_name(states[i]), 5, err));
    assert_ok(pen_part_sweep_dead(db, 50, err));
    assert_string_equal(notes(), "old garbage dead;young writing;queued writing;running writing;"
                                 "error garbage dead;killed garbage dead;success garbage dead;");
}

static void job_cannot_take_a_part_of_nobody(void **state)
{
    (void)state;
    int64_t id = make_job(PEN_JOB_RUNNING);
    struct pen_error failed = {0};
    assert_ok(pen_job_part_begin(db, id, 0, "/f/", "jobs", 5, err));
    assert_int_equal(pen_part_take(db, "jobs", &failed), PEN_ERR_CONFLICT);
    assert_ok(pen_part_give_up(db, "jobs", err));
    assert_string_equal(notes(), "jobs writing;");
    assert_ok(pen_part_drop(db, id + 1, "jobs", err));
    assert_string_equal(notes(), "jobs writing;");
    assert_ok(pen_part_drop(db, id, "jobs", err));
    assert_string_equal(notes(), "");
}

int main(void)
{
#define NOTE_TEST(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)
    const struct CMUnitTest tests[] = {
        NOTE_TEST(part_is_taken_once),
        NOTE_TEST(sweep_spares_the_young_and_unfinished_jobs),
        NOTE_TEST(job_cannot_take_a_part_of_nobody),
    };
    return cmocka_run_group_tests(tests, temp_folder_make, temp_folder_remove);
}
