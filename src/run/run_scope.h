/* run_scope.h - what guess, preview and issue set up alike: HTTP client and bound load. */
#ifndef PEN_RUN_RUN_SCOPE_H
#define PEN_RUN_RUN_SCOPE_H

#include "base/say.h"
#include "run/load.h"
#include "run/run.h"

struct pen_run_scope {
    struct pen_http_client *http;
    struct pen_load *load;
};

/* pen_run_scope_open - binds env->config, with the connection that it names; makes no request. */
PEN_MUST_USE enum pen_code pen_run_scope_open(const struct pen_run_env *env,
                                              const struct pen_load_options *options,
                                              struct pen_run_scope *ret_scope,
                                              struct pen_error *err);
void pen_run_scope_close(struct pen_run_scope *scope);

#endif
