/* connection_use.h - what is in connections, and how configurations use them.
 *
 *     in: {connection: NAME, bucket: ...} --names in the metadata, unseal--> in: {access_key_id
 * ...}
 *
 * A configuration names a connection by `connection: NAME` or `td_authentication_id: N` (or NAME);
 * its own keys win over the connection's. The named one is looked up when a run starts, so that
 * changed credentials are used from the next run on. */
#ifndef PEN_RUN_CONNECTION_USE_H
#define PEN_RUN_CONNECTION_USE_H

#include "conf/options.h"
#include "meta/connection.h"
#include "vault/vault.h"

/* pen_connection_put - makes a connection, or with is_update gives an existing one new settings.
 * in:     settings: a map of credential options of the source (auth_method, access_key_id, ...,
 *         endpoint, region, http_proxy, bucket); bind: for places of errors. A secret that is "***"
 *         in an update stays what it was: that is how masked settings come back from a form.
 * errors: PEN_ERR_CONFIG an unknown key (with "did you mean"), a combination that auth_method does
 *         not allow; as pen_connection_create and pen_connection_get. No request is made. */
PEN_MUST_USE enum pen_code pen_connection_put(struct pen_db *db, const struct pen_vault *vault,
                                              const char *name, const struct pen_node *settings,
                                              bool is_update, const struct pen_bind *bind,
                                              struct pen_error *err);

/* pen_connection_apply - the configuration with its connection's settings in `in`; the same tree
 * when it names none.
 * in:     home: where the metadata are; NULL only for configurations without a connection.
 *         config: has `in`. out: *ret_config: nodes of `config` and of the arena.
 * errors: PEN_ERR_CONFIG no such connection, or both words at once; as vault.h. */
PEN_MUST_USE enum pen_code pen_connection_apply(const char *home, const struct pen_node *config,
                                                const struct pen_bind *bind,
                                                const struct pen_node **ret_config,
                                                struct pen_error *err);

/* What a connection is tried on. */
struct pen_connection_trial {
    const char *name;
    const char *bucket; /* NULL: the connection's own */
    const char *path_prefix;
};

/* pen_connection_trial_config - a configuration that pen_run_doctor can try. */
PEN_MUST_USE enum pen_code pen_connection_trial_config(const struct pen_connection_trial *trial,
                                                       const struct pen_bind *bind,
                                                       const struct pen_node **ret_config,
                                                       struct pen_error *err);

#endif
