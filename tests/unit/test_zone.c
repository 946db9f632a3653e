#include "unit.h"

#include "base/civil.h"
#include "tz/zone_name.h"

#include <stdlib.h>
#include <time.h>

static void from_text_knows_the_names_of_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int32_t seconds;
    } cases[] = {
        {"Z", 0},
        {"EST", -18000},
        {"EDT", -18000},
        {"CST", -21600},
        {"CDT", -21600},
        {"MST", -25200},
        {"MDT", -25200},
        {"PST", -28800},
        {"PDT", -28800},
        {"HST", -36000},
        {"UTC", 0},
        {"GMT", 0},
        {"UT", 0},
        {"UTC+9", 32400},
        {"GMT-09:08:07", -32887},
        {"UT+0930", 34200},
        {"+9", 32400},
        {"+09", 32400},
        {"-0930", -34200},
        {"+09:30", 34200},
        {"+093015", 34215},
        {"+09:30:15", 34215},
        {"+18:00", 64800},
        {"-18", -64800},
        /* the Ruby table: case and blanks do not count there */
        {"est", -18000},
        {"edt", -14400},
        {"pdt", -25200},
        {"EST DST", -14400},
        {"PST  dst", -25200},
        {"JST", 32400},
        {"jst", 32400},
        {"A", 3600},
        {"I", 32400},
        {"K", 36000},
        {"M", 43200},
        {"N", -3600},
        {"Y", -43200},
        {"z", 0},
        {"NST", -12600},
        {"NDT", -9000},
        {"IST", 19800},
        {"MSK", 10800},
        {"NZDT", 46800},
        {"MET DST", 7200},
        {"tokyo standard time", 32400},
        {"Eastern Standard Time", -18000},
        {"Mountain Daylight Time", -21600},
        {"E. Australia  Standard Time", 36000},
        {"nepal standard time", 20700},
        {"W. Europe Daylight Time", 7200},
        /* Ruby offsets, where Java takes none */
        {"+930", 34200},
        {"-93015", -34215},
        {"+9:30", 34200},
        {"+9:30:15", 34215},
        {"GMT-3.5", -12600},
        {"utc+3,25", 11700},
        {"gmt+9", 32400},
        {"UTC+930", 34200},
        {"+0.3333333333333333", 1199},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pen_zone_ref zone = {NULL, -1};
        if (!pen_zone_from_text(pen_slice_str(cases[i].name), &zone))
            fail_msg("'%s' is not known", cases[i].name);
        if (zone.region != NULL || zone.offset_seconds != cases[i].seconds)
            fail_msg("'%s': got %d, expected %d", cases[i].name, zone.offset_seconds,
                     cases[i].seconds);
    }
}

static void from_text_refuses_what_is_no_zone(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "J",
        "XYZ",
        "+",
        "-",
        "+19",
        "+18:01",
        "-18:00:01",
        "+1800001",
        "UTC9",
        "UTC+",
        "+9x",
        "+9:",
        "9",
        "09:00",
        "Asia/Tokyo",
        "America/New_York",
        "localtime",
        "EST5EDT",
        "AMT",
        "Foo Standard Time",
        "STANDARD TIME",
        "posixrules",
        "+99999999999999999999",
        "+1.",
        "+1:2:3:4",
        "a name that is much longer than all the names which the table of zones knows about",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pen_zone_ref zone;
        if (pen_zone_from_text(pen_slice_str(names[i]), &zone))
            fail_msg("'%s' is taken for a zone", names[i]);
    }
}

static void from_text_prefers_regions_over_the_ruby_table(void **state)
{
    (void)state;
    static const char *const names[] = {"CET", "EET", "MET", "WET", "Japan", "GB", "ROC", "Zulu"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pen_zone_ref zone = {NULL, 0};
        assert_true(pen_zone_from_text(pen_slice_str(names[i]), &zone));
        assert_non_null(zone.region);
    }
    struct pen_zone_ref cet;
    assert_true(pen_zone_from_text(PEN_LIT("CET"), &cet));
    assert_int_equal(pen_zone_offset_at(cet.region, 1435752000, NULL), 7200);
    assert_int_equal(pen_zone_offset_at(cet.region, 1420070400, NULL), 3600);
}

static void option_takes_regions_and_refuses_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "../../etc/passwd",
        "Asia/../../../etc/passwd",
        "Asia//Tokyo",
        "/etc/passwd",
        "Asia/.Tokyo",
        "posix/Asia/Tokyo",
        "right/Asia/Tokyo",
        "localtime",
        "posixrules",
        "Factory",
        "zone.tab",
        "tzdata.zi",
        "Asia",
        "Asia/",
        "Asia/Tokyo/",
        "Asia/Tokyo\n",
        ".",
        "..",
    };
    struct pen_zone_ref zone;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pen_error err = {0};
        assert_int_equal(pen_zone_from_option(pen_slice_str(bad[i]), &zone, &err), PEN_ERR_CONFIG);
        assert_non_null(strstr(err.message, "Invalid time zone ID '"));
    }
    assert_int_equal(pen_zone_from_option(pen_slice("Asia/Tokyo\0x", 12), &zone, NULL),
                     PEN_ERR_CONFIG);
    static const char *const good[] = {
        "Asia/Tokyo", "America/Argentina/Buenos_Aires", "Etc/GMT+9", "EST5EDT",
        "GMT0",       "America/Port-au-Prince",         "W-SU"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(pen_zone_from_option(pen_slice_str(good[i]), &zone, err));
        assert_non_null(zone.region);
    }
}

/* --- against glibc ---------------------------------------------------------------------------- */

static const char *const sample_zones[] = {
    "UTC",
    "Asia/Tokyo",
    "America/New_York",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Gaza",
    "America/Nuuk",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "Asia/Tehran",
    "Pacific/Kiritimati",
    "America/Caracas",
    "Europe/Moscow",
    "EST5EDT",
    "CET",
};
#define SAMPLE_ZONES (sizeof sample_zones / sizeof sample_zones[0])

static void use_zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}

static void check_against_glibc(const struct pen_zone *zone, const char *name, int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    assert_non_null(localtime_r(&t, &tm));
    const char *abbreviation = NULL;
    int32_t offset = pen_zone_offset_at(zone, seconds, &abbreviation);
    if (offset != tm.tm_gmtoff || strcmp(abbreviation, tm.tm_zone) != 0)
        fail_msg("%s at %lld: %d %s, glibc has %ld %s", name, (long long)seconds, offset,
                 abbreviation, tm.tm_gmtoff, tm.tm_zone);
    struct pen_civil c = pen_civil_from_us((seconds + offset) * PEN_US_PER_SECOND);
    assert_int_equal(c.year, tm.tm_year + 1900);
    assert_int_equal(c.month, tm.tm_mon + 1);
    assert_int_equal(c.day, tm.tm_mday);
    assert_int_equal(c.hour, tm.tm_hour);
    assert_int_equal(c.minute, tm.tm_min);
    assert_int_equal(c.second, tm.tm_sec);
}

static void offset_at_agrees_with_glibc_over_zones_and_years(void **state)
{
    (void)state;
    int64_t from = pen_days_from_civil(1900, 1, 1) * 86400;
    int64_t to = pen_days_from_civil(2600, 1, 1) * 86400;
    for (size_t z = 0; z < SAMPLE_ZONES; z++) {
        const struct pen_zone *zone = NULL;
        assert_ok(pen_zone_load(pen_slice_str(sample_zones[z]), &zone, err));
        use_zone(sample_zones[z]);
        for (int64_t t = from; t < to; t += 86400 * 19 + 12345)
            check_against_glibc(zone, sample_zones[z], t);
        for (int64_t day = 0; day < 2 * 365; day++) { /* every half hour finds every change */
            int64_t noon = pen_days_from_civil(2014, 1, 1) + day;
            for (int64_t s = 0; s < 86400; s += 1800) {
                check_against_glibc(zone, sample_zones[z], noon * 86400 + s - 1);
                check_against_glibc(zone, sample_zones[z], noon * 86400 + s);
            }
        }
    }
    use_zone("Asia/Kolkata");
}

/* Every instant whose clock reading is `local` lies within a day of it. */
static void check_local(const struct pen_zone *zone, const char *name, int64_t local)
{
    int64_t utc = local - pen_zone_offset_at_local(zone, local);
    int64_t back = utc + pen_zone_offset_at(zone, utc, NULL);
    int64_t earlier = local - pen_zone_offset_at(zone, local - 86400, NULL);
    int64_t later = local - pen_zone_offset_at(zone, local + 86400, NULL);
    bool fits_earlier = earlier + pen_zone_offset_at(zone, earlier, NULL) == local;
    bool fits_later = later + pen_zone_offset_at(zone, later, NULL) == local;
    if (fits_earlier || fits_later) { /* a real reading: exact, and the first when there are two */
        assert_int_equal(back, local);
        int64_t first = fits_earlier && (!fits_later || earlier < later) ? earlier : later;
        if (utc != first)
            fail_msg("%s at local %lld: %lld, expected %lld", name, (long long)local,
                     (long long)utc, (long long)first);
    } else { /* in a gap: forward by the gap */
        assert_true(back > local);
        assert_int_equal(back - local, pen_zone_offset_at(zone, local + 86400, NULL) -
                                           pen_zone_offset_at(zone, local - 86400, NULL));
    }
}

static void offset_at_local_finds_the_first_instant_of_a_reading(void **state)
{
    (void)state;
    static const int years[] = {1950, 1987, 2007, 2015, 2024, 2040, 2399, 3001};
    for (size_t z = 0; z < SAMPLE_ZONES; z++) {
        if (strcmp(sample_zones[z], "Africa/Casablanca") == 0 ||
            strcmp(sample_zones[z], "Antarctica/Troll") == 0)
            continue; /* changes of two hours or twice a month break the test's own oracle */
        const struct pen_zone *zone = NULL;
        assert_ok(pen_zone_load(pen_slice_str(sample_zones[z]), &zone, err));
        for (size_t y = 0; y < sizeof years / sizeof years[0]; y++) {
            int64_t start = pen_days_from_civil(years[y], 1, 1) * 86400;
            for (int64_t s = 0; s < INT64_C(366) * 86400; s += 1800)
                check_local(zone, sample_zones[z], start + s);
        }
    }
}

/* --- broken files ----------------------------------------------------------------------------- */

static void zone_read_survives_files_that_are_cut(void **state)
{
    (void)state;
    char folder[] = "/tmp/pen_zone_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    (void)snprintf(path, sizeof path, "%s/Cut", folder);
    char bytes[8192];
    FILE *from = fopen("/usr/share/zoneinfo/Europe/Dublin", "rb");
    assert_non_null(from);
    size_t len = fread(bytes, 1, sizeof bytes, from);
    (void)fclose(from); /* opened for reading */
    assert_true(len > 100 && len < sizeof bytes);
    /* every byte of header and ends, then every eleventh */
    for (size_t cut = 0; cut <= len; cut += cut < 200 || cut + 80 > len ? 1 : 11) {
        FILE *to = fopen(path, "wb");
        assert_non_null(to);
        assert_int_equal(fwrite(bytes, 1, cut, to), cut);
        assert_int_equal(fclose(to), 0);
        struct pen_zone *zone = NULL;
        struct pen_error err = {0};
        enum pen_code code = pen_zone_read(folder, PEN_LIT("Cut"), &zone, &err);
        assert_int_equal(code, cut == len ? PEN_OK : cut < 4 ? PEN_ERR_CONFIG : PEN_ERR_CORRUPT);
        pen_zone_free(zone);
    }
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
}

static void zone_read_survives_changed_bytes(void **state)
{
    (void)state;
    char folder[] = "/tmp/pen_zone_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64], bytes[8192];
    (void)snprintf(path, sizeof path, "%s/Changed", folder);
    FILE *from = fopen("/usr/share/zoneinfo/Africa/Cairo", "rb");
    assert_non_null(from);
    size_t len = fread(bytes, 1, sizeof bytes, from);
    (void)fclose(from); /* opened for reading */
    static const char values[] = {0, 0x7f, (char)0xff};
    for (size_t i = 0; i < len * sizeof values; i += i < 600 ? 1 : 7) {
        char kept = bytes[i / sizeof values];
        bytes[i / sizeof values] = values[i % sizeof values];
        FILE *to = fopen(path, "wb");
        assert_non_null(to);
        assert_int_equal(fwrite(bytes, 1, len, to), len);
        assert_int_equal(fclose(to), 0);
        struct pen_zone *zone = NULL;
        if (pen_zone_read(folder, PEN_LIT("Changed"), &zone, NULL) == PEN_OK) {
            for (int64_t t = -INT64_C(100000000000); t < INT64_C(100000000000); t += 9999999999) {
                int32_t offset = pen_zone_offset_at(zone, t, NULL);
                assert_in_range(offset + 26 * 3600, 0, 52 * 3600);
                offset = pen_zone_offset_at_local(zone, t);
                assert_in_range(offset + 26 * 3600, 0, 52 * 3600);
            }
        }
        pen_zone_free(zone);
        bytes[i / sizeof values] = kept;
    }
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_text_knows_the_names_of_the_specification),
        cmocka_unit_test(from_text_refuses_what_is_no_zone),
        cmocka_unit_test(from_text_prefers_regions_over_the_ruby_table),
        cmocka_unit_test(option_takes_regions_and_refuses_paths),
        cmocka_unit_test(offset_at_agrees_with_glibc_over_zones_and_years),
        cmocka_unit_test(offset_at_local_finds_the_first_instant_of_a_reading),
        cmocka_unit_test(zone_read_survives_files_that_are_cut),
        cmocka_unit_test(zone_read_survives_changed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
