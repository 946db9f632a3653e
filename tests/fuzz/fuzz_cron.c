/* zone, four bytes of time, expression: whatever parses fires after any instant, in order, and next
 * and last agree about it. */
#include "fuzz.h"

#include "sched/cron.h"

static const struct pen_zone *choose_zone(uint8_t choice)
{
    static const char *const names[] = {"America/New_York", "Australia/Lord_Howe",
                                        "Africa/Casablanca", "Pacific/Apia", "Europe/Amsterdam"};
    const struct pen_zone *zone = NULL;
    if (choice < sizeof names / sizeof names[0])
        fuzz_check(pen_zone_load(pen_slice_str(names[choice]), &zone, NULL) == PEN_OK);
    return zone;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pen_slice input = pen_slice(data, size);
    const struct pen_zone *zone = choose_zone(fuzz_take(&input));
    uint32_t minutes = 0;
    for (int i = 0; i < 4; i++)
        minutes = minutes << 8 | fuzz_take(&input);
    int64_t at = (int64_t)(int32_t)minutes * 60 - 1;
    struct pen_cron cron;
    struct pen_error err = {0};
    enum pen_code code = pen_cron_parse(input, &cron, &err);
    fuzz_check(code == PEN_OK || (code == PEN_ERR_CONFIG && err.message[0] != '\0'));
    for (int i = 0; code == PEN_OK && i < 4; i++) {
        int64_t next = pen_cron_next(&cron, zone, at);
        fuzz_check(next > at);
        fuzz_check(pen_cron_next(&cron, zone, next - 1) == next);
        fuzz_check(pen_cron_last(&cron, zone, next) == next);
        int64_t before = pen_cron_last(&cron, zone, next - 1);
        fuzz_check(before <= at && pen_cron_next(&cron, zone, before) == next);
        at = next;
    }
    return 0;
}
