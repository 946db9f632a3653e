/* mail.h - one mail to an SMTP server.
 *
 *     headers, text --MIME, base64--> SMTP (TLS as asked) --> server
 *
 * thread: any; blocks until the server has taken the mail or refused it. Nothing is retried here.
 */
#ifndef PEN_NET_MAIL_H
#define PEN_NET_MAIL_H

#include "base/error.h"

struct pen_mail_server {
    const char *url;   /* "smtp://host:587" (STARTTLS where offered), "smtps://host:465" */
    bool must_encrypt; /* refuse a server that does not offer TLS */
    const char *user, *password; /* NULL: no login */
    const char *ca_bundle;       /* PEM file; NULL: the system's */
};

struct pen_mail {
    const char *from;      /* address, or "Name <address>" */
    const char *const *to; /* addresses, NULL-terminated */
    const char *subject;   /* UTF-8; one line */
    const char *text;      /* UTF-8 */
};

/* pen_mail_check_address - errors: PEN_ERR_CONFIG when it is no address or has a line end in it. */
PEN_MUST_USE enum pen_code pen_mail_check_address(const char *address, struct pen_error *err);

/* pen_mail_send - errors: PEN_ERR_CONFIG bad address or URL; PEN_ERR_AUTH login refused; PEN_ERR_IO
 * (retryable) no connection, 4xx; not retryable: 5xx. cost: at most 60 s. */
PEN_MUST_USE enum pen_code pen_mail_send(const struct pen_mail_server *server,
                                         const struct pen_mail *mail, struct pen_error *err);

#endif
