#include "unit.h"

#include "base/civil.h"
#include "sched/timetable.h"

static struct pen_error failed;

static void zones_are_regions(void **state)
{
    (void)state;
    static const char *const good[] = {"Asia/Tokyo", "America/Los_Angeles", "Etc/GMT-9", "Japan"};
    const struct pen_zone *zone = NULL;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(pen_schedule_zone(good[i], &zone, err));
        assert_string_equal(pen_zone_name(zone), good[i]);
    }
    assert_ok(pen_schedule_zone("UTC", &zone, err));
    assert_null(zone);
}

static void other_zones_are_refused_with_the_reason(void **state)
{
    (void)state;
#define SHARED                                                                                     \
    " is an abbreviation: several zones share it, and it does not say when the clock changes"
#define FIXED " is an offset: it does not say when the clock changes"
    static const char *const cases[][3] = {
        {"PST", "time zone 'PST'" SHARED,
         "use the name of a region, such as 'America/Los_Angeles'"},
        {"pst", "time zone 'pst'" SHARED,
         "use the name of a region, such as 'America/Los_Angeles'"},
        {"CST", "time zone 'CST'" SHARED, "use the name of a region, such as 'America/Chicago'"},
        {"EST", "time zone 'EST'" SHARED, "use the name of a region, such as 'America/New_York'"},
        {"CET", "time zone 'CET'" SHARED, "use the name of a region, such as 'Europe/Paris'"},
        {"NDT", "time zone 'NDT'" SHARED, "use the name of a region, or UTC, such as 'Asia/Tokyo'"},
        {"+09:00", "time zone '+09:00'" FIXED,
         "use the name of a region, or UTC, such as 'Asia/Tokyo'"},
        {"UTC+9", "time zone 'UTC+9'" FIXED,
         "use the name of a region, or UTC, such as 'Asia/Tokyo'"},
        {"Asia/Tokio", "Invalid time zone ID 'Asia/Tokio'",
         "use the name of a region, or UTC, such as 'Asia/Tokyo'"},
        {"", "Invalid time zone ID ''", "use the name of a region, or UTC, such as 'Asia/Tokyo'"},
        {"../etc/passwd", "Invalid time zone ID '../etc/passwd'",
         "use the name of a region, or UTC, such as 'Asia/Tokyo'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct pen_zone *zone = NULL;
        failed = (struct pen_error){0};
        assert_int_equal(pen_schedule_zone(cases[i][0], &zone, &failed), PEN_ERR_CONFIG);
        assert_string_equal(failed.message, cases[i][1]);
        assert_string_equal(failed.hint, cases[i][2]);
    }
}

static void empty_expressions_never_run(void **state)
{
    (void)state;
    struct pen_timetable timetable;
    assert_ok(pen_timetable_open(" ", "UTC", &timetable, err));
    assert_false(timetable.is_scheduled);
    assert_int_equal(pen_timetable_next(&timetable, 5), 0);
    assert_int_equal(pen_timetable_last(&timetable, 5), 0);
    assert_int_equal(pen_timetable_open("", "PST", &timetable, &failed), PEN_ERR_CONFIG);
    assert_int_equal(pen_timetable_open("0 0 30 2 *", "UTC", &timetable, &failed), PEN_ERR_CONFIG);
}

static void next_and_last_work_in_microseconds(void **state)
{
    (void)state;
    struct pen_timetable timetable;
    assert_ok(pen_timetable_open("* * * * *", "UTC", &timetable, err));
    int64_t minute = 60 * PEN_US_PER_SECOND;
    assert_int_equal(pen_timetable_next(&timetable, minute - 1), minute);
    assert_int_equal(pen_timetable_next(&timetable, minute), 2 * minute);
    assert_int_equal(pen_timetable_last(&timetable, minute), minute);
    assert_int_equal(pen_timetable_last(&timetable, minute - 1), 0);
    assert_int_equal(pen_timetable_next(&timetable, -1), 0);
    assert_int_equal(pen_timetable_last(&timetable, -1), -minute);
}

static void moments_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *utc;
    } cases[] = {
        {"2026-01-31", "2026-01-30T15:00:00Z"},
        {"2026/01/31", "2026-01-30T15:00:00Z"},
        {"2026-01-31 12:00", "2026-01-31T03:00:00Z"},
        {"2026-01-31 12:00:05", "2026-01-31T03:00:05Z"},
        {"2026-01-31T12:00:05", "2026-01-31T03:00:05Z"},
        {"2026-01-31T12:00:05Z", "2026-01-31T12:00:05Z"},
        {"2026-01-31 12:00:05 UTC", "2026-01-31T12:00:05Z"},
        {"2026-01-31T12:00+01:00", "2026-01-31T11:00:00Z"},
        {"2026-01-31 12:00:05 -0800", "2026-01-31T20:00:05Z"},
        {"2026-01-31 +01:00", "2026-01-30T23:00:00Z"},
        {"2026-01-31+01:00", "2026-01-30T23:00:00Z"},
        {"1769860800", "2026-01-31T12:00:00Z"},
        {"now", "1970-01-01T00:00:07Z"},
    };
    static const char *const bad[] = {"",
                                      "tomorrow",
                                      "2026-13-01",
                                      "2026-02-30",
                                      "2026-1-1",
                                      "2026-01-31T",
                                      "2026-01-31 24:00",
                                      "2026-01-31 12:60",
                                      "2026-01-31 12",
                                      "-5",
                                      "+5",
                                      "2026-01-31 12:00 PST",
                                      "2026-01-31 12:00 +25:00",
                                      "2026-01-31x",
                                      "1.5",
                                      "99999999999999999"};
    const struct pen_zone *tokyo = NULL;
    assert_ok(pen_zone_load(PEN_LIT("Asia/Tokyo"), &tokyo, err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t us = 0;
        char text[PEN_INSTANT_TEXT];
        assert_ok(pen_moment_parse(cases[i].text, tokyo, 7999999, &us, err));
        text[pen_instant_print((struct pen_instant){us, 0}, text)] = '\0';
        assert_string_equal(text, cases[i].utc);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t us = 0;
        if (pen_moment_parse(bad[i], tokyo, 0, &us, &failed) != PEN_ERR_CONFIG)
            fail_msg("'%s' was read as %lld", bad[i], (long long)us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_are_regions),
        cmocka_unit_test(other_zones_are_refused_with_the_reason),
        cmocka_unit_test(empty_expressions_never_run),
        cmocka_unit_test(next_and_last_work_in_microseconds),
        cmocka_unit_test(moments_are_read_as_people_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
