/* cred_profile.c - a profile of the shared files and the chain of profiles it may point to.
 *
 *     profile --role_arn + source_profile--> profile ... --keys, process, environment-->
 * credentials
 *
 * The files are read anew at each fetch: other programs renew them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred_internal.h"
#include "base/number.h"

#define CHAIN_MAX 10 /* profiles that may point to each other */

struct profile {
    struct pen_cred_place base;
    const struct pen_auth_env *env;
    char *file, *name; /* NULL: the usual ones */
};

/* One walk from profile to profile. */
struct walk {
    const struct pen_aws_files *files;
    const struct pen_auth_env *env;
    const char *seen[CHAIN_MAX];
    size_t seen_count;
};

static const char *get(const struct walk *walk, const char *profile, const char *key)
{
    return pen_aws_files_get(walk->files, profile, key);
}

static enum pen_code resolve(struct walk *walk, const char *name, struct pen_cred_place **ret,
                             struct pen_error *err);

static enum pen_code use_keys(const struct walk *walk, const char *name,
                              struct pen_cred_place **ret, struct pen_error *err)
{
    const char *id = get(walk, name, "aws_access_key_id");
    const char *secret = get(walk, name, "aws_secret_access_key");
    if (id == NULL || secret == NULL)
        return pen_fail(err, PEN_ERR_AUTH, "profile '%s' has no %s", name,
                        id == NULL ? "aws_access_key_id" : "aws_secret_access_key");
    char origin[160];
    (void)snprintf(origin, sizeof origin, "profile '%s' of %s", name,
                   pen_aws_files_paths(walk->files));
    return pen_cred_static_new(id, secret, get(walk, name, "aws_session_token"), origin, ret, err);
}

static bool has_keys(const struct walk *walk, const char *name)
{
    return get(walk, name, "aws_access_key_id") != NULL ||
           get(walk, name, "aws_secret_access_key") != NULL;
}

static enum pen_code use_credential_source(const struct walk *walk, const char *name,
                                           const char *source, struct pen_cred_place **ret,
                                           struct pen_error *err)
{
    if (strcmp(source, "Environment") == 0)
        return pen_cred_env_new(ret, err);
    if (strcmp(source, "Ec2InstanceMetadata") == 0)
        return pen_cred_instance_new(walk->env, 3, ret, err);
    if (strcmp(source, "EcsContainer") == 0)
        return pen_cred_container_new(walk->env, ret, err);
    return pen_fail(err, PEN_ERR_CONFIG,
                    "profile '%s': credential_source '%s' is none of Environment, "
                    "Ec2InstanceMetadata, EcsContainer",
                    name, source);
}

/* Whose credentials ask for the role. */
static enum pen_code find_source(struct walk *walk, const char *name, struct pen_cred_place **ret,
                                 struct pen_error *err)
{
    const char *profile = get(walk, name, "source_profile");
    const char *source = get(walk, name, "credential_source");
    if ((profile == NULL) == (source == NULL))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "profile '%s' has a role_arn and %s source_profile and credential_source",
                        name, profile == NULL ? "neither" : "both");
    if (source != NULL)
        return use_credential_source(walk, name, source, ret, err);
    if (strcmp(profile, name) == 0) /* its own keys ask for its role */
        return use_keys(walk, name, ret, err);
    if (!pen_aws_files_has(walk->files, profile))
        return pen_fail(err, PEN_ERR_CONFIG, "profile '%s': its source_profile '%s' does not exist",
                        name, profile);
    return resolve(walk, profile, ret, err);
}

static enum pen_code use_role(struct walk *walk, const char *name, struct pen_cred_place **ret,
                              struct pen_error *err)
{
    struct pen_cred_role role = {
        .arn = get(walk, name, "role_arn"),
        .session_name = get(walk, name, "role_session_name"),
        .external_id = get(walk, name, "external_id"),
        .token_file = get(walk, name, "web_identity_token_file"),
        .region = pen_aws_region(walk->env->region, walk->files, name),
        .endpoint = pen_aws_endpoint("sts", walk->files, name),
    };
    const char *duration = get(walk, name, "duration_seconds");
    if (duration != NULL && !pen_parse_long(pen_slice_str(duration), &role.duration_in_seconds))
        return pen_fail(err, PEN_ERR_CONFIG, "profile '%s': duration_seconds '%s' is no number",
                        name, duration);
    if (get(walk, name, "mfa_serial") != NULL)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "profile '%s' asks for a code of an MFA device (mfa_serial), which an "
                        "unattended program cannot give",
                        name);
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *source = NULL;
    if (role.token_file == NULL)
        PEN_TRY(find_source(walk, name, &source, err));
    return pen_cred_assume_role_new(&role, PEN_TAKE(source), walk->env, ret, err);
}

struct process {
    struct pen_cred_place base;
    const volatile int *cancel;
    char *command;
};

static enum pen_code process_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                   struct pen_error *err)
{
    const struct process *process = (struct process *)place;
    return pen_cred_process_run(process->command, process->cancel, ret, err);
}

static void process_free(struct pen_cred_place *place)
{
    free(((struct process *)place)->command);
    free(place);
}

static enum pen_code use_process(const struct walk *walk, const char *command,
                                 struct pen_cred_place **ret, struct pen_error *err)
{
    struct process *process = calloc(1, sizeof *process);
    if (process == NULL)
        return pen_fail_nomem(err);
    process->base = (struct pen_cred_place){process_fetch, process_free};
    process->cancel = walk->env->cancel;
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *place = &process->base;
    process->command = strdup(command);
    if (process->command == NULL)
        return pen_fail_nomem(err);
    *ret = PEN_TAKE(place);
    return PEN_OK;
}

static enum pen_code resolve(struct walk *walk, const char *name, struct pen_cred_place **ret,
                             struct pen_error *err)
{
    for (size_t i = 0; i < walk->seen_count; i++)
        if (strcmp(walk->seen[i], name) == 0)
            return pen_fail(err, PEN_ERR_CONFIG, "profile '%s': source_profile leads in a circle",
                            name);
    if (walk->seen_count == CHAIN_MAX)
        return pen_fail(err, PEN_ERR_CONFIG, "more than %d profiles point to each other",
                        CHAIN_MAX);
    walk->seen[walk->seen_count++] = name;
    bool is_later_keys = walk->seen_count > 1 && has_keys(walk, name);
    if (get(walk, name, "role_arn") != NULL && !is_later_keys)
        return use_role(walk, name, ret, err);
    if (has_keys(walk, name))
        return use_keys(walk, name, ret, err);
    const char *command = get(walk, name, "credential_process");
    if (command != NULL)
        return use_process(walk, command, ret, err);
    if (get(walk, name, "sso_session") != NULL || get(walk, name, "sso_start_url") != NULL)
        return pen_fail(err, PEN_ERR_AUTH,
                        "profile '%s' uses single sign-on, which is not supported; set "
                        "credential_process = aws configure export-credentials --profile %s",
                        name, name);
    return pen_fail(err, PEN_ERR_NOT_FOUND, "profile: '%s' in %s has no credentials", name,
                    pen_aws_files_paths(walk->files));
}

static enum pen_code profile_fetch(struct pen_cred_place *place, struct pen_credentials *ret,
                                   struct pen_error *err)
{
    const struct profile *profile = (struct profile *)place;
    PEN_CLEANUP(pen_aws_files_free_p) struct pen_aws_files *files = NULL;
    PEN_TRY(pen_aws_files_read(profile->file, &files, err));
    const char *name = pen_aws_profile_name(profile->name);
    bool is_named = strcmp(name, "default") != 0;
    if (!pen_aws_files_has(files, name))
        return pen_fail(err, is_named ? PEN_ERR_AUTH : PEN_ERR_NOT_FOUND,
                        "profile: '%s' is not in %s", name, pen_aws_files_paths(files));
    struct walk walk = {.files = files, .env = profile->env};
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *found = NULL;
    PEN_TRY(resolve(&walk, name, &found, err));
    return found->fetch(found, ret, err);
}

static void profile_free(struct pen_cred_place *place)
{
    struct profile *profile = (struct profile *)place;
    free(profile->file);
    free(profile->name);
    free(profile);
}

enum pen_code pen_cred_profile_new(const char *file, const char *name,
                                   const struct pen_auth_env *env,
                                   struct pen_cred_place **ret_place, struct pen_error *err)
{
    struct profile *profile = calloc(1, sizeof *profile);
    if (profile == NULL)
        return pen_fail_nomem(err);
    profile->base = (struct pen_cred_place){profile_fetch, profile_free};
    profile->env = env;
    PEN_CLEANUP(pen_cred_place_free_p) struct pen_cred_place *place = &profile->base;
    profile->file = file == NULL ? NULL : strdup(file);
    profile->name = name == NULL ? NULL : strdup(name);
    if ((file != NULL && profile->file == NULL) || (name != NULL && profile->name == NULL))
        return pen_fail_nomem(err);
    *ret_place = PEN_TAKE(place);
    return PEN_OK;
}
