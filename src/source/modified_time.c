/* modified_time.c - the one time format of last_modified_time. */
#include <stdio.h>

#include "source/discover.h"

/* Digits beyond this cannot be a calendar field; keeps the arithmetic below far from overflow. */
#define FIELD_MAX INT64_C(99999999)

struct reader {
    const char *at, *end;
};

static bool read_number(struct reader *r, int64_t *ret_value)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
    if (r->at == r->end || *r->at < '0' || *r->at > '9')
        return false;
    int64_t value = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        value = value * 10 + (*r->at - '0');
        if (value > FIELD_MAX)
            return false;
    }
    *ret_value = value;
    return true;
}

static bool read_sign(struct reader *r, char sign)
{
    if (r->at == r->end || *r->at != sign)
        return false;
    r->at++;
    return true;
}

bool pen_modified_time_parse(struct pen_slice text, int64_t *ret_utc_us)
{
    static const char signs[] = {'-', '-', 'T', ':', ':', '.', 'Z'};
    struct reader r = {text.ptr, text.ptr + text.len};
    int64_t field[7];
    for (size_t i = 0; i < 7; i++)
        if (!read_number(&r, &field[i]) || !read_sign(&r, signs[i]))
            return false;
    if (field[0] > 250000) /* beyond what an instant can hold */
        return false;
    int64_t months = field[0] * 12 + field[1] - 1; /* month 13 is January of the next year */
    if (months / 12 > 250000 || months < 0)
        return false;
    int64_t days = pen_days_from_civil(months / 12, (int)(months % 12) + 1, 1) + field[2] - 1;
    int64_t ms = ((field[3] * 60 + field[4]) * 60 + field[5]) * 1000 + field[6];
    if (days > INT64_C(100000000))
        return false;
    *ret_utc_us = days * PEN_US_PER_DAY + ms * 1000;
    return true;
}

void pen_modified_time_print(int64_t utc_us, char *out)
{
    struct pen_civil c = pen_civil_from_us(utc_us);
    (void)snprintf(out, PEN_INSTANT_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
                   (long long)c.year, c.month, c.day, c.hour, c.minute, c.second, c.us / 1000);
}
