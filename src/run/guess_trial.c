/* guessed `in` + sample --load, parse--> rows, rejects --> comments, or a refusal */
#include "run/guess_trial.h"

#include "guess/type_remark.h"
#include "run/preview.h"
#include "run/run_scope.h"

#include <inttypes.h>
#include <stdio.h>

/* Fewer records than that refuse nothing: a handful of odd lines may be all right. */
#define LEAST_JUDGED 10

/* The first rejected record of the sample, and how many are not even written as records. */
struct first_reject {
    bool is_there;
    uint64_t line, shapeless;
    char column[64], reason[160];
};

static bool is_shapeless(const struct pen_reject *reject)
{
    static const char *const codes[] = {"too_few_columns", "too_many_columns",
                                        "eof_in_quoted_field", "extra_character_after_quote",
                                        "quoted_field_too_long"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(reject->code, codes[i]) == 0)
            return true;
    return false;
}

static void keep_first(void *context, const struct pen_reject *reject)
{
    struct first_reject *first = context;
    first->shapeless += is_shapeless(reject);
    if (first->is_there)
        return;
    first->is_there = true;
    first->line = reject->line;
    struct pen_slice column = pen_slice_str(reject->column);
    char shown[GUESS_SHOWN_BYTES];
    guess_show_value(column, shown);
    if (column.len > 0)
        (void)snprintf(first->column, sizeof first->column, " column '%s':", shown);
    size_t n = 0; /* it goes into a comment line */
    for (; n < reject->reason.len && n + 1 < sizeof first->reason; n++) {
        unsigned char c = (unsigned char)reject->reason.ptr[n];
        first->reason[n] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
}

/* The guessed `in` alone: filters and `out` have nothing to do with the sample's shape. */
static enum pen_code bind_alone(const struct pen_run_env *env, const struct pen_guess *guess,
                                struct pen_arena *arena, struct pen_run_scope *ret_scope,
                                struct pen_error *err)
{
    struct pen_node *config = pen_node_new_map(arena), *in = pen_node_copy(guess->in, arena);
    struct pen_node *out = pen_node_new_map(arena), *exec = pen_node_new_map(arena);
    struct pen_node *filters = pen_node_new_list(arena);
    if (config == NULL || in == NULL || out == NULL || exec == NULL || filters == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_node_set(config, arena, "in", in, err));
    PEN_TRY(pen_node_set(config, arena, "out", out, err));
    PEN_TRY(pen_node_set(config, arena, "exec", exec, err));
    PEN_TRY(pen_node_set(config, arena, "filters", filters, err));
    struct pen_run_env alone = {.home = env->home,
                                .config = config,
                                .bind = {env->bind.file, arena, NULL},
                                .cancel = env->cancel};
    struct pen_load_options options = {.is_sample = true};
    return pen_run_scope_open(&alone, &options, ret_scope, err);
}

/* What is said about all records stands at the parser's type, else at the parser. */
static void add_remark(const struct pen_run_env *env, const struct pen_guess *guess,
                       const char *text)
{
    struct pen_node *parser = pen_node_get(guess->in, "parser");
    struct pen_node *node = pen_node_get(parser, "type");
    if (node == NULL)
        node = parser;
    if (node != NULL)
        node->comment = guess_remark(env->bind.arena, node->comment, "%s", text);
}

static void remark_rejects(const struct pen_run_env *env, const struct pen_guess *guess,
                           const struct pen_preview_result *result,
                           const struct first_reject *first)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "check this: %" PRIu64 " of %" PRIu64
                   " records of the sample would be rejected, "
                   "the first in line %" PRIu64 ":%s %s",
                   result->rejected, result->rows + result->rejected, first->line, first->column,
                   first->reason);
    add_remark(env, guess, text);
}

static void remark_problem(const struct pen_run_env *env, const struct pen_guess *guess,
                           const struct pen_error *problem)
{
    char text[640], shown[GUESS_SHOWN_BYTES * 4];
    struct pen_slice message = pen_slice_str(problem->message);
    size_t n = 0;
    for (; n < message.len && n + 1 < sizeof shown; n++)
        shown[n] = (unsigned char)message.ptr[n] >= 0x20 && (unsigned char)message.ptr[n] < 0x7f
                       ? message.ptr[n]
                       : '?';
    shown[n] = '\0';
    (void)snprintf(text, sizeof text, "check this: a load of the sample fails: %s", shown);
    add_remark(env, guess, text);
}

static void remark_replaced(const struct pen_run_env *env, const struct pen_guess *guess,
                            uint64_t replaced)
{
    struct pen_node *charset = pen_node_get(pen_node_get(guess->in, "parser"), "charset");
    if (charset != NULL && replaced > 0)
        charset->comment = guess_remark(
            env->bind.arena, charset->comment,
            "check this: %" PRIu64 " malformed characters of the sample become U+FFFD", replaced);
}

static bool has_seeded_columns(const struct pen_run_env *env)
{
    const struct pen_node *in = pen_node_get(env->config, "in");
    const struct pen_node *columns = pen_node_get(pen_node_get(in, "parser"), "columns");
    return columns != NULL && columns->count > 0;
}

static enum pen_code refuse(const struct pen_preview_result *result,
                            const struct first_reject *first, struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CORRUPT,
                   "no guess: %" PRIu64 " of %" PRIu64 " records of the sample would be rejected, "
                   "the first in line %" PRIu64 ":%s %s",
                   result->rejected, result->rows + result->rejected, first->line, first->column,
                   first->reason);
    pen_error_hint(err,
                   "state what is known in the seed's parser: type, charset, delimiter, quote, "
                   "skip_header_lines, columns");
    return PEN_ERR_CORRUPT;
}

static enum pen_code judge(const struct pen_run_env *env, const struct pen_guess *guess,
                           enum pen_code code, const struct pen_preview_result *result,
                           const struct first_reject *first, const struct pen_error *problem,
                           struct pen_error *err)
{
    if (code == PEN_ERR_NOMEM || code == PEN_ERR_CANCELLED || code == PEN_ERR_INTERNAL) {
        if (err != NULL)
            *err = *problem;
        return code;
    }
    if (code != PEN_OK && code != PEN_ERR_NOT_FOUND) /* not found: no record at all */
        remark_problem(env, guess, problem);
    remark_replaced(env, guess, result->replaced);
    uint64_t records = result->rows + result->rejected;
    if (records >= LEAST_JUDGED && first->shapeless * 2 > records && !has_seeded_columns(env))
        return refuse(result, first, err);
    if (result->rejected > 0)
        remark_rejects(env, guess, result, first);
    return PEN_OK;
}

enum pen_code pen_guess_trial(const struct pen_run_env *env, struct pen_sample *sample,
                              const struct pen_guess *guess, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA(SIZE_MAX / 2);
    struct pen_run_scope scope = {0};
    struct pen_error problem = {0};
    struct first_reject first = {0};
    struct pen_preview_result result = {0};
    if (pen_node_get(pen_node_get(guess->in, "parser"), "type") == NULL) {
        add_remark(env, guess, "check this: the sample has no complete record to guess from");
        return PEN_OK;
    }
    enum pen_code code = bind_alone(env, guess, &arena, &scope, &problem);
    struct pen_preview_options options = {
        .max_rows = 0, .on_reject = keep_first, .reject_context = &first};
    if (code == PEN_OK)
        code = pen_preview_sample(scope.load, sample, &options, NULL, NULL, &result, &problem);
    pen_run_scope_close(&scope);
    return judge(env, guess, code, &result, &first, &problem, err);
}
