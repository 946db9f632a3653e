/* args_units.c - options with a unit: lengths of time, sizes. */
#include "cli/args.h"

#include <inttypes.h>
#include <stdlib.h>

/* Digits at the beginning of `text`. false without any, or when they are too many. */
static bool read_number(const char *text, uint64_t *ret_value, const char **ret_rest)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return false;
    *ret_value = value;
    *ret_rest = at;
    return at != text;
}

static bool duration_unit(const char *text, uint64_t *ret_seconds)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        *ret_seconds = units[i].seconds;
        if (strcmp(text, units[i].name) == 0)
            return true;
    }
    return false;
}

enum pen_code pen_args_duration(const struct pen_args *args, const char *name, int64_t fallback_us,
                                int64_t *ret_us, struct pen_error *err)
{
    const char *text = pen_args_value(args, name), *rest = NULL;
    uint64_t number = 0, seconds = 0, us = 0;
    *ret_us = fallback_us;
    if (text == NULL)
        return PEN_OK;
    bool is_number = read_number(text, &number, &rest);
    bool is_right = is_number && (duration_unit(rest, &seconds) || (number == 0 && *rest == '\0'));
    if (!is_right)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "option '--%s' needs a length of time like 90s, 36h or 7d, not '%s'", name,
                        text);
    if (__builtin_mul_overflow(number, seconds * 1000000, &us) || us > INT64_MAX / 4)
        return pen_fail(err, PEN_ERR_CONFIG, "option '--%s': '%s' is too long a time", name, text);
    *ret_us = (int64_t)us;
    return PEN_OK;
}

static bool byte_unit(const char *text, unsigned *ret_shift)
{
    static const char letters[] = "kMG";
    *ret_shift = 0;
    if (*text == '\0' || strcmp(text, "B") == 0)
        return true;
    const char *letter = strchr(letters, *text == 'K' ? 'k' : *text);
    if (letter == NULL)
        return false;
    *ret_shift = 10 * (unsigned)(letter - letters + 1);
    return text[1] == '\0' || strcmp(text + 1, "B") == 0 || strcmp(text + 1, "iB") == 0;
}

enum pen_code pen_args_bytes(const struct pen_args *args, const char *name, uint64_t fallback,
                             uint64_t *ret_bytes, struct pen_error *err)
{
    const char *text = pen_args_value(args, name), *rest = NULL;
    uint64_t number = 0;
    unsigned shift = 0;
    *ret_bytes = fallback;
    if (text == NULL)
        return PEN_OK;
    if (!read_number(text, &number, &rest) || !byte_unit(rest, &shift) || number == 0)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "option '--%s' needs a size like 500000, 64M or 1G, not '%s'", name, text);
    if (number > (UINT64_C(1) << 50) >> shift)
        return pen_fail(err, PEN_ERR_CONFIG, "option '--%s': '%s' is too large", name, text);
    *ret_bytes = number << shift;
    return PEN_OK;
}
