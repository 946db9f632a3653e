/* connector:guess - seed file --sample, guess--> load file. */
#include "cli/connector_internal.h"
#include "cli/words.h"
#include "conf/load_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum pen_code set_text(struct pen_node *map, struct pen_cli *cli, const char *key,
                              struct pen_slice text, struct pen_error *err)
{
    return pen_node_set(map, &cli->arena, key, pen_node_new_text(&cli->arena, text), err);
}

/* s3://endpoint/bucket/prefix */
static enum pen_code set_source(struct pen_cli *cli, struct pen_node *in, const char *url,
                                struct pen_error *err)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    const char *bucket = strchr(host, '/');
    const char *prefix = bucket != NULL ? strchr(bucket + 1, '/') : NULL;
    if (bucket == NULL || bucket[1] == '\0')
        return pen_cli_usage(cli, err, "--source must be s3://endpoint/bucket/prefix, not '%s'",
                             url);
    size_t host_len = (size_t)(bucket - host);
    size_t bucket_len = prefix != NULL ? (size_t)(prefix - bucket - 1) : strlen(bucket + 1);
    if (host_len > 0)
        PEN_TRY(set_text(in, cli, "endpoint", pen_slice(host, host_len), err));
    PEN_TRY(set_text(in, cli, "bucket", pen_slice(bucket + 1, bucket_len), err));
    return set_text(in, cli, "path_prefix", pen_slice_str(prefix != NULL ? prefix + 1 : ""), err);
}

/* The configuration that the obsolete options spell. */
static enum pen_code config_from_options(struct pen_cli *cli, const struct pen_args *args,
                                         struct pen_run_env *ret_env, struct pen_error *err)
{
    const char *url = pen_args_value(args, "source"), *type = pen_args_value(args, "type");
    const char *id = pen_args_value(args, "access-id");
    const char *secret = pen_args_value(args, "access-secret");
    if (url == NULL)
        return pen_cli_usage(cli, err, "path to configuration file is required");
    pen_cli_say(cli, "--type, --source, --access-id and --access-secret are obsolete; write a "
                     "configuration file");
    PEN_TRY(pen_cli_open_home(cli, false, err));
    struct pen_node *in = pen_node_new_map(&cli->arena), *config = NULL;
    if (in == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(set_text(in, cli, "type", pen_slice_str(type != NULL ? type : "s3"), err));
    if (id != NULL)
        PEN_TRY(set_text(in, cli, "access_key_id", pen_slice_str(id), err));
    if (secret != NULL)
        PEN_TRY(set_text(in, cli, "secret_access_key", pen_slice_str(secret), err));
    PEN_TRY(set_source(cli, in, url, err));
    struct pen_bind bind = {"command line", &cli->arena, &cli->warnings};
    PEN_TRY(pen_config_normalize(in, &bind, &config, err));
    struct pen_node *out = pen_node_get(config, "out");
    PEN_TRY(set_text(out, cli, "mode", PEN_LIT("append"), err));
    *ret_env = (struct pen_run_env){.home = cli->home,
                                    .config = config,
                                    .bind = bind,
                                    .cancel = &pen_cli_cancel,
                                    .log = pen_connector_log,
                                    .log_context = cli};
    return PEN_OK;
}

/* -g a,b: appended to exec.guess_plugins. */
static enum pen_code add_plugins(struct pen_cli *cli, const char *names, struct pen_node *config,
                                 struct pen_error *err)
{
    struct pen_node *exec = pen_node_get(config, "exec");
    struct pen_node *list = pen_node_get(exec, "guess_plugins");
    if (list == NULL || list->kind != PEN_NODE_LIST) {
        list = pen_node_new_list(&cli->arena);
        PEN_TRY(pen_node_set(exec, &cli->arena, "guess_plugins", list, err));
    }
    while (*names != '\0') {
        const char *end = strchrnul(names, ',');
        struct pen_slice name = pen_slice(names, (size_t)(end - names));
        struct pen_node *node = pen_node_new_text(&cli->arena, name);
        if (node == NULL)
            return pen_fail_nomem(err);
        if (name.len > 0)
            pen_node_append(list, node);
        names = *end == ',' ? end + 1 : end;
    }
    return PEN_OK;
}

/* An existing file becomes <path>.0, or .1 and so on to .100: the first that is free. */
static enum pen_code back_up(const char *path, struct pen_error *err)
{
    if (access(path, F_OK) != 0)
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(65536);
    for (int i = 0; i <= 100; i++) {
        pen_buf_clear(&name);
        PEN_TRY(pen_buf_addf(&name, err, "%s.%d", path, i));
        if (access(name.ptr, F_OK) == 0)
            continue;
        if (rename(path, name.ptr) == 0)
            return PEN_OK;
        return pen_fail_errno(err, PEN_ERR_IO, errno, "backup file creation failed");
    }
    (void)pen_fail(err, PEN_ERR_IO, "backup file creation failed");
    pen_error_where(err, "%s", path);
    pen_error_hint(err, "remove old backups: %s.0 to %s.100 all exist", path, path);
    return PEN_ERR_IO;
}

static enum pen_code write_fd(int fd, struct pen_slice text, struct pen_error *err)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write");
        text = pen_slice_skip(text, (size_t)n);
    }
    return fsync(fd) == 0 || errno == EINVAL || errno == EROFS
               ? PEN_OK
               : pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write");
}

/* A terminal, a pipe or a device is written to as it is. A folder is no place for a file. */
static enum pen_code write_special(const char *path, mode_t mode, struct pen_slice text,
                                   struct pen_error *err)
{
    int fd = S_ISDIR(mode) ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return pen_fail_errno(err, PEN_ERR_IO, S_ISDIR(mode) ? EISDIR : errno, "cannot write '%s'",
                              path);
    enum pen_code code = write_fd(fd, text, err);
    if (close(fd) != 0 && code == PEN_OK)
        code = pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write");
    if (code != PEN_OK)
        pen_error_where(err, "%s", path);
    return code;
}

/* Complete under another name first, so that a full disk costs no old file. It may hold secrets. */
static enum pen_code write_file(const char *path, struct pen_slice text, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf part = PEN_BUF(65536);
    struct stat found;
    if (stat(path, &found) == 0 && !S_ISREG(found.st_mode))
        return write_special(path, found.st_mode, text, err);
    PEN_TRY(pen_buf_addf(&part, err, "%s.part-%d", path, (int)getpid()));
    int fd = open(part.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return pen_fail_errno(err, errno == EACCES ? PEN_ERR_AUTH : PEN_ERR_IO, errno,
                              "cannot create '%s'", path);
    enum pen_code code = write_fd(fd, text, err);
    if (close(fd) != 0 && code == PEN_OK)
        code = pen_fail_errno(err, PEN_ERR_IO, errno, "cannot write");
    if (code == PEN_OK)
        code = back_up(path, err);
    if (code == PEN_OK && rename(part.ptr, path) != 0)
        code = pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", path);
    if (code != PEN_OK) {
        (void)unlink(part.ptr); /* the error is already known */
        pen_error_where(err, "%s", path);
    }
    return code;
}

static bool is_json_path(const char *path)
{
    return pen_slice_ends(pen_slice_str(path), PEN_LIT(".json"));
}

static enum pen_code print_config(const struct pen_node *config, const char *path,
                                  struct pen_buf *into, struct pen_error *err)
{
    if (!is_json_path(path))
        return pen_tree_write_yaml(config, into, err);
    PEN_TRY(pen_tree_write_json(config, true, into, err));
    return pen_buf_add_char(into, '\n', err);
}

/* What was looked at, and where every line of the sample went. */
static enum pen_code say_report(const struct pen_cli *cli, const struct pen_guess_report *report,
                                struct pen_error *err)
{
    const struct pen_guess_account *a = &report->account;
    const struct {
        uint64_t count;
        const char *what;
    } parts[] = {{a->preamble, "skipped"},        {a->header, "header"},
                 {a->record_lines, "in records"}, {a->blank, "empty or comments"},
                 {a->bad, "with broken quoting"}, {a->cut, "cut off"}};
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    char count[PEN_WORD_TEXT];
    PEN_TRY(pen_buf_addf(&text, err, "%s bytes", pen_word_count(report->sample_bytes, count)));
    if (a->lines > 0)
        PEN_TRY(pen_buf_addf(&text, err, ", %s lines", pen_word_count(a->lines, count)));
    const char *before = " =";
    for (size_t i = 0; a->lines > 0 && i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].count == 0)
            continue;
        PEN_TRY(pen_buf_addf(&text, err, "%s %s %s", before, pen_word_count(parts[i].count, count),
                             parts[i].what));
        before = " +";
    }
    if (report->pieces > 0)
        PEN_TRY(pen_buf_addf(&text, err, "; checked against %zu further piece%s of the data",
                             report->pieces, report->pieces == 1 ? "" : "s"));
    pen_cli_say(cli, "sample: %s", text.ptr);
    return PEN_OK;
}

/* JSON has no comments: what they would say goes to stderr. */
static void say_comments(const struct pen_cli *cli, const struct pen_node *node)
{
    struct pen_slice name = node->key;
    const struct pen_node *own_name = pen_node_get(node, "name");
    if (name.len == 0 && own_name != NULL)
        name = own_name->text;
    for (const char *line = node->comment; line != NULL && *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        pen_cli_say(cli, "%.*s: %.*s", PEN_ARG(name), (int)(end - line), line);
        line = *end == '\n' ? end + 1 : end;
    }
    for (const struct pen_node *child = node->first; child != NULL; child = child->next)
        say_comments(cli, child);
}

/* What was written, but for its secrets: outputs end up in logs. */
static enum pen_code show_config(struct pen_cli *cli, const struct pen_node *config,
                                 const char *path, struct pen_error *err)
{
    struct pen_node *masked = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_config_mask(config, &cli->arena, &masked, err));
    PEN_TRY(print_config(masked, path, &text, err));
    return pen_cli_print(cli, err, "Guessed configuration:\n\n%s", text.ptr);
}

enum pen_code pen_connector_guess(struct pen_cli *cli, const struct pen_args *args,
                                  struct pen_error *err)
{
    struct pen_run_env env = {.home = NULL};
    const char *given = pen_args_value(args, "out"), *plugins = pen_args_value(args, "guess");
    const char *path = given != NULL ? given : "config.yml";
    PEN_TRY(args->word_count > 0 ? pen_connector_load(cli, args, &env, err)
                                 : config_from_options(cli, args, &env, err));
    struct pen_node *seed = pen_node_copy(env.config, &cli->arena), *guessed = NULL;
    if (seed == NULL)
        return pen_fail_nomem(err);
    if (plugins != NULL)
        PEN_TRY(add_plugins(cli, plugins, seed, err));
    env.config = seed;
    struct pen_guess_report report;
    PEN_TRY(pen_run_guess(&env, &guessed, &report, err));
    PEN_TRY(say_report(cli, &report, err));
    if (is_json_path(path))
        say_comments(cli, guessed);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(print_config(guessed, path, &text, err));
    PEN_TRY(write_file(path, pen_buf_slice(&text), err));
    PEN_TRY(show_config(cli, guessed, path, err));
    PEN_TRY(pen_cli_print(cli, err, "Created %s file.", path));
    return pen_cli_print(cli, err,
                         "Use 'penstock %sconnector:preview %s' to see bulk load preview.",
                         pen_cli_home_words(cli), path);
}
