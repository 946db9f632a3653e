/* seed + sample --rounds of: decode, first plugin that finds something new--> configuration */
#include "guess/guess.h"

#include "base/json.h"
#include "decode/charset.h"
#include "guess/charset_guess.h"
#include "guess/csv_guess.h"
#include "guess/pieces.h"
#include "guess/rename_guess.h"
#include "guess/sample.h"
#include "guess/sample_decode.h"
#include "guess/shape_guess.h"
#include "guess/text_check.h"
#include "guess/type_remark.h"

#define MAX_ROUNDS  10
#define MAX_PLUGINS 16

/* What a plugin looks at: the configuration so far and the decoded sample. */
struct look {
    const struct pen_guess_request *request;
    struct pen_arena *arena;
    struct pen_node *effective; /* seed with all that was guessed */
    struct pen_slice sample;
    bool is_whole;
    size_t most;      /* bytes of a decoded sample */
    bool is_csv_done; /* a csv plugin has guessed the columns in an earlier round */
    struct pen_guess_account *account;
};

struct plugin {
    const char *name;
    /* adds to `found`, a map that is merged into the configuration */
    enum pen_code (*guess)(const struct look *look, struct pen_node *found, struct pen_error *err);
};

/* found.parser, made when missing. */
static enum pen_code set_parser_text(const struct look *look, struct pen_node *found,
                                     const char *key, const char *value, struct pen_error *err)
{
    struct pen_node *parser = pen_node_get(found, "parser");
    if (parser == NULL) {
        parser = pen_node_new_map(look->arena);
        if (parser == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_node_set(found, look->arena, "parser", parser, err));
    }
    struct pen_node *text = pen_node_new_text(look->arena, pen_slice_str(value));
    if (text == NULL)
        return pen_fail_nomem(err);
    return pen_node_set(parser, look->arena, key, text, err);
}

/* The decoder list so far as empty entries, then the new one: merged entry by entry, the earlier
 * ones stay as they are. */
static enum pen_code add_decoder(const struct look *look, struct pen_node *found, const char *name,
                                 struct pen_error *err)
{
    if (guess_find_decoder(look->request, pen_slice_str(name)) == NULL)
        return pen_fail(err, PEN_ERR_CONFIG, "the sample looks like %s, which cannot be decoded",
                        name);
    struct pen_node *list = pen_node_new_list(look->arena);
    const struct pen_node *before = pen_node_get(look->effective, "decoders");
    size_t count = before != NULL && before->kind == PEN_NODE_LIST ? before->count : 0;
    for (size_t i = 0; list != NULL && i <= count; i++) {
        struct pen_node *entry = pen_node_new_map(look->arena);
        struct pen_node *type = pen_node_new_text(look->arena, pen_slice_str(name));
        if (entry == NULL || type == NULL)
            return pen_fail_nomem(err);
        if (i == count)
            PEN_TRY(pen_node_set(entry, look->arena, "type", type, err));
        pen_node_append(list, entry);
    }
    if (list == NULL)
        return pen_fail_nomem(err);
    return pen_node_set(found, look->arena, "decoders", list, err);
}

static bool is_bzip2(struct pen_slice sample)
{
    return sample.len >= 10 && memcmp(sample.ptr, "BZh", 3) == 0 && sample.ptr[3] >= '1' &&
           sample.ptr[3] <= '9' && memcmp(sample.ptr + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0;
}

static enum pen_code guess_gzip(const struct look *look, struct pen_node *found,
                                struct pen_error *err)
{
    bool is_gzip = pen_slice_starts(look->sample, PEN_LIT("\x1f\x8b"));
    return is_gzip ? add_decoder(look, found, "gzip", err) : PEN_OK;
}

static enum pen_code guess_bzip2(const struct look *look, struct pen_node *found,
                                 struct pen_error *err)
{
    return is_bzip2(look->sample) ? add_decoder(look, found, "bzip2", err) : PEN_OK;
}

/* Not in the original; only by the signature of a first entry, which nothing else begins with. */
static enum pen_code guess_zip(const struct look *look, struct pen_node *found,
                               struct pen_error *err)
{
    bool is_zip = pen_slice_starts(look->sample, PEN_LIT("PK\x03\x04"));
    return is_zip ? add_decoder(look, found, "zip", err) : PEN_OK;
}

static enum pen_code guess_zstd(const struct look *look, struct pen_node *found,
                                struct pen_error *err)
{
    bool is_zstd = pen_slice_starts(look->sample, PEN_LIT("\x28\xb5\x2f\xfd"));
    return is_zstd ? add_decoder(look, found, "zstd", err) : PEN_OK;
}

static enum pen_code guess_xz(const struct look *look, struct pen_node *found,
                              struct pen_error *err)
{
    bool is_xz = pen_slice_starts(look->sample, PEN_LIT("\xfd"
                                                        "7zXZ\0"));
    return is_xz ? add_decoder(look, found, "xz", err) : PEN_OK;
}

static const struct pen_node *parser_of(const struct look *look)
{
    return pen_node_get(look->effective, "parser");
}

static bool is_type_or_none(const struct look *look, const char *type)
{
    const struct pen_node *node = pen_node_get(parser_of(look), "type");
    return node == NULL || node->kind == PEN_NODE_NULL || pen_slice_is(node->text, type);
}

/* Is the first value a JSON object, or the start of one that only the sample's end cuts off? */
static bool begins_with_object(struct pen_slice text, bool is_whole)
{
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[0], 4) != NULL)
        text = pen_slice_skip(text, 1);
    if (text.len == 0 || text.ptr[0] != '{')
        return false;
    struct pen_buf scratch = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_slice value;
    size_t used;
    struct pen_error problem = {0};
    enum pen_code code = pen_json_canonical(text, &scratch, &value, &used, &problem);
    pen_buf_release(&scratch);
    return code == PEN_OK || (!is_whole && text.len > 1 && problem.offset == text.len);
}

static enum pen_code guess_json(const struct look *look, struct pen_node *found,
                                struct pen_error *err)
{
    if (!is_type_or_none(look, "json"))
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(SIZE_MAX / 2);
    const char *charset = pen_charset_of_json(look->sample);
    PEN_TRY(pen_guess_decode(look->sample, charset, look->is_whole, &text, err));
    if (!begins_with_object(pen_buf_slice(&text), look->is_whole))
        return PEN_OK;
    return set_parser_text(look, found, "type", "json", err);
}

/* Other objects are looked at too, when it is the guess that they are JSON. */
static enum pen_code check_json_pieces(const struct look *look, struct pen_error *err)
{
    const struct pen_guess_request *request = look->request;
    struct pen_node *type = pen_node_get(pen_node_get(look->effective, "parser"), "type");
    if (type == NULL || !pen_slice_is(type->text, "json"))
        return PEN_OK;
    for (size_t i = 0; i < request->piece_count; i++) {
        const struct pen_guess_piece *piece = &request->pieces[i];
        PEN_CLEANUP(pen_buf_release) struct pen_buf plain = PEN_BUF(SIZE_MAX / 2);
        PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(SIZE_MAX / 2);
        bool is_whole = piece->is_end;
        if (piece->offset > 0)
            continue;
        if (guess_decode(request, pen_node_get(look->effective, "decoders"), piece->bytes,
                         look->most, &is_whole, &plain, NULL) == PEN_OK) {
            struct pen_slice bytes = pen_buf_slice(&plain);
            PEN_TRY(pen_guess_decode(bytes, pen_charset_of_json(bytes), is_whole, &text, err));
        }
        if (text.len > 0 && begins_with_object(pen_buf_slice(&text), is_whole))
            continue;
        const char *place = guess_show_place(piece->place, look->arena);
        type->comment = guess_remark(look->arena, type->comment,
                                     "check this: %s does not begin with a JSON "
                                     "object",
                                     place != NULL ? place : "an object");
    }
    return PEN_OK;
}

/* A JSON array is no sequence of objects, so it goes the way of the original: to csv. */
static void hint_at_array(struct pen_slice text, struct pen_node *parser)
{
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[0], 4) != NULL)
        text = pen_slice_skip(text, 1);
    struct pen_node *type = pen_node_get(parser, "type");
    if (text.len == 0 || text.ptr[0] != '[' || type == NULL)
        return;
    text = pen_slice_skip(text, 1);
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[0], 4) != NULL)
        text = pen_slice_skip(text, 1);
    if (text.len > 0 && text.ptr[0] == '{')
        type->comment =
            "this looks like a JSON array: use type: json with flatten_json_array: true";
}

static enum pen_code set_charset(const struct look *look, struct pen_node *found,
                                 struct pen_error *err)
{
    struct charset_guess guess;
    PEN_TRY(pen_guess_charset(look->sample, &guess, err));
    PEN_TRY(set_parser_text(look, found, "charset", guess.name, err));
    if (guess.remark[0] != '\0')
        pen_node_get(pen_node_get(found, "parser"), "charset")->comment =
            pen_arena_copy(look->arena, pen_slice_str(guess.remark));
    return PEN_OK;
}

/* The sample as text, by the charset that is known. */
static enum pen_code decode_text(const struct look *look, const struct pen_node *charset,
                                 struct pen_buf *text, struct pen_error *err)
{
    enum pen_code code =
        pen_guess_decode(look->sample, charset->text.ptr, look->is_whole, text, err);
    if (code == PEN_ERR_CONFIG)
        return pen_fail_at(look->request->bind, charset, err, "unknown charset '%.*s'",
                           PEN_ARG(charset->text));
    return code;
}

static enum pen_code guess_any_csv(const struct look *look, bool is_all_strings,
                                   struct pen_node *found, struct pen_error *err)
{
    const struct pen_node *parser = parser_of(look);
    const struct pen_node *charset = pen_node_get(parser, "charset");
    if (charset == NULL || charset->kind == PEN_NODE_NULL)
        return set_charset(look, found, err);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(SIZE_MAX / 2);
    PEN_TRY(decode_text(look, charset, &text, err));
    if (pen_node_get(parser, "newline") == NULL)
        return set_parser_text(look, found, "newline", guess_newline(pen_buf_slice(&text)), err);
    if (look->is_csv_done || !is_type_or_none(look, "csv"))
        return PEN_OK;
    PEN_TRY(guess_check_text(look->sample, pen_buf_slice(&text), parser, err));
    PEN_CLEANUP(guess_pieces_release) struct guess_pieces pieces = {0};
    PEN_TRY(guess_pieces_decode(look->request, look->effective, look->most, &pieces, err));
    const struct csv_guess_request request = {.parser = parser,
                                              .text = pen_buf_slice(&text),
                                              .place = pieces.place,
                                              .pieces = pieces.at,
                                              .piece_count = pieces.count,
                                              .piece_remark = pieces.remark,
                                              .is_whole = look->is_whole,
                                              .is_all_strings = is_all_strings,
                                              .account = look->account};
    struct pen_node *guessed = NULL;
    PEN_TRY(pen_guess_csv(&request, look->arena, &guessed, err));
    if (guessed == NULL)
        return PEN_OK;
    hint_at_array(pen_buf_slice(&text), guessed);
    return pen_node_set(found, look->arena, "parser", guessed, err);
}

static enum pen_code guess_csv(const struct look *look, struct pen_node *found,
                               struct pen_error *err)
{
    return guess_any_csv(look, false, found, err);
}

static enum pen_code guess_csv_all_strings(const struct look *look, struct pen_node *found,
                                           struct pen_error *err)
{
    return guess_any_csv(look, true, found, err);
}

static const struct plugin plugins[] = {
    {"gzip", guess_gzip}, {"bzip2", guess_bzip2},
    {"zip", guess_zip},   {"zstd", guess_zstd},
    {"xz", guess_xz},     {"json", guess_json},
    {"csv", guess_csv},   {"csv_all_strings", guess_csv_all_strings},
};

#define PLUGIN_COUNT   (sizeof plugins / sizeof *plugins)
#define DEFAULT_COUNT  (PLUGIN_COUNT - 1) /* all but csv_all_strings run unasked */
#define CSV_PLUGIN     (PLUGIN_COUNT - 2)
#define STRINGS_PLUGIN (PLUGIN_COUNT - 1)

static enum pen_code find_plugin(const struct pen_node *name, const struct pen_bind *bind,
                                 size_t *ret_index, struct pen_error *err)
{
    for (size_t i = 0; i < PLUGIN_COUNT; i++) {
        if (pen_slice_is(name->text, plugins[i].name)) {
            *ret_index = i;
            return PEN_OK;
        }
    }
    (void)pen_fail_at(bind, name, err, "unknown guess plugin '%.*s'", PEN_ARG(name->text));
    pen_error_hint(err, "known are gzip, bzip2, zip, zstd, xz, json, csv, csv_all_strings");
    return PEN_ERR_CONFIG;
}

/* Sets use[i] for each name listed under `key` of exec. */
static enum pen_code mark_plugins(const struct pen_guess_request *request, const char *key,
                                  bool is_used, bool use[PLUGIN_COUNT], struct pen_error *err)
{
    const struct pen_node *list = pen_node_get(request->exec, key);
    if (list == NULL || list->kind == PEN_NODE_NULL)
        return PEN_OK;
    if (list->kind != PEN_NODE_LIST)
        return pen_fail_at(request->bind, list, err, "'%s' must be a list", key);
    for (const struct pen_node *name = list->first; name != NULL; name = name->next) {
        size_t index;
        PEN_TRY(find_plugin(name, request->bind, &index, err));
        use[index] = is_used;
    }
    return PEN_OK;
}

static enum pen_code choose_plugins(const struct pen_guess_request *request, bool use[PLUGIN_COUNT],
                                    struct pen_error *err)
{
    for (size_t i = 0; i < PLUGIN_COUNT; i++)
        use[i] = i < DEFAULT_COUNT;
    PEN_TRY(mark_plugins(request, "guess_plugins", true, use, err));
    PEN_TRY(mark_plugins(request, "exclude_guess_plugins", false, use, err));
    if (use[STRINGS_PLUGIN])
        use[CSV_PLUGIN] = false; /* whoever asks for strings wants strings */
    return PEN_OK;
}

/* One round: the first plugin that changes the configuration has its say. */
static enum pen_code run_round(struct look *look, const bool use[PLUGIN_COUNT], bool *ret_changed,
                               struct pen_error *err)
{
    *ret_changed = false;
    for (size_t i = 0; i < PLUGIN_COUNT && !*ret_changed; i++) {
        if (!use[i])
            continue;
        struct pen_node *found = pen_node_new_map(look->arena);
        struct pen_node *merged = pen_node_copy(look->effective, look->arena);
        if (found == NULL || merged == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(plugins[i].guess(look, found, err));
        PEN_TRY(pen_node_merge(merged, found, look->arena, err));
        *ret_changed = !pen_node_equal(merged, look->effective);
        if (*ret_changed) {
            look->effective = merged;
            look->is_csv_done |= pen_node_get(pen_node_get(found, "parser"), "columns") != NULL ||
                                 pen_node_get(pen_node_get(found, "parser"), "delimiter") != NULL;
        }
    }
    return PEN_OK;
}

enum pen_code pen_guess(const struct pen_guess_request *request, struct pen_arena *arena,
                        struct pen_guess *ret_guess, struct pen_error *err)
{
    bool use[PLUGIN_COUNT], is_changed = true;
    struct pen_guess_account account = {0};
    struct look look = {.request = request, .arena = arena, .account = &account};
    PEN_TRY(choose_plugins(request, use, err));
    PEN_TRY(pen_sample_size(request->exec, "guess_sample_buffer_bytes", request->bind, &look.most,
                            err));
    look.effective = pen_node_copy(request->in, arena);
    if (look.effective == NULL)
        return pen_fail_nomem(err);
    for (int round = 0; round < MAX_ROUNDS && is_changed; round++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(SIZE_MAX / 2);
        look.is_whole = request->is_whole;
        PEN_TRY(guess_decode(request, pen_node_get(look.effective, "decoders"), request->sample,
                             look.most, &look.is_whole, &text, err));
        if (text.len == 0)
            return pen_fail(err, PEN_ERR_CORRUPT, "No input buffer to guess");
        look.sample = pen_buf_slice(&text);
        PEN_TRY(run_round(&look, use, &is_changed, err));
    }
    PEN_TRY(check_json_pieces(&look, err));
    struct pen_node *filters;
    PEN_TRY(pen_guess_filters(request, look.effective, arena, &filters, err));
    *ret_guess = (struct pen_guess){.in = look.effective, .filters = filters, .account = account};
    return PEN_OK;
}
