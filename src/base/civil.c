#include "base/civil.h"

#include <stdio.h>
#include <time.h>

int64_t pen_days_from_civil(int64_t year, int month, int day)
{
    /* years start in March, so that the leap day is the last one; eras of 400 years */
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct pen_civil pen_civil_from_us(int64_t utc_us)
{
    int64_t days = floor_div(utc_us, PEN_US_PER_DAY);
    int64_t rest = utc_us - days * PEN_US_PER_DAY;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    int month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    int64_t seconds = rest / PEN_US_PER_SECOND;
    return (struct pen_civil){
        .year = year_of_era + era * 400 + (month <= 2),
        .month = month,
        .day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1),
        .hour = (int)(seconds / 3600),
        .minute = (int)(seconds / 60 % 60),
        .second = (int)(seconds % 60),
        .us = (int)(rest % PEN_US_PER_SECOND),
    };
}

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now); /* both clocks always exist on Linux */
    return (int64_t)now.tv_sec * PEN_US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t pen_now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t pen_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

size_t pen_instant_print(struct pen_instant instant, char *out)
{
    struct pen_civil c = pen_civil_from_us(instant.utc_us);
    const char *sign = c.year > 9999 ? "+" : c.year < 0 ? "-" : "";
    long long year = c.year < 0 ? -(long long)c.year : (long long)c.year;
    int n = snprintf(out, PEN_INSTANT_TEXT, "%s%04lld-%02d-%02dT%02d:%02d:%02d", sign, year,
                     c.month, c.day, c.hour, c.minute, c.second);
    size_t len = (size_t)n;
    if (c.us != 0 || instant.ns != 0) {
        len += (size_t)snprintf(out + len, PEN_INSTANT_TEXT - len, ".%06d%03d", c.us, instant.ns);
        while (out[len - 1] == '0')
            len--;
    }
    out[len++] = 'Z';
    out[len] = '\0';
    return len;
}
