/* settings.h - <home> and what <home>/penstock.yml says; all of it optional. */
#ifndef PEN_CONF_SETTINGS_H
#define PEN_CONF_SETTINGS_H

#include "conf/options.h"

struct pen_settings {
    int64_t threads;      /* for queries; 0: as many as cores */
    int64_t memory_bytes; /* for queries */
    char *temp_folder;    /* where queries may spill; NULL: <home>/tmp */
    int log_format;       /* enum pen_log_format */
    int log_level;        /* enum pen_log_level */
    int missed_runs;      /* enum pen_missed_runs (sched/sched.h) */
    /* the server */
    char *server_listen;
    int64_t server_workers, server_drain_seconds;
    char *server_tls_certificate, *server_tls_key; /* files; NULL: no TLS */
    bool server_behind_proxy;
    int server_log_level;                 /* enum pen_log_level */
    const struct pen_node *notifications; /* list of pen_notification_option_table, or NULL */
};

/* The option table of penstock.yml. */
extern const struct pen_option pen_settings_option_table[];

/* An entry of `notifications`: who is told of what, and how. */
struct pen_notification {
    const struct pen_node *on; /* list of events; NULL: all */
    int64_t rejects_above, late_after_s;
    const struct pen_node *mail, *webhook; /* of pen_mail_option_table, pen_webhook_option_table */
};
struct pen_mail_options {
    const struct pen_node *to; /* an address or a list of them */
    char *from, *server, *user, *password;
    bool encrypt;
};
struct pen_webhook_options {
    char *url, *secret;
};
extern const struct pen_option pen_notification_option_table[], pen_mail_option_table[],
    pen_webhook_option_table[];

/* pen_home_find - the folder as DESIGN section 3 says: option, PENSTOCK_HOME,
 * $XDG_DATA_HOME/penstock, ~/.local/share/penstock; made absolute, not created.
 * errors: PEN_ERR_CONFIG when there is nothing to go by. */
PEN_MUST_USE enum pen_code pen_home_find(const char *option, struct pen_arena *arena,
                                         const char **ret_home, struct pen_error *err);

/* pen_home_create - makes the folder (0700) and those above it (0755 less umask). */
PEN_MUST_USE enum pen_code pen_home_create(const char *home, struct pen_error *err);

/* pen_settings_read - the defaults when there is no penstock.yml. */
PEN_MUST_USE enum pen_code pen_settings_read(const char *home, struct pen_arena *arena,
                                             struct pen_warnings *warnings,
                                             struct pen_settings *ret_settings,
                                             struct pen_error *err);

#endif
