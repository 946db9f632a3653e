#include "net/http_date.h"

#include "base/civil.h"
#include "base/number.h"

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int month = 0; month < 12; month++)
        if (memcmp(names + (size_t)month * 3, name, 3) == 0)
            return month + 1;
    return -1;
}

bool pen_http_date_us(struct pen_slice text, int64_t *ret_utc_us)
{
    /* positions: "Fri, 24 May 2013 00:00:00 GMT" */
    if (text.len != 29 || memcmp(text.ptr + 25, " GMT", 4) != 0 || text.ptr[3] != ',' ||
        text.ptr[19] != ':' || text.ptr[22] != ':')
        return false;
    int day = pen_parse_digits(text.ptr + 5, 2), month = month_of(text.ptr + 8);
    int year = pen_parse_digits(text.ptr + 12, 4), hour = pen_parse_digits(text.ptr + 17, 2);
    int minute = pen_parse_digits(text.ptr + 20, 2), second = pen_parse_digits(text.ptr + 23, 2);
    if (day < 1 || day > 31 || month < 0 || year < 0 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return false;
    int64_t seconds = (int64_t)hour * 3600 + minute * 60 + second;
    *ret_utc_us =
        pen_days_from_civil(year, month, day) * PEN_US_PER_DAY + seconds * PEN_US_PER_SECOND;
    return true;
}
