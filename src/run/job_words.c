/* job_words.c - what a job's row keeps in `options`: a JSON map with the words that have no column
 * of their own. */
#include "run/job_run_internal.h"

#define WORD(member) offsetof(struct pen_job_words, member)

static const struct pen_option word_table[] = {
    {.key = "auto_create_table",
     .kind = PEN_OPTION_BOOL,
     .offset = WORD(auto_create_table),
     .default_text = "false",
     .help = "database and table are made when they do not exist"},
    {.key = "is_forced",
     .kind = PEN_OPTION_BOOL,
     .offset = WORD(is_forced),
     .default_text = "false",
     .help = "rejected records are loaded again although they were before"},
    {.key = "folder",
     .kind = PEN_OPTION_TEXT,
     .offset = WORD(folder),
     .help = "where relative paths of the configuration begin"},
    {.key = "config_file",
     .kind = PEN_OPTION_TEXT,
     .offset = WORD(config_file),
     .help = "where the configuration was read from"},
    {.key = NULL},
};

static enum pen_code set_text(struct pen_node *map, struct pen_arena *arena, const char *key,
                              const char *text, struct pen_error *err)
{
    if (text == NULL)
        return PEN_OK;
    struct pen_node *node = pen_node_new_text(arena, pen_slice_str(text));
    return node == NULL ? pen_fail_nomem(err) : pen_node_set(map, arena, key, node, err);
}

enum pen_code pen_job_words_write(const struct pen_job_words *words, struct pen_arena *arena,
                                  struct pen_buf *into, struct pen_error *err)
{
    struct pen_node *map = pen_node_new_map(arena);
    struct pen_node *is_created = pen_node_new_bool(arena, words->auto_create_table);
    if (map == NULL || is_created == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_node_set(map, arena, "auto_create_table", is_created, err));
    if (words->is_forced) {
        struct pen_node *is_forced = pen_node_new_bool(arena, true);
        if (is_forced == NULL)
            return pen_fail_nomem(err);
        PEN_TRY(pen_node_set(map, arena, "is_forced", is_forced, err));
    }
    PEN_TRY(set_text(map, arena, "folder", words->folder, err));
    PEN_TRY(set_text(map, arena, "config_file", words->config_file, err));
    return pen_tree_write_json(map, false, into, err);
}

enum pen_code pen_job_words_read(const char *text, struct pen_arena *arena,
                                 struct pen_job_words *ret_words, struct pen_error *err)
{
    static const char name[] = "options of the job";
    struct pen_bind bind = {.file = name, .arena = arena};
    struct pen_node *map = NULL;
    *ret_words = (struct pen_job_words){.auto_create_table = false};
    if (text == NULL || text[0] == '\0')
        return PEN_OK;
    PEN_TRY(pen_tree_parse(pen_slice_str(text), name, arena, &map, err));
    return pen_options_bind(word_table, map, name, NULL, ret_words, &bind, err);
}
