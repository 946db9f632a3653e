/* server - workers and HTTP API over one home, until SIGTERM.
 *
 *     main:      signals, watchdog, settings        worker threads: jobs
 *     I/O thread: connections                       lanes: HTTP requests */
#include "api/api.h"
#include "api/metrics.h"
#include "cli/lake_scope.h"
#include "cli/sd_notify.h"
#include "cli/server_lock.h"
#include "notify/notify.h"
#include "run/job_workers.h"
#include "sched/scheduler_thread.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* How long replies may take to be sent once all jobs have ended. */
#define HTTP_DRAIN_MS 5000

#define TEXT_MAX      ((size_t)1 << 20)

/* Descriptors: of the process at most, kept for jobs and metadata, and connections at most. */
#define FILES_MAX       65536
#define FILES_KEPT      512
#define CONNECTIONS_MAX 1000

/* Everything that lives as long as the server. */
struct service {
    struct pen_cli *cli;
    const char *listen;
    int64_t workers_count, memory_bytes;
    struct pen_server_lock lock;
    struct pen_log *log;
    struct pen_job_workers *workers;
    _Atomic(struct pen_scheduler_thread *) scheduler; /* workers start before it */
    struct pen_notifier *notifier;
    struct pen_http_server *http;
    struct pen_metrics *metrics;
    struct pen_api api;
    volatile int is_stopping, is_http_over;
    struct pen_buf certificate, certificate_key;
};

static volatile sig_atomic_t is_reload_asked;

static void on_hangup(int number)
{
    (void)number;
    is_reload_asked = 1;
}

static void service_release(struct service *service)
{
    pen_http_server_free(service->http);
    pen_notifier_free(service->notifier);
    pen_scheduler_free(service->scheduler);
    pen_job_workers_free(service->workers);
    pen_metrics_free(service->metrics);
    pen_log_close(service->log);
    pen_server_lock_release(&service->lock);
    pen_buf_release(&service->certificate);
    pen_buf_release(&service->certificate_key);
}

/* --- before anything starts ------------------------------------------------------------------- */

static enum pen_code read_words(struct service *service, const struct pen_args *args,
                                struct pen_error *err)
{
    struct pen_cli *cli = service->cli;
    const struct pen_settings *settings = &cli->settings;
    const char *listen = pen_args_value(args, "listen");
    service->listen = listen != NULL ? listen : settings->server_listen;
    PEN_TRY(pen_args_int(args, "workers", 1, 256, settings->server_workers, &service->workers_count,
                         err));
    PEN_TRY(pen_args_int(args, "memory", 1 << 20, INT64_MAX,
                         settings->memory_bytes * service->workers_count, &service->memory_bytes,
                         err));
    if (service->workers_count < 1)
        return pen_fail(err, PEN_ERR_CONFIG, "setting server_workers must be at least 1");
    return PEN_OK;
}

/* Keys and passwords must not cross a network in clear. */
static enum pen_code check_exposure(const struct service *service, struct pen_error *err)
{
    const struct pen_settings *settings = &service->cli->settings;
    bool has_tls = settings->server_tls_certificate != NULL;
    if (has_tls != (settings->server_tls_key != NULL))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "server_tls_certificate and server_tls_key belong together");
    if (pen_http_is_loopback(service->listen) || has_tls || settings->server_behind_proxy)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CONFIG,
                   "refusing to listen on '%s': others than this machine would reach it, and API "
                   "keys would cross the network in clear",
                   service->listen);
    pen_error_hint(err, "set server_tls_certificate and server_tls_key in penstock.yml, or "
                        "server_behind_proxy: true when a proxy in front speaks TLS, or listen on "
                        "127.0.0.1");
    return PEN_ERR_CONFIG;
}

static enum pen_code read_certificate(struct service *service, struct pen_error *err)
{
    const struct pen_settings *settings = &service->cli->settings;
    if (settings->server_tls_certificate == NULL)
        return PEN_OK;
    PEN_TRY(pen_buf_read_file(&service->certificate, settings->server_tls_certificate, err));
    return pen_buf_read_file(&service->certificate_key, settings->server_tls_key, err);
}

static enum pen_code open_log(struct service *service, struct pen_error *err)
{
    const struct pen_cli *cli = service->cli;
    struct pen_log_options options = {
        .format = cli->is_json ? PEN_LOG_JSON : (enum pen_log_format)cli->settings.log_format,
        .level = cli->is_quiet     ? PEN_LOG_ERROR
                 : cli->is_verbose ? PEN_LOG_DEBUG
                                   : (enum pen_log_level)cli->settings.server_log_level,
        .trace = cli->trace,
    };
    return pen_log_open_fd(STDERR_FILENO, &options, &service->log, err);
}

/* A shell's limit of 1,024 open files is what as many clients could use up, and then jobs would
 * have none: the limit is raised as far as it may be, and connections leave room. */
static unsigned limit_connections(void)
{
    struct rlimit limit = {.rlim_cur = FILES_KEPT + CONNECTIONS_MAX};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_MAX) {
        limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* up to the hard limit everybody may */
    }
    if (limit.rlim_cur >= FILES_KEPT + CONNECTIONS_MAX)
        return CONNECTIONS_MAX;
    return limit.rlim_cur >= 2 * FILES_KEPT ? (unsigned)limit.rlim_cur - FILES_KEPT
                                            : (unsigned)limit.rlim_cur / 2 + 1;
}

static enum pen_code catch_hangup(struct pen_error *err)
{
    struct sigaction action = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};
    if (sigemptyset(&action.sa_mask) != 0 || sigaction(SIGHUP, &action, NULL) != 0)
        return pen_fail_errno(err, PEN_ERR_INTERNAL, errno, "cannot catch signals");
    return PEN_OK;
}

/* --- start ------------------------------------------------------------------------------------ */

/* A schedule whose job has ended may be due again. */
static void on_job_end(void *context, const struct pen_job_ended *ended)
{
    struct service *service = context;
    pen_metrics_job(service->metrics, ended);
    struct pen_scheduler_thread *scheduler = service->scheduler;
    if (scheduler != NULL)
        pen_scheduler_wake(scheduler);
}

static void on_tick(void *context)
{
    struct service *service = context;
    pen_job_workers_wake(service->workers);
}

static enum pen_code start_scheduler(struct service *service, struct pen_error *err)
{
    struct pen_scheduler_options options = {
        .home = service->cli->home,
        .missed_runs = (enum pen_missed_runs)service->cli->settings.missed_runs,
        .log = service->log,
        .on_tick = on_tick,
        .context = service,
    };
    struct pen_scheduler_thread *scheduler = NULL;
    PEN_TRY(pen_scheduler_start(&options, &scheduler, err));
    service->scheduler = scheduler;
    return PEN_OK;
}

static enum pen_code start_workers(struct service *service, struct pen_error *err)
{
    struct pen_job_workers_options options = {
        .home = service->cli->home,
        .count = (unsigned)service->workers_count,
        .query_memory_bytes = (uint64_t)(service->memory_bytes / service->workers_count),
        .max_threads =
            service->cli->settings.threads > 0 ? (unsigned)service->cli->settings.threads : 0,
        .log = service->log,
        .traffic = pen_metrics_traffic(service->metrics),
        .on_end = on_job_end,
        .context = service,
    };
    PEN_TRY(pen_cli_temp_folder(service->cli, &options.temp_folder, err));
    return pen_job_workers_start(&options, &service->workers, err);
}

/* The one before, if any, goes on until the new one could be made. */
static enum pen_code start_notifier(struct service *service, const struct pen_settings *settings,
                                    struct pen_error *err)
{
    struct pen_notifier_options options = {
        .home = service->cli->home,
        .config = settings->notifications,
        .bind = {"penstock.yml", &service->cli->arena, NULL},
        .log = service->log,
    };
    struct pen_notifier *notifier = NULL;
    PEN_TRY(pen_notifier_new(&options, &notifier, err));
    pen_notifier_free(service->notifier);
    service->notifier = notifier;
    return pen_notifier_start(notifier, err);
}

static void wake(void *context)
{
    struct service *service = context;
    pen_job_workers_wake(service->workers);
    pen_scheduler_wake(service->scheduler);
}

static enum pen_code start_http(struct service *service, struct pen_error *err)
{
    service->api = (struct pen_api){
        .home = service->cli->home,
        .settings = &service->cli->settings,
        .log = service->log,
        .metrics = service->metrics,
        .is_stopping = &service->is_stopping,
        .cancel = &service->is_http_over,
        .wake = wake,
        .wake_context = service,
    };
    struct pen_http_server_options options = {
        .listen = service->listen,
        .certificate = service->certificate.ptr,
        .certificate_key = service->certificate_key.ptr,
        .max_connections = limit_connections(),
    };
    struct pen_http_handler handler = pen_api_handler(&service->api);
    return pen_http_server_new(&options, &handler, &service->http, err);
}

/* The catalog is made and brought up to date before several threads open it. */
static enum pen_code prepare_home(struct service *service, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    return pen_cli_open_lake(service->cli, &lake, err);
}

/* Without users nobody may do anything: this link makes the first one. */
static enum pen_code print_link(struct service *service, const char *url, struct pen_error *err)
{
    char path[256];
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_TRY(pen_cli_open_lake(service->cli, &lake, err));
    PEN_TRY(pen_api_first_link(pen_lake_db(lake), path, sizeof path, err));
    if (path[0] == '\0')
        return PEN_OK;
    return pen_cli_print(service->cli, err,
                         "there are no users yet; make the first admin within a day at %s%s", url,
                         path);
}

static enum pen_code announce(struct service *service, struct pen_error *err)
{
    char url[128], state[256];
    (void)snprintf(url, sizeof url, "%s://%s",
                   service->cli->settings.server_tls_certificate != NULL ? "https" : "http",
                   pen_http_server_address(service->http)); /* fits */
    PEN_TRY(pen_server_lock_tell(&service->lock, url, err));
    pen_log_write(service->log, PEN_LOG_INFO, "server",
                  "penstock " PEN_VERSION " listens on %s, home %s, %" PRId64 " workers", url,
                  service->cli->home, service->workers_count);
    (void)snprintf(state, sizeof state, "READY=1\nSTATUS=listening on %s", url); /* fits */
    pen_sd_notify(state);
    PEN_TRY(pen_cli_print(service->cli, err, "listening on %s", url));
    PEN_TRY(print_link(service, url, err));
    return pen_output_flush(&service->cli->out, err);
}

static enum pen_code start(struct service *service, struct pen_error *err)
{
    PEN_TRY(check_exposure(service, err));
    PEN_TRY(read_certificate(service, err));
    PEN_TRY(pen_server_lock_take(service->cli->home, &service->lock, err));
    PEN_TRY(prepare_home(service, err));
    PEN_TRY(catch_hangup(err));
    PEN_TRY(pen_metrics_new(&service->metrics, err));
    PEN_TRY(start_workers(service, err));
    PEN_TRY(start_scheduler(service, err));
    PEN_TRY(start_notifier(service, &service->cli->settings, err));
    PEN_TRY(start_http(service, err));
    return announce(service, err);
}

/* --- run -------------------------------------------------------------------------------------- */

/* What can change without a restart: the log level, what queries may use, missed runs and
 * notifications; the rest is named. */
static void reload(struct service *service)
{
    struct pen_cli *cli = service->cli;
    struct pen_settings settings = {0};
    struct pen_error err = {0};
    struct timespec now;
    char state[96];
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there on Linux */
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                   (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    pen_sd_notify(state);
    enum pen_code code = pen_settings_read(cli->home, &cli->arena, &cli->warnings, &settings, &err);
    if (code == PEN_OK)
        code = start_notifier(service, &settings, &err);
    if (code != PEN_OK) {
        pen_log_write(service->log, PEN_LOG_ERROR, "server",
                      "settings are not reread, the old ones stay: %s: %s", err.where, err.message);
    } else {
        if (!cli->is_quiet && !cli->is_verbose)
            pen_log_set_level(service->log, (enum pen_log_level)settings.server_log_level);
        pen_job_workers_configure(service->workers,
                                  settings.threads > 0 ? (unsigned)settings.threads : 0,
                                  (uint64_t)settings.memory_bytes);
        pen_scheduler_set_missed_runs(service->scheduler,
                                      (enum pen_missed_runs)settings.missed_runs);
        pen_log_write(service->log, PEN_LOG_INFO, "server",
                      "settings are reread; server_listen, server_workers, server_tls_* and "
                      "server_behind_proxy need a restart");
    }
    pen_sd_notify("READY=1");
}

static void run_until_told(struct service *service)
{
    const struct timespec pause = {0, 50 * 1000 * 1000};
    int64_t watchdog_us = pen_sd_watchdog_us(), next_us = 0;
    while (pen_cli_cancel == 0) {
        if (is_reload_asked) {
            is_reload_asked = 0;
            reload(service);
        }
        int64_t now_us = pen_monotonic_us();
        if (watchdog_us > 0 && now_us >= next_us) {
            pen_sd_notify("WATCHDOG=1");
            next_us = now_us + watchdog_us;
        }
        (void)nanosleep(&pause, NULL); /* a signal only makes it shorter */
    }
}

/* Jobs first, while their state can still be asked for; then the requests. */
static void stop(struct service *service)
{
    service->is_stopping = 1;
    pen_sd_notify("STOPPING=1");
    pen_scheduler_stop(service->scheduler);
    unsigned running = pen_job_workers_running(service->workers);
    pen_log_write(service->log, PEN_LOG_INFO, "server",
                  "stopping: %u running jobs have %" PRId64 " s to end, then they go back to the "
                  "queue",
                  running, service->cli->settings.server_drain_seconds);
    pen_job_workers_stop(service->workers, service->cli->settings.server_drain_seconds * 1000);
    bool is_done = pen_http_server_drain(service->http, HTTP_DRAIN_MS);
    service->is_http_over = 1;
    pen_log_write(service->log, is_done ? PEN_LOG_INFO : PEN_LOG_WARN, "server",
                  is_done ? "stopped" : "stopped; some requests were broken off");
}

static enum pen_code print_routes(struct pen_cli *cli, struct pen_error *err)
{
    for (const struct pen_api_route *const *group = pen_api_route_groups; *group != NULL; group++)
        for (const struct pen_api_route *route = *group; route->method != NULL; route++)
            PEN_TRY(pen_output_addf(&cli->out, err, "%s\t%s\t%s\t%s\n", route->method,
                                    route->pattern, pen_api_role_name(route->role),
                                    route->summary));
    return PEN_OK;
}

static enum pen_code run_server(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    if (pen_args_has(args, "routes"))
        return print_routes(cli, err);
    PEN_CLEANUP(service_release)
    struct service service = {.cli = cli,
                              .lock = {.fd = -1},
                              .certificate = PEN_BUF(TEXT_MAX),
                              .certificate_key = PEN_BUF(TEXT_MAX)};
    PEN_TRY(pen_cli_open_home(cli, true, err));
    PEN_TRY(read_words(&service, args, err));
    PEN_TRY(open_log(&service, err));
    PEN_TRY(start(&service, err));
    pen_cli_warn(cli);
    run_until_told(&service);
    stop(&service);
    return PEN_OK;
}

static const struct pen_flag server_flags[] = {
    {"listen", 'l', "HOST:PORT", false, "where to listen (default 127.0.0.1:8765)"},
    {"workers", 0, "N", false, "jobs at once (default 2)"},
    {"memory", 0, "BYTES", false, "memory of all queries together (default: setting memory each)"},
    {"routes", 0, NULL, false, "print the calls of the HTTP API and end"},
    {NULL, 0, NULL, false, NULL},
};
static const char *const server_examples[] = {"server",
                                              "server --listen 127.0.0.1:9000 --workers 4", NULL};

const struct pen_command pen_commands_server[] = {
    {.name = "server",
     .arguments = "",
     .description = "Run jobs and serve the HTTP API until SIGTERM\n"
                    "While it runs, connector:issue hands its jobs to it.",
     .examples = server_examples,
     .flags = server_flags,
     .run = run_server},
    {.name = NULL},
};
