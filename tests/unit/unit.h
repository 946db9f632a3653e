/* unit.h - what every unit test includes: cmocka with its prerequisites, and small helpers. */
#ifndef PEN_TESTS_UNIT_H
#define PEN_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/* assert_ok - fails with the error's own text. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct pen_error unit_err_ = {0};                                                          \
        struct pen_error *err = &unit_err_;                                                        \
        if ((call) != PEN_OK)                                                                      \
            fail_msg("%s: %s: %s", #call, err->where, err->message);                               \
    } while (0)

#endif
