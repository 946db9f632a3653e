/* api_config.h - load configurations that come with a request. */
#ifndef PEN_API_API_CONFIG_H
#define PEN_API_API_CONFIG_H

#include "api/api.h"
#include "run/run.h"

/* pen_api_config - member `config` of a request's body, normalised, as the environment of a run.
 * in:     warnings may be NULL. out: *ret_env: home, config, bind, cancel.
 * errors: PEN_ERR_CONFIG when it is missing or wrong; PEN_ERR_AUTH when it names files of this
 *         machine (in.type file) and the caller is no admin. */
PEN_MUST_USE enum pen_code pen_api_config(struct pen_api_call *call, const struct pen_node *body,
                                          struct pen_warnings *warnings,
                                          struct pen_run_env *ret_env, struct pen_error *err);

/* pen_api_check_diff - what a normalised config diff may overlay: from anybody but an admin only a
 * position. A diff is laid over a configuration without its checks, and would get a source of
 * files past them.
 * errors: PEN_ERR_AUTH. */
PEN_MUST_USE enum pen_code pen_api_check_diff(const struct pen_api_call *call,
                                              const struct pen_node *diff, struct pen_error *err);

/* pen_api_upstream - the status for what a source answered: the request was understood, so it is
 * 422, and never a status of 500 or more, after which clients try again for minutes. Returns code.
 */
enum pen_code pen_api_upstream(struct pen_api_call *call, enum pen_code code);

#endif
