#include "conf/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const log_formats[] = {"text", "json", NULL};
static const char *const missed_runs[] = {"none", "latest", "all", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

#define MAIL(member)    offsetof(struct pen_mail_options, member)
#define WEBHOOK(member) offsetof(struct pen_webhook_options, member)

const struct pen_option pen_mail_option_table[] = {
    {.key = "to",
     .kind = PEN_OPTION_NODE,
     .offset = MAIL(to),
     .is_required = true,
     .help = "an address, or a list of them"},
    {.key = "from",
     .kind = PEN_OPTION_TEXT,
     .offset = MAIL(from),
     .is_required = true,
     .help = "the sender's address"},
    {.key = "server",
     .kind = PEN_OPTION_TEXT,
     .offset = MAIL(server),
     .is_required = true,
     .help = "smtp://host:587 or smtps://host:465"},
    {.key = "user",
     .kind = PEN_OPTION_TEXT,
     .offset = MAIL(user),
     .help = "login, if it needs one"},
    {.key = "password",
     .kind = PEN_OPTION_SECRET,
     .offset = MAIL(password),
     .help = "of the login"},
    {.key = "encrypt",
     .kind = PEN_OPTION_BOOL,
     .offset = MAIL(encrypt),
     .default_text = "true",
     .help = "with smtp://, refuse a server that does not offer STARTTLS"},
    {.key = NULL},
};

const struct pen_option pen_webhook_option_table[] = {
    {.key = "url",
     .kind = PEN_OPTION_TEXT,
     .offset = WEBHOOK(url),
     .is_required = true,
     .help = "where the message is posted to as JSON"},
    {.key = "secret",
     .kind = PEN_OPTION_SECRET,
     .offset = WEBHOOK(secret),
     .help = "signs each message (X-Penstock-Signature)"},
    {.key = NULL},
};

const struct pen_option pen_notification_option_table[] = {
    {.key = "on",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct pen_notification, on),
     .help = "job_error, rejects, schedule_late; not set: all of them"},
    {.key = "rejects_above",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_notification, rejects_above),
     .default_text = "0",
     .help = "rejects: only of jobs with more rejected records"},
    {.key = "late_after",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_notification, late_after_s),
     .default_text = "900",
     .unit = "s",
     .help = "schedule_late: when a run has not begun so long after its time"},
    {.key = "mail",
     .kind = PEN_OPTION_MAP,
     .offset = offsetof(struct pen_notification, mail),
     .entries = pen_mail_option_table,
     .help = "by mail"},
    {.key = "webhook",
     .kind = PEN_OPTION_MAP,
     .offset = offsetof(struct pen_notification, webhook),
     .entries = pen_webhook_option_table,
     .help = "by a POST to a program"},
    {.key = NULL},
};

const struct pen_option pen_settings_option_table[] = {
    {.key = "threads",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_settings, threads),
     .default_text = "0",
     .help = "threads of a query; 0: as many as cores"},
    {.key = "memory",
     .kind = PEN_OPTION_BYTES,
     .offset = offsetof(struct pen_settings, memory_bytes),
     .default_text = "1GiB",
     .unit = "bytes",
     .help = "memory that a query may use before it spills to temp_folder"},
    {.key = "temp_folder",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_settings, temp_folder),
     .help = "where queries put what does not fit into memory; not set: <home>/tmp"},
    {.key = "log_format",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct pen_settings, log_format),
     .default_text = "text",
     .choices = log_formats,
     .help = "how log lines on stderr look"},
    {.key = "log_level",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct pen_settings, log_level),
     .default_text = "warn",
     .choices = log_levels,
     .help = "the least important log lines to print on stderr"},
    {.key = "missed_runs",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct pen_settings, missed_runs),
     .default_text = "latest",
     .choices = missed_runs,
     .help = "what becomes of a schedule's times at which nothing could run"},
    {.key = "server_listen",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_settings, server_listen),
     .default_text = "127.0.0.1:8765",
     .help = "where `penstock server` listens: HOST:PORT"},
    {.key = "server_workers",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_settings, server_workers),
     .default_text = "2",
     .help = "jobs that the server runs at once"},
    {.key = "server_drain_seconds",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct pen_settings, server_drain_seconds),
     .default_text = "30",
     .unit = "seconds",
     .help = "how long running jobs may go on after SIGTERM before they go back to the queue"},
    {.key = "server_tls_certificate",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_settings, server_tls_certificate),
     .help = "PEM file with the server's certificate and those above it: HTTPS"},
    {.key = "server_tls_key",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct pen_settings, server_tls_key),
     .help = "PEM file with the certificate's key"},
    {.key = "server_behind_proxy",
     .kind = PEN_OPTION_BOOL,
     .offset = offsetof(struct pen_settings, server_behind_proxy),
     .default_text = "false",
     .help = "a proxy in front speaks TLS: other addresses than loopback may be listened on"},
    {.key = "server_log_level",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct pen_settings, server_log_level),
     .default_text = "info",
     .choices = log_levels,
     .help = "as log_level, for the server"},
    {.key = "notifications",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct pen_settings, notifications),
     .entries = pen_notification_option_table,
     .help = "whom the server tells of failed jobs, rejected records and late schedules"},
    {.key = NULL},
};

/* dir, or base/tail, as an absolute path. */
static enum pen_code join(const char *base, const char *tail, struct pen_arena *arena,
                          const char **ret_path, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *cwd = NULL;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    if (base[0] != '/') {
        cwd = getcwd(NULL, 0);
        if (cwd == NULL)
            return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot tell the current folder");
        PEN_TRY(pen_buf_addf(&path, err, "%s/", cwd));
    }
    PEN_TRY(pen_buf_addf(&path, err, "%s%s", base, tail));
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.ptr[--path.len] = '\0';
    return pen_arena_text(arena, pen_buf_slice(&path), ret_path, err);
}

enum pen_code pen_home_find(const char *option, struct pen_arena *arena, const char **ret_home,
                            struct pen_error *err)
{
    const char *own = getenv("PENSTOCK_HOME"), *data = getenv("XDG_DATA_HOME");
    const char *user = getenv("HOME");
    if (option != NULL && option[0] != '\0')
        return join(option, "", arena, ret_home, err);
    if (own != NULL && own[0] != '\0')
        return join(own, "", arena, ret_home, err);
    if (data != NULL && data[0] == '/') /* relative ones are to be ignored, says the standard */
        return join(data, "/penstock", arena, ret_home, err);
    if (user != NULL && user[0] != '\0')
        return join(user, "/.local/share/penstock", arena, ret_home, err);
    (void)pen_fail(err, PEN_ERR_CONFIG, "cannot tell where the data are: HOME is not set");
    pen_error_hint(err, "give --home DIR or set PENSTOCK_HOME");
    return PEN_ERR_CONFIG;
}

static enum pen_code make_folder(const char *path, mode_t mode, struct pen_error *err)
{
    if (mkdir(path, mode) == 0)
        return PEN_OK;
    struct stat info;
    if (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return PEN_OK;
    int error = errno == EEXIST ? ENOTDIR : errno;
    enum pen_code code = error == EACCES || error == EROFS ? PEN_ERR_AUTH : PEN_ERR_IO;
    (void)pen_fail_errno(err, code, error, "cannot create folder '%s'", path);
    pen_error_hint(err, "choose another folder with --home DIR or PENSTOCK_HOME");
    return code;
}

enum pen_code pen_home_create(const char *home, struct pen_error *err)
{
    struct stat info;
    if (stat(home, &info) == 0 && S_ISDIR(info.st_mode))
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    PEN_TRY(pen_buf_add_str(&path, home, err));
    for (char *slash = strchr(path.ptr + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        enum pen_code code = stat(path.ptr, &info) == 0 && S_ISDIR(info.st_mode)
                                 ? PEN_OK
                                 : make_folder(path.ptr, 0755, err);
        *slash = '/';
        PEN_TRY(code);
    }
    return make_folder(home, 0700, err);
}

enum pen_code pen_settings_read(const char *home, struct pen_arena *arena,
                                struct pen_warnings *warnings, struct pen_settings *ret_settings,
                                struct pen_error *err)
{
    const char *path = NULL;
    PEN_TRY(join(home, "/penstock.yml", arena, &path, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF((size_t)1 << 20);
    struct pen_node *root = NULL;
    struct pen_settings settings = {0};
    struct pen_bind bind = {path, arena, warnings};
    struct pen_error local = {0};
    enum pen_code code = pen_buf_read_file(&text, path, &local);
    if (code == PEN_OK) {
        PEN_TRY(pen_tree_parse(pen_buf_slice(&text), path, arena, &root, err));
    } else if (code != PEN_ERR_NOT_FOUND) {
        if (err != NULL)
            *err = local;
        return code;
    }
    PEN_TRY(
        pen_options_bind(pen_settings_option_table, root, "settings", NULL, &settings, &bind, err));
    *ret_settings = settings;
    return PEN_OK;
}
