/* The oracle of these tests walks minute by minute through years of a zone's clock as the C library
 * shows it, matches fields with a reader of its own, and keeps the latest reading it has seen. */
#include "unit.h"

#include "base/civil.h"
#include "random.h"
#include "sched/cron.h"

#include <stdlib.h>
#include <time.h>

static struct pen_cron parse(const char *text)
{
    struct pen_cron cron = {0};
    assert_ok(pen_cron_parse(pen_slice_str(text), &cron, err));
    return cron;
}

/* --- the oracle ------------------------------------------------------------------------------- */

struct oracle_cron {
    bool sets[5][64];
    bool is_any_day, is_any_weekday, is_every_hour;
};

static int oracle_value(const char *word, int field)
{
    static const char *const names[2][12] = {
        {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
        {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}};
    for (int i = 0; field >= 3 && i < (field == 3 ? 12 : 7); i++)
        if (strncasecmp(word, names[field - 3][i], 3) == 0)
            return i + (field == 3);
    return (int)strtol(word, NULL, 10);
}

static void oracle_field(char *text, int field, bool *set)
{
    static const int low[] = {0, 0, 1, 1, 0}, high[] = {59, 23, 31, 12, 6};
    char *rest = NULL;
    for (char *part = strtok_r(text, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
        char *slash = strchr(part, '/'), *dash = strchr(part, '-');
        int step = slash == NULL ? 1 : (int)strtol(slash + 1, NULL, 10);
        int from = part[0] == '*' ? low[field] : oracle_value(part, field);
        int to = part[0] == '*' ? high[field] : dash == NULL ? from : oracle_value(dash + 1, field);
        for (int value = from; value <= to; value++)
            if ((value - from) % step == 0)
                set[field == 4 && value == 7 ? 0 : value] = true;
    }
}

static struct oracle_cron oracle_parse(const char *text)
{
    struct oracle_cron cron = {.is_every_hour = true};
    char copy[PEN_CRON_MAX_BYTES + 1], *rest = NULL;
    (void)snprintf(copy, sizeof copy, "%s", text);
    int field = 0;
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest), field++) {
        if (field == 2)
            cron.is_any_day = word[0] == '*';
        if (field == 4)
            cron.is_any_weekday = word[0] == '*';
        oracle_field(word, field, cron.sets[field]);
    }
    for (int hour = 0; hour < 24; hour++)
        cron.is_every_hour = cron.is_every_hour && cron.sets[1][hour];
    return cron;
}

static bool oracle_matches(const struct oracle_cron *cron, const struct tm *tm)
{
    bool day = cron->sets[2][tm->tm_mday], weekday = cron->sets[4][tm->tm_wday];
    bool is_day = cron->is_any_day || cron->is_any_weekday ? day && weekday : day || weekday;
    return is_day && cron->sets[0][tm->tm_min] && cron->sets[1][tm->tm_hour] &&
           cron->sets[3][tm->tm_mon + 1];
}

/* The readings of a zone's clock, one a UTC minute; as minutes since 1970 on that clock. */
struct clock {
    const struct pen_zone *zone;
    int64_t start_s;
    size_t count;
    int64_t *readings;
    struct tm *fields;
};

#define LEAD_MINUTES (3 * 1440) /* before the first instant that is looked at */

static struct clock clock_new(const char *name, int from_year, int years)
{
    struct clock clock = {0};
    assert_ok(pen_zone_load(pen_slice_str(name), &clock.zone, err));
    clock.start_s = pen_days_from_civil(from_year, 1, 1) * 86400 - LEAD_MINUTES * 60;
    clock.count =
        (size_t)((pen_days_from_civil(from_year + years, 1, 1) * 86400 - clock.start_s) / 60);
    clock.readings = malloc(clock.count * sizeof *clock.readings);
    clock.fields = malloc(clock.count * sizeof *clock.fields);
    assert_true(clock.readings != NULL && clock.fields != NULL);
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
    for (size_t i = 0; i < clock.count; i++) {
        time_t at = (time_t)(clock.start_s + (int64_t)i * 60);
        assert_non_null(localtime_r(&at, &clock.fields[i]));
        assert_int_equal(clock.fields[i].tm_sec, 0); /* only zones of whole minutes are asked */
        clock.readings[i] = (at + clock.fields[i].tm_gmtoff) / 60;
    }
    return clock;
}

static void clock_free(struct clock *clock)
{
    free(clock->readings);
    free(clock->fields);
}

static bool oracle_skipped(const struct oracle_cron *cron, int64_t from, int64_t to)
{
    for (int64_t reading = from; reading < to; reading++) {
        time_t as_utc = (time_t)(reading * 60);
        struct tm tm;
        assert_non_null(gmtime_r(&as_utc, &tm));
        if (oracle_matches(cron, &tm))
            return true;
    }
    return false;
}

/* Whether it fires at each minute. */
static void oracle_run(const struct oracle_cron *cron, const struct clock *clock, bool *fires)
{
    int64_t greatest = clock->readings[0];
    fires[0] = false;
    for (size_t i = 1; i < clock->count; i++) {
        int64_t reading = clock->readings[i];
        fires[i] = false;
        if (cron->is_every_hour || reading > greatest)
            fires[i] = oracle_matches(cron, &clock->fields[i]);
        if (reading > greatest) {
            if (!cron->is_every_hour && reading > greatest + 1)
                fires[i] = fires[i] || oracle_skipped(cron, greatest + 1, reading);
            greatest = reading;
        }
    }
}

static void fail_at(const char *text, const struct clock *clock, int64_t at, int64_t got,
                    int64_t expected)
{
    char texts[3][PEN_INSTANT_TEXT];
    const int64_t times[] = {at, got, expected};
    for (int i = 0; i < 3; i++)
        (void)pen_instant_print((struct pen_instant){times[i] * PEN_US_PER_SECOND, 0}, texts[i]);
    fail_msg("'%s' in %s, from %s: got %s, expected %s", text, pen_zone_name(clock->zone), texts[0],
             texts[1], texts[2]);
}

static void check_next(const char *text, const struct pen_cron *cron, const struct clock *clock,
                       const bool *fires, size_t from)
{
    size_t next = from + 1;
    while (next < clock->count && !fires[next])
        next++;
    int64_t at = clock->start_s + (int64_t)from * 60;
    int64_t got = pen_cron_next(cron, clock->zone, at);
    int64_t expected = clock->start_s + (int64_t)next * 60;
    if (next < clock->count ? got != expected : got < expected)
        fail_at(text, clock, at, got, expected);
}

/* Where the clock jumps, and while it shows readings for the second time. */
static void check_changes(const char *text, const struct pen_cron *cron, const struct clock *clock,
                          const bool *fires)
{
    for (size_t i = LEAD_MINUTES; i + 200 < clock->count; i++) {
        if (clock->readings[i] == clock->readings[i - 1] + 1)
            continue;
        for (size_t near = i - 70; near < i + 200; near += 11)
            check_next(text, cron, clock, fires, near);
    }
}

/* next and last at every minute's neighbourhood where it fires, and at random instants. */
static size_t compare(const char *text, const struct clock *clock, bool *fires, uint64_t *random)
{
    struct oracle_cron oracle = oracle_parse(text);
    struct pen_cron cron = parse(text);
    oracle_run(&oracle, clock, fires);
    check_changes(text, &cron, clock, fires);
    size_t count = 0;
    int64_t at = clock->start_s + LEAD_MINUTES * 60 - 1, last = INT64_MIN;
    for (size_t i = LEAD_MINUTES; i < clock->count; i++) {
        int64_t expected = clock->start_s + (int64_t)i * 60;
        if (!fires[i])
            continue;
        int64_t got = pen_cron_next(&cron, clock->zone, at);
        if (got != expected)
            fail_at(text, clock, at, got, expected);
        if (last != INT64_MIN && count % 64 == 0) {
            int64_t asked = last + (int64_t)random_below(random, (uint64_t)(expected - last));
            got = pen_cron_last(&cron, clock->zone, asked);
            if (got != last)
                fail_at(text, clock, asked, got, last);
            got = pen_cron_next(&cron, clock->zone, asked);
            if (got != expected)
                fail_at(text, clock, asked, got, expected);
        }
        at = last = expected;
        count++;
    }
    int64_t end = clock->start_s + (int64_t)clock->count * 60;
    if (pen_cron_next(&cron, clock->zone, at) < end)
        fail_at(text, clock, at, pen_cron_next(&cron, clock->zone, at), end);
    return count;
}

/* --- random expressions ----------------------------------------------------------------------- */

static void random_part(uint64_t *random, int field, char *out, size_t room)
{
    static const int low[] = {0, 0, 1, 1, 0}, high[] = {59, 23, 31, 12, 7};
    int span = high[field] - low[field];
    int a = low[field] + (int)random_below(random, (uint64_t)span + 1);
    int b = a + (int)random_below(random, (uint64_t)(high[field] - a) + 1);
    int step = 1 + (int)random_below(random, (uint64_t)span);
    switch (random_below(random, 5)) {
    case 0:
        (void)snprintf(out, room, "*/%d", step);
        break;
    case 1:
        (void)snprintf(out, room, "%d-%d", a, b);
        break;
    case 2:
        (void)snprintf(out, room, "%d-%d/%d", a, b, step);
        break;
    default:
        (void)snprintf(out, room, "%d", a);
        break;
    }
}

static void random_cron(uint64_t *random, char *out, size_t room)
{
    out[0] = '\0';
    for (int field = 0; field < 5; field++) {
        size_t parts = 1 + random_below(random, 3);
        bool is_star = random_below(random, 10) < (field == 0 ? 1 : field < 3 ? 4 : 7);
        for (size_t part = 0; part < parts; part++) {
            char word[16] = "*";
            if (!is_star)
                random_part(random, field, word, sizeof word);
            size_t len = strlen(out);
            (void)snprintf(out + len, room - len, "%s%s",
                           part > 0    ? ","
                           : field > 0 ? " "
                                       : "",
                           word);
            if (is_star)
                break;
        }
    }
}

static void next_agrees_with_the_oracle_in_every_minute_of_years(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int from, years;
    } places[] = {
        {"UTC", 2099, 2},                 /* 2100 is no leap year */
        {"America/New_York", 2023, 3},    /* an hour at 2:00 */
        {"Europe/London", 2026, 2},       /* an hour at 1:00 UTC */
        {"Australia/Lord_Howe", 2024, 2}, /* half an hour */
        {"America/Sao_Paulo", 2016, 3},   /* the gap takes midnight away */
        {"America/St_Johns", 1987, 2},    /* changes at 0:01, in 1988 by two hours */
        {"Africa/Casablanca", 2024, 2},   /* winter time in the month of Ramadan */
        {"Antarctica/Troll", 2024, 2},    /* two hours */
        {"Pacific/Apia", 2011, 2},        /* 30 December 2011 does not exist */
        {"Pacific/Kwajalein", 1993, 1},   /* 21 August 1993 does not exist */
        {"Asia/Kathmandu", 1985, 2},      /* +5:30 became +5:45 */
        {"Asia/Tehran", 2021, 2},         /* midnight, both ways */
        {"America/Caracas", 2007, 1},     /* half an hour back, at 3:00 */
        {"Asia/Pyongyang", 2018, 1},      /* half an hour forward, just before midnight */
    };
    static const char *const expressions[] = {
        "0 * * * *",     "0 0 * * *",       "0 0 1 * *",      "10 0 * * *",
        "*/15 * * * *",  "30 2 * * *",      "*/20 1-2 * * *", "0 */2 * * *",
        "59 23 31 12 *", "0 12 * * 1-5",    "30 1 13 * fri",  "0 0 */2 * sun",
        "* * * * *",     "5,35 0-23 * * *", "0 3 29 2 *",     "15 0,1,2,3 * * *",
        "0 0 1-7 * MON", "45 23 * * *",     "0 0 30 * *",     "1-59/2 2 * mar,nov *",
    };
    uint64_t random = 7;
    size_t fired = 0;
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
        struct clock clock = clock_new(places[p].zone, places[p].from, places[p].years);
        bool *fires = malloc(clock.count);
        assert_non_null(fires);
        for (size_t e = 0; e < sizeof expressions / sizeof expressions[0]; e++)
            fired += compare(expressions[e], &clock, fires, &random);
        for (int n = 0; n < 20; n++) {
            char text[PEN_CRON_MAX_BYTES];
            struct pen_cron cron;
            random_cron(&random, text, sizeof text);
            if (pen_cron_parse(pen_slice_str(text), &cron, NULL) == PEN_OK)
                fired += compare(text, &clock, fires, &random);
        }
        free(fires);
        clock_free(&clock);
    }
    assert_true(fired > 500000);
}

/* --- the rules, one by one -------------------------------------------------------------------- */

static int64_t seconds_of(const char *text)
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0;
    assert_int_equal(sscanf(text, "%d-%d-%d %d:%d", &year, &month, &day, &hour, &minute), 5);
    return pen_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static void assert_fires(const char *cron_text, const char *zone_name, const char *after,
                         const char *const expected[3])
{
    struct pen_cron cron = parse(cron_text);
    const struct pen_zone *zone = NULL;
    if (zone_name != NULL)
        assert_ok(pen_zone_load(pen_slice_str(zone_name), &zone, err));
    int64_t at = seconds_of(after);
    for (int i = 0; i < 3; i++) {
        at = pen_cron_next(&cron, zone, at);
        char got[PEN_INSTANT_TEXT];
        (void)pen_instant_print((struct pen_instant){at * PEN_US_PER_SECOND, 0}, got);
        if (at != seconds_of(expected[i]))
            fail_msg("'%s' after %s: fire %d at %s, expected %s", cron_text, after, i, got,
                     expected[i]);
        assert_int_equal(pen_cron_last(&cron, zone, at), at);
    }
}

static void clock_changes_follow_the_written_rule(void **state)
{
    (void)state;
    static const struct {
        const char *cron, *zone, *after, *fires[3]; /* all in UTC */
    } cases[] = {
        /* New York, 2026-03-08: 2:00 EST is 3:00 EDT, 07:00 UTC */
        {"30 2 * * *",
         "America/New_York",
         "2026-03-06 12:00",
         {"2026-03-07 07:30", "2026-03-08 07:00", "2026-03-09 06:30"}},
        {"*/15 2 * * *",
         "America/New_York",
         "2026-03-07 07:45",
         {"2026-03-08 07:00", "2026-03-09 06:00", "2026-03-09 06:15"}},
        {"0 2,3 * * *",
         "America/New_York",
         "2026-03-08 00:00",
         {"2026-03-08 07:00", "2026-03-09 06:00", "2026-03-09 07:00"}},
        {"30 * * * *",
         "America/New_York",
         "2026-03-08 06:00",
         {"2026-03-08 06:30", "2026-03-08 07:30", "2026-03-08 08:30"}},
        {"0 */2 * * *",
         "America/New_York",
         "2026-03-08 04:00",
         {"2026-03-08 05:00", "2026-03-08 07:00", "2026-03-08 08:00"}},
        /* 2026-11-01: 2:00 EDT is 1:00 EST, 06:00 UTC */
        {"30 1 * * *",
         "America/New_York",
         "2026-10-31 12:00",
         {"2026-11-01 05:30", "2026-11-02 06:30", "2026-11-03 06:30"}},
        {"30 * * * *",
         "America/New_York",
         "2026-11-01 05:00",
         {"2026-11-01 05:30", "2026-11-01 06:30", "2026-11-01 07:30"}},
        {"0 2 * * *",
         "America/New_York",
         "2026-10-31 12:00",
         {"2026-11-01 07:00", "2026-11-02 07:00", "2026-11-03 07:00"}},
        /* midnight does not exist in Sao Paulo on 2018-11-04: the day begins at 1:00, 03:00 UTC */
        {"0 0 * * *",
         "America/Sao_Paulo",
         "2018-11-03 12:00",
         {"2018-11-04 03:00", "2018-11-05 02:00", "2018-11-06 02:00"}},
        /* Samoa left 30 December 2011 out, at 10:00 UTC */
        {"0 12 * * *",
         "Pacific/Apia",
         "2011-12-29 00:00",
         {"2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"}},
        /* zones without changes, and the far future */
        {"10 0 * * *",
         "Asia/Tokyo",
         "2026-01-01 00:00",
         {"2026-01-01 15:10", "2026-01-02 15:10", "2026-01-03 15:10"}},
        {"30 2 * * *",
         "America/New_York",
         "2398-03-07 12:00",
         {"2398-03-08 07:00", "2398-03-09 06:30", "2398-03-10 06:30"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_fires(cases[i].cron, cases[i].zone, cases[i].after, cases[i].fires);
}

static void days_and_weekdays_are_joined_as_cron_does(void **state)
{
    (void)state;
    static const struct {
        const char *cron, *after, *fires[3];
    } cases[] = {
        {"0 0 13 * fri",
         "2026-02-06 01:00",
         {"2026-02-13 00:00", "2026-02-20 00:00", "2026-02-27 00:00"}},
        {"0 0 13,14 * fri",
         "2026-02-13 00:00",
         {"2026-02-14 00:00", "2026-02-20 00:00", "2026-02-27 00:00"}},
        {"0 0 */13 * fri",
         "2026-01-01 00:00", /* a star: both must match, on the 1st, 14th, 27th */
         {"2026-02-27 00:00", "2026-03-27 00:00", "2026-05-01 00:00"}},
        {"0 0 * * 7",
         "2026-01-01 00:00",
         {"2026-01-04 00:00", "2026-01-11 00:00", "2026-01-18 00:00"}},
        {"0 0 * * fri-sun",
         "2026-01-04 00:00",
         {"2026-01-09 00:00", "2026-01-10 00:00", "2026-01-11 00:00"}},
        {"0 0 * * 5-7",
         "2026-01-04 00:00",
         {"2026-01-09 00:00", "2026-01-10 00:00", "2026-01-11 00:00"}},
        {"0 0 30 feb mon",
         "2026-01-01 00:00", /* no 30th, but Mondays */
         {"2026-02-02 00:00", "2026-02-09 00:00", "2026-02-16 00:00"}},
        {"0 0 29 2 *",
         "2026-01-01 00:00",
         {"2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"}},
        {"0 0 29 2 */6",
         "2096-03-01 00:00", /* 29 February on a Saturday or Sunday */
         {"2116-02-29 00:00", "2128-02-29 00:00", "2144-02-29 00:00"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_fires(cases[i].cron, NULL, cases[i].after, cases[i].fires);
}

static void aliases_stand_for_their_fields(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"  @monthly ", "0\t0  1 * *"}};
    for (size_t i = 0; i < 3; i++) {
        struct pen_cron a = parse(pairs[i][0]), b = parse(pairs[i][1]);
        assert_memory_equal(&a, &b, sizeof a);
    }
}

static void wrong_expressions_are_refused_with_the_field(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"", "cron is empty", ""},
        {" \t", "cron is empty", ""},
        {"0 0 * *", "cron '0 0 * *' has 4 fields, not 5: minute hour day month weekday", ""},
        {"0 0 * * * *", "cron '0 0 * * * *' has 6 fields, not 5: minute hour day month weekday",
         ""},
        {"60 0 * * *", "cron '60 0 * * *': minute '60' is not within 0-59", ""},
        {"0 24 * * *", "cron '0 24 * * *': hour '24' is not within 0-23", ""},
        {"0 0 0 * *", "cron '0 0 0 * *': day of month '0' is not within 1-31", ""},
        {"0 0 * 13 *", "cron '0 0 * 13 *': month '13' is not within 1-12 or jan-dec", ""},
        {"0 0 * * 8", "cron '0 0 * * 8': weekday '8' is not within 0-7 or sun-sat", ""},
        {"0 0 * june *", "cron '0 0 * june *': month 'june' is not within 1-12 or jan-dec", ""},
        {"jan 0 * * *", "cron 'jan 0 * * *': minute 'jan' is not within 0-59", ""},
        {"-1 0 * * *", "cron '-1 0 * * *': minute '' is not within 0-59", ""},
        {"1.5 0 * * *", "cron '1.5 0 * * *': minute '1.5' is not within 0-59", ""},
        {"99999 0 * * *", "cron '99999 0 * * *': minute '99999' is not within 0-59", ""},
        {"0 0 L * *", "cron '0 0 L * *': day of month 'L' is not within 1-31", ""},
        {"0 0 ? * *", "cron '0 0 ? * *': day of month '?' is not within 1-31", ""},
        {"0 5-2 * * *", "cron '0 5-2 * * *': hour '5-2' runs backwards", ""},
        {"0 0 * * fri-mon", "cron '0 0 * * fri-mon': weekday 'fri-mon' runs backwards", ""},
        {"0 0 * * 5-0", "cron '0 0 * * 5-0': weekday '5-0' runs backwards", ""},
        {"*/0 * * * *", "cron '*/0 * * * *': minute '*/0' has no step of 1 or more behind '/'", ""},
        {"*/ * * * *", "cron '*/ * * * *': minute '*/' has no step of 1 or more behind '/'", ""},
        {"*/x * * * *", "cron '*/x * * * *': minute '*/x' has no step of 1 or more behind '/'", ""},
        {"*/90 * * * *", "cron '*/90 * * * *': minute '*/90' has a step longer than the field", ""},
        {"5/15 * * * *",
         "cron '5/15 * * * *': minute '5/15' has a step but no range: write FROM-TO/STEP", ""},
        {"1,,2 * * * *", "cron '1,,2 * * * *': minute '' is empty between commas", ""},
        {"1, * * * *", "cron '1, * * * *': minute '' is empty between commas", ""},
        {"1-2-3 * * * *", "cron '1-2-3 * * * *': minute '2-3' is not within 0-59", ""},
        {"0 0 30 2 *", "cron '0 0 30 2 *' names a date that no year has: day 30 of month 2", ""},
        {"0 0 31 4,6,9,11 *",
         "cron '0 0 31 4,6,9,11 *' names a date that no year has: day 31 of month 4,6,9,11", ""},
        {"0 0 31 feb */2",
         "cron '0 0 31 feb */2' names a date that no year has: day 31 of month feb", ""},
        {"@weekly", "cron '@weekly' is not supported", "write '0 0 * * 0'"},
        {"@yearly", "cron '@yearly' is not supported", "write '0 0 1 1 *'"},
        {"@midnight", "cron '@midnight' is not supported", "write '@daily'"},
        {"@reboot", "cron '@reboot' is not supported",
         "use @hourly, @daily, @monthly or five fields"},
        {"@Daily", "cron '@Daily' is not supported",
         "use @hourly, @daily, @monthly or five fields"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pen_cron cron;
        struct pen_error failed = {0};
        assert_int_equal(pen_cron_parse(pen_slice_str(cases[i][0]), &cron, &failed),
                         PEN_ERR_CONFIG);
        assert_string_equal(failed.message, cases[i][1]);
        assert_string_equal(failed.hint, cases[i][2]);
    }
}

static void too_long_an_expression_is_refused(void **state)
{
    (void)state;
    char text[PEN_CRON_MAX_BYTES + 64];
    memset(text, '1', sizeof text);
    struct pen_cron cron;
    assert_int_equal(pen_cron_parse(pen_slice(text, sizeof text), &cron, NULL), PEN_ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_agrees_with_the_oracle_in_every_minute_of_years),
        cmocka_unit_test(clock_changes_follow_the_written_rule),
        cmocka_unit_test(days_and_weekdays_are_joined_as_cron_does),
        cmocka_unit_test(aliases_stand_for_their_fields),
        cmocka_unit_test(wrong_expressions_are_refused_with_the_field),
        cmocka_unit_test(too_long_an_expression_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
