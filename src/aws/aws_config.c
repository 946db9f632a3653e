#include "aws/aws_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)

enum section_kind { SECTION_PROFILE, SECTION_SERVICES, SECTION_OTHER };

struct entry {
    struct entry *next;
    const char *parent; /* "s3" for an indented "key = value" below "s3 ="; NULL at the top */
    const char *key;
    char *value; /* may be a secret: wiped at the end */
};

struct section {
    struct section *next;
    enum section_kind kind;
    const char *name;
    struct entry *entries;
};

struct pen_aws_files {
    struct pen_arena arena;
    struct section *sections, **end; /* of the credentials file first: it wins */
    const char *paths;
};

void pen_aws_files_free(struct pen_aws_files *files)
{
    if (files == NULL)
        return;
    for (struct section *s = files->sections; s != NULL; s = s->next)
        for (struct entry *e = s->entries; e != NULL; e = e->next)
            if (e->value != NULL)
                explicit_bzero(e->value, strlen(e->value));
    pen_arena_release(&files->arena);
    free(files);
}

const char *pen_aws_env(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

const char *pen_aws_profile_name(const char *option)
{
    if (option != NULL && option[0] != '\0')
        return option;
    const char *name = pen_aws_env("AWS_PROFILE");
    name = name != NULL ? name : pen_aws_env("AWS_DEFAULT_PROFILE");
    return name != NULL ? name : "default";
}

/* Where reading stands. */
struct scan {
    struct pen_aws_files *files;
    const char *path;
    bool is_config; /* ~/.aws/config: profiles are called [profile x] */
    unsigned line;
    struct section *section; /* NULL before the first */
    const char *parent;      /* the last key of the top level with an empty value */
};

static struct pen_slice trim(struct pen_slice text)
{
    while (text.len > 0 && isspace((unsigned char)text.ptr[0]))
        text = pen_slice_skip(text, 1);
    while (text.len > 0 && isspace((unsigned char)text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static enum pen_code fail_line(const struct scan *scan, struct pen_error *err, const char *what)
{
    (void)pen_fail(err, PEN_ERR_CONFIG, "%s", what); /* returned below, with its place */
    pen_error_where(err, "%s:%u", scan->path, scan->line);
    return PEN_ERR_CONFIG;
}

static enum pen_code copy_text(struct scan *scan, struct pen_slice text, const char **ret_text,
                               struct pen_error *err)
{
    const char *copy = pen_arena_copy(&scan->files->arena, text);
    if (copy == NULL)
        return pen_fail_nomem(err);
    *ret_text = copy;
    return PEN_OK;
}

/* "profile x", "services x" and "sso-session x" are kinds with a name; else it is the name. */
static enum section_kind kind_of(struct scan *scan, struct pen_slice *name)
{
    static const struct {
        struct pen_slice word;
        enum section_kind kind;
    } kinds[] = {
        {{"profile", 7}, SECTION_PROFILE},
        {{"services", 8}, SECTION_SERVICES},
        {{"sso-session", 11}, SECTION_OTHER},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct pen_slice word = kinds[i].word;
        if (!pen_slice_starts(*name, word) || name->len == word.len ||
            !isspace((unsigned char)name->ptr[word.len]))
            continue;
        *name = trim(pen_slice_skip(*name, word.len));
        return kinds[i].kind;
    }
    /* [x] in the config file is no profile, except [default] */
    return scan->is_config && !pen_slice_is(*name, "default") ? SECTION_OTHER : SECTION_PROFILE;
}

static enum pen_code begin_section(struct scan *scan, struct pen_slice line, struct pen_error *err)
{
    const char *close = memchr(line.ptr, ']', line.len);
    if (close == NULL)
        return fail_line(scan, err, "section name without ']'");
    struct pen_slice name = trim(pen_slice(line.ptr + 1, (size_t)(close - line.ptr) - 1));
    struct section *section = pen_arena_alloc(&scan->files->arena, sizeof *section);
    if (section == NULL)
        return pen_fail_nomem(err);
    *section = (struct section){.kind = kind_of(scan, &name)};
    if (name.len >= 2 && (name.ptr[0] == '"' || name.ptr[0] == '\'') &&
        name.ptr[name.len - 1] == name.ptr[0])
        name = pen_slice(name.ptr + 1, name.len - 2);
    PEN_TRY(copy_text(scan, name, &section->name, err));
    *scan->files->end = section;
    scan->files->end = &section->next;
    scan->section = section;
    scan->parent = NULL;
    return PEN_OK;
}

/* A comment inside a line needs white space before it: values may contain # and ;. */
static struct pen_slice cut_comment(struct pen_slice value)
{
    for (size_t i = 1; i < value.len; i++)
        if ((value.ptr[i] == '#' || value.ptr[i] == ';') &&
            isspace((unsigned char)value.ptr[i - 1]))
            return trim(pen_slice(value.ptr, i));
    return value;
}

static enum pen_code add_entry(struct scan *scan, struct pen_slice line, bool is_nested,
                               struct pen_error *err)
{
    const char *equals = memchr(line.ptr, '=', line.len);
    if (equals == NULL && is_nested)
        return PEN_OK; /* the continuation of a value that nobody here reads */
    if (equals == NULL || equals == line.ptr)
        return fail_line(scan, err, "expected 'key = value'");
    if (scan->section == NULL)
        return fail_line(scan, err, "key outside of any section");
    struct entry *entry = pen_arena_alloc(&scan->files->arena, sizeof *entry);
    if (entry == NULL)
        return pen_fail_nomem(err);
    size_t key_len = (size_t)(equals - line.ptr);
    *entry = (struct entry){.parent = is_nested ? scan->parent : NULL};
    struct pen_slice value = cut_comment(trim(pen_slice_skip(line, key_len + 1)));
    const char *key = NULL;
    PEN_TRY(copy_text(scan, trim(pen_slice(line.ptr, key_len)), &key, err));
    entry->value = pen_arena_copy(&scan->files->arena, value);
    if (entry->value == NULL)
        return pen_fail_nomem(err);
    entry->key = key;
    entry->next = scan->section->entries; /* newest first: the last of equal keys wins */
    scan->section->entries = entry;
    if (!is_nested)
        scan->parent = value.len == 0 ? key : NULL;
    return PEN_OK;
}

static enum pen_code read_line(struct scan *scan, struct pen_slice raw, struct pen_error *err)
{
    struct pen_slice line = trim(raw);
    if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
        return PEN_OK;
    bool is_indented = raw.ptr[0] == ' ' || raw.ptr[0] == '\t';
    if (line.ptr[0] == '[')
        return begin_section(scan, line, err);
    /* tolerated: an indented key that stands below no key with an empty value */
    return add_entry(scan, line, is_indented && scan->parent != NULL, err);
}

static enum pen_code read_text(struct scan *scan, struct pen_slice text, struct pen_error *err)
{
    if (pen_slice_starts(text, PEN_LIT("\xef\xbb\xbf")))
        text = pen_slice_skip(text, 3);
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        scan->line++;
        if (len > 0)
            PEN_TRY(read_line(scan, pen_slice(text.ptr, len), err));
        text = pen_slice_skip(text, end == NULL ? len : len + 1);
    }
    return PEN_OK;
}

static enum pen_code read_file(struct pen_aws_files *files, const char *path, bool is_config,
                               bool must_exist, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(FILE_MAX_BYTES);
    struct pen_error reason = {0};
    enum pen_code code = pen_buf_read_file(&text, path, &reason);
    if (code == PEN_ERR_NOT_FOUND && !must_exist)
        return PEN_OK;
    if (code == PEN_OK) {
        struct scan scan = {.files = files, .path = path, .is_config = is_config};
        code = read_text(&scan, pen_buf_slice(&text), &reason);
    }
    if (text.ptr != NULL)
        explicit_bzero(text.ptr, text.len);
    if (code != PEN_OK && err != NULL)
        *err = reason;
    return code;
}

/* `path` with ~/ resolved, in the arena. */
static enum pen_code expand(struct pen_aws_files *files, const char *path, const char **ret_path,
                            struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(FILE_MAX_BYTES);
    const char *home = pen_aws_env("HOME");
    if (path[0] == '~' && path[1] == '/' && home != NULL)
        PEN_TRY(pen_buf_addf(&text, err, "%s%s", home, path + 1));
    else
        PEN_TRY(pen_buf_add_str(&text, path, err));
    return pen_arena_text(&files->arena, pen_buf_slice(&text), ret_path, err);
}

static enum pen_code read_both(struct pen_aws_files *files, const char *explicit_path,
                               struct pen_error *err)
{
    const char *credentials = explicit_path;
    if (credentials == NULL)
        credentials = pen_aws_env("AWS_SHARED_CREDENTIALS_FILE");
    if (credentials == NULL)
        credentials = pen_aws_env("AWS_CREDENTIAL_PROFILES_FILE");
    if (credentials == NULL)
        credentials = "~/.aws/credentials";
    PEN_TRY(expand(files, credentials, &files->paths, err));
    PEN_TRY(read_file(files, files->paths, false, explicit_path != NULL, err));
    if (explicit_path != NULL)
        return PEN_OK;
    const char *config = pen_aws_env("AWS_CONFIG_FILE");
    PEN_TRY(expand(files, config != NULL ? config : "~/.aws/config", &config, err));
    PEN_TRY(read_file(files, config, true, false, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf both = PEN_BUF(FILE_MAX_BYTES);
    PEN_TRY(pen_buf_addf(&both, err, "%s and %s", files->paths, config));
    return pen_arena_text(&files->arena, pen_buf_slice(&both), &files->paths, err);
}

enum pen_code pen_aws_files_read(const char *credentials_path, struct pen_aws_files **ret_files,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_aws_files_free_p) struct pen_aws_files *files = calloc(1, sizeof *files);
    if (files == NULL)
        return pen_fail_nomem(err);
    files->arena = PEN_ARENA(16 * FILE_MAX_BYTES);
    files->end = &files->sections;
    PEN_TRY(read_both(files, credentials_path, err));
    *ret_files = PEN_TAKE(files);
    return PEN_OK;
}

const char *pen_aws_files_paths(const struct pen_aws_files *files)
{
    return files->paths;
}

bool pen_aws_files_has(const struct pen_aws_files *files, const char *profile)
{
    for (const struct section *s = files->sections; s != NULL; s = s->next)
        if (s->kind == SECTION_PROFILE && strcmp(s->name, profile) == 0)
            return true;
    return false;
}

static const char *find(const struct pen_aws_files *files, enum section_kind kind, const char *name,
                        const char *parent, const char *key)
{
    for (const struct section *s = files->sections; s != NULL; s = s->next) {
        if (s->kind != kind || strcmp(s->name, name) != 0)
            continue;
        for (const struct entry *e = s->entries; e != NULL; e = e->next)
            if (strcasecmp(e->key, key) == 0 && (parent == NULL) == (e->parent == NULL) &&
                (parent == NULL || strcasecmp(e->parent, parent) == 0))
                return e->value[0] == '\0' ? NULL : e->value;
    }
    return NULL;
}

const char *pen_aws_files_get(const struct pen_aws_files *files, const char *profile,
                              const char *key)
{
    return find(files, SECTION_PROFILE, profile, NULL, key);
}

const char *pen_aws_files_service(const struct pen_aws_files *files, const char *profile,
                                  const char *service, const char *key)
{
    const char *services = pen_aws_files_get(files, profile, "services");
    return services == NULL ? NULL : find(files, SECTION_SERVICES, services, service, key);
}

const char *pen_aws_region(const char *option, const struct pen_aws_files *files,
                           const char *profile)
{
    if (option != NULL && option[0] != '\0')
        return option;
    const char *region = pen_aws_env("AWS_REGION");
    region = region != NULL ? region : pen_aws_env("AWS_DEFAULT_REGION");
    if (region == NULL && files != NULL)
        region = pen_aws_files_get(files, profile, "region");
    return region;
}

static bool is_true(const char *text)
{
    return text != NULL && strcasecmp(text, "true") == 0;
}

const char *pen_aws_endpoint(const char *service, const struct pen_aws_files *files,
                             const char *profile)
{
    const char *ignore = pen_aws_env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if (ignore == NULL && files != NULL)
        ignore = pen_aws_files_get(files, profile, "ignore_configured_endpoint_urls");
    if (is_true(ignore))
        return NULL;
    char name[48];
    (void)snprintf(name, sizeof name, "AWS_ENDPOINT_URL_%s", service);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    const char *url = pen_aws_env(name);
    url = url != NULL ? url : pen_aws_env("AWS_ENDPOINT_URL");
    if (url != NULL || files == NULL)
        return url;
    url = pen_aws_files_service(files, profile, service, "endpoint_url");
    return url != NULL ? url : pen_aws_files_get(files, profile, "endpoint_url");
}
