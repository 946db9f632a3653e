/* args.h - the words of a command line behind the command's name.
 * Options and arguments may be mixed; "--" ends the options; long options may be shortened while
 * they are unambiguous; --name=value and -nVALUE work. */
#ifndef PEN_CLI_ARGS_H
#define PEN_CLI_ARGS_H

#include "base/arena.h"
#include "base/error.h"

/* A row of a command's option table; the table ends with name NULL. */
struct pen_flag {
    const char *name;  /* long, without dashes */
    char letter;       /* short; 0 for none */
    const char *value; /* what the value is, for the help: "FILE"; NULL: takes none */
    bool is_optional;  /* the value may be left out: before another option, or at the end */
    const char *help;
};

/* What stood on the command line. Texts are those of argv. */
struct pen_args {
    const struct pen_flag *flags;
    const char **values; /* per flag: its last value, "" for a flag without; NULL: not given */
    const char *const *words;
    size_t word_count;
};

/* pen_args_parse - errors: PEN_ERR_CONFIG "unknown option '--x', did you mean '--y'?",
 * "option '--x' needs a value", ... */
PEN_MUST_USE enum pen_code pen_args_parse(const struct pen_flag *flags, size_t argc,
                                          const char *const *argv, struct pen_arena *arena,
                                          struct pen_args *ret_args, struct pen_error *err);

/* pen_args_value - the value of the option `name`, which is in the table; NULL when not given. */
const char *pen_args_value(const struct pen_args *args, const char *name);

/* pen_args_has - whether it was given. */
static inline bool pen_args_has(const struct pen_args *args, const char *name)
{
    return pen_args_value(args, name) != NULL;
}

/* pen_args_int - the value as an integer between min and max, `fallback` when not given.
 * errors: PEN_ERR_CONFIG. */
PEN_MUST_USE enum pen_code pen_args_int(const struct pen_args *args, const char *name, int64_t min,
                                        int64_t max, int64_t fallback, int64_t *ret_value,
                                        struct pen_error *err);

/* pen_parse_int_word - the same for a word of the command line called `what` in errors. */
PEN_MUST_USE enum pen_code pen_parse_int_word(const char *word, const char *what, int64_t min,
                                              int64_t max, int64_t *ret_value,
                                              struct pen_error *err);

/* pen_args_duration - a length of time: a number with s, m, h, d or w behind it ("90s", "36h",
 * "7d"), or 0. pen_args_bytes - a size: a number, with k, M, G (powers of 1024; "B" and "iB" may
 * follow) or nothing behind it. `fallback` when not given. errors: PEN_ERR_CONFIG. (args_units.c)
 */
PEN_MUST_USE enum pen_code pen_args_duration(const struct pen_args *args, const char *name,
                                             int64_t fallback_us, int64_t *ret_us,
                                             struct pen_error *err);
PEN_MUST_USE enum pen_code pen_args_bytes(const struct pen_args *args, const char *name,
                                          uint64_t fallback, uint64_t *ret_bytes,
                                          struct pen_error *err);

#endif
