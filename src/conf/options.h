/* options.h - option tables: the single source for YAML binding, unknown-key errors, help, the
 * API's schema, console forms and docs/config.md.
 *
 * A step declares a struct and a table; pen_options_bind fills the struct from a map node:
 *     struct csv_options { char *delimiter; int64_t skip_header_lines; bool is_strict; };
 *     { .key = "delimiter", .kind = PEN_OPTION_TEXT, .offset = offsetof(struct csv_options,
 * delimiter), .default_text = ",", .help = "separates fields; one or more characters" } The table
 * ends with an entry whose key is NULL. */
#ifndef PEN_CONF_OPTIONS_H
#define PEN_CONF_OPTIONS_H

#include "conf/tree.h"

enum pen_option_kind {                    /* C type at offset */
                       PEN_OPTION_TEXT,   /* char *, const char *: any scalar's text; NULL when null
                                             is written or no default */
                       PEN_OPTION_SECRET, /* char *: as text; printed as *** everywhere */
                       PEN_OPTION_BOOL,   /* bool; the texts "true" and "false" are accepted */
                       PEN_OPTION_INT,    /* int64_t; texts that are integers are accepted */
                       PEN_OPTION_BYTES,  /* int64_t; as INT, also "64MiB", "512KB" */
                       PEN_OPTION_DOUBLE, /* double */
                       PEN_OPTION_ENUM,   /* int: index in `choices`; exact match, else an error
                                             listing them */
                       PEN_OPTION_NODE,   /* const struct pen_node *: the node itself; NULL when
                                             absent */
                       PEN_OPTION_MAP,  /* as NODE: a mapping, see `entries`; NULL also for null */
                       PEN_OPTION_LIST, /* as NODE: a list, of mappings when there are `entries`;
                                           NULL also for null */
                       PEN_OPTION_IGNORED /* nothing: a known key of the original without a meaning
                                             here: warns */
};

struct pen_option;

/* One kind of entries of a list whose entries are of several kinds. */
struct pen_option_variant {
    const char *name; /* the value of the member `variant_key`; NULL ends the list */
    const struct pen_option *options; /* besides that member */
};

struct pen_option {
    const char *key;
    enum pen_option_kind kind;
    size_t offset;
    const char *default_text; /* bound as if it stood in the file; NULL: zero value */
    const char *unit, *help;
    bool is_required;
    const char *const *choices; /* NULL-terminated, for PEN_OPTION_ENUM */
    /* MAP, LIST: the options of the mapping, or of each mapping of the list; NULL: a list of plain
     * values, or of `variants`. Bound by the step: pen_options_bind for a mapping,
     * pen_options_bind_list for a list. */
    const struct pen_option *entries;
    const char *variant_key; /* LIST: "rule"; NULL without variants */
    const struct pen_option_variant *variants;
};

struct pen_step_info {
    const char *name, *summary;
    const struct pen_option *options; /* ends with key NULL */
    size_t state_size;                /* zeroed private bytes per instance */
    const char *example;              /* YAML lines behind `type:`, not indented; NULL: none */
};

/* pen_option_kind_name - what a value of that kind is, for help: "text", "list", ... */
const char *pen_option_kind_name(enum pen_option_kind kind);

/* Collects remarks that are no errors; printed by whoever owns the command. */
struct pen_warnings {
    struct pen_buf text; /* one remark per line, with its place */
};

/* What binding needs beyond the node. */
struct pen_bind {
    const char *file;              /* for places: "load.yml" */
    struct pen_arena *arena;       /* texts live here */
    struct pen_warnings *warnings; /* may be NULL */
};

/* pen_options_bind - fills the struct at `target` (zeroed by the caller) from `map`.
 * in:     map may be NULL: all defaults. `what`: names the mapping in errors ("in", "parser").
 *         `also`: NULL-terminated keys that somebody else reads ("type", "columns"); may be NULL.
 * errors: PEN_ERR_CONFIG with place: unknown key (with "did you mean"), wrong kind of value,
 *         missing required ("field 'bucket' is required but not set"), unknown choice. */
PEN_MUST_USE enum pen_code pen_options_bind(const struct pen_option *options,
                                            const struct pen_node *map, const char *what,
                                            const char *const *also, void *target,
                                            const struct pen_bind *bind, struct pen_error *err);

/* pen_options_bind_list - binds each entry of a list to an item of an array in bind->arena.
 * in:     `list` may be NULL: no items. `what`: the list's key. item_bytes: of the struct that
 *         `entries` fills.
 * out:    ret_items: a pointer variable to list->count items, zeroed before they are filled.
 * errors: as pen_options_bind; an entry that is no mapping. */
PEN_MUST_USE enum pen_code pen_options_bind_list(const struct pen_option *entries,
                                                 const struct pen_node *list, const char *what,
                                                 size_t item_bytes, const struct pen_bind *bind,
                                                 void *ret_items, struct pen_error *err);

/* pen_fail_at - PEN_ERR_CONFIG with `where` = "file:line:column" of the node. */
enum pen_code pen_fail_at(const struct pen_bind *bind, const struct pen_node *node,
                          struct pen_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef PEN_FAILED /* see base/error.h */
#define pen_fail_at(...) PEN_FAILED(pen_fail_at(__VA_ARGS__))
#endif

/* pen_warn_at - adds a remark with the node's place (node and bind->warnings may be NULL). */
void pen_warn_at(const struct pen_bind *bind, const struct pen_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pen_did_you_mean - the closest of `count` candidates by edit distance (at most a third of the
 * length), NULL when none is close. */
const char *pen_did_you_mean(struct pen_slice word, const char *const *candidates, size_t count);

#endif
