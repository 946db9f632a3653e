/* aws_config.h - the shared files ~/.aws/credentials and ~/.aws/config, and what is resolved from
 * environment and profile: region and service endpoints.
 *
 *     two INI files --read--> profiles of key = value --lookups--> texts
 *
 * A key in the credentials file wins over the same key in the config file. thread: immutable once
 * read; any number of threads.
 * source: "Shared config and credentials files", "Service-specific endpoints" of the AWS SDKs and
 * Tools reference guide. */
#ifndef PEN_AWS_AWS_CONFIG_H
#define PEN_AWS_AWS_CONFIG_H

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"

struct pen_aws_files;

/* pen_aws_files_read - reads both files; a default file that does not exist is empty.
 * in:     credentials_path: an explicit credentials file, read alone (it must exist); NULL: the
 *         files of AWS_SHARED_CREDENTIALS_FILE, else AWS_CREDENTIAL_PROFILES_FILE, else
 *         ~/.aws/credentials, and of AWS_CONFIG_FILE, else ~/.aws/config. A leading ~/ is HOME.
 * errors: PEN_ERR_NOT_FOUND an explicitly named file does not exist; PEN_ERR_AUTH unreadable;
 *         PEN_ERR_CONFIG a line that is neither section, key = value nor comment (where file:line);
 *         PEN_ERR_TOO_LARGE over 1 MiB. */
PEN_MUST_USE enum pen_code pen_aws_files_read(const char *credentials_path,
                                              struct pen_aws_files **ret_files,
                                              struct pen_error *err);
void pen_aws_files_free(struct pen_aws_files *files);
PEN_DEFINE_FREE_P(struct pen_aws_files *, pen_aws_files_free)

/* pen_aws_files_has - whether a profile of that name is in one of the files. */
bool pen_aws_files_has(const struct pen_aws_files *files, const char *profile);

/* pen_aws_files_get - the value of a profile's key; NULL when absent. Valid while `files` lives. */
const char *pen_aws_files_get(const struct pen_aws_files *files, const char *profile,
                              const char *key);

/* pen_aws_files_service - the value of `key` under `service` in the profile's [services] section;
 * NULL when absent. */
const char *pen_aws_files_service(const struct pen_aws_files *files, const char *profile,
                                  const char *service, const char *key);

/* pen_aws_files_paths - which files were looked at, for messages: "a and b". */
const char *pen_aws_files_paths(const struct pen_aws_files *files);

/* pen_aws_profile_name - `option`, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default"; an
 * empty text counts as not set. */
const char *pen_aws_profile_name(const char *option);

/* pen_aws_env - the value of an environment variable; NULL when it is not set or empty. */
const char *pen_aws_env(const char *name);

/* pen_aws_region - `option`, else AWS_REGION, else AWS_DEFAULT_REGION, else the profile's region,
 * else NULL. in: files may be NULL. The text is borrowed from where it was found. */
const char *pen_aws_region(const char *option, const struct pen_aws_files *files,
                           const char *profile);

/* pen_aws_endpoint - the configured endpoint of a service ("s3", "sts"):
 * AWS_ENDPOINT_URL_<SERVICE>, else AWS_ENDPOINT_URL, else the profile's services section, else its
 * endpoint_url; NULL when none is set or AWS_IGNORE_CONFIGURED_ENDPOINT_URLS (or the profile's
 * ignore_configured_endpoint_urls) is true. in: files may be NULL. */
const char *pen_aws_endpoint(const char *service, const struct pen_aws_files *files,
                             const char *profile);

#endif
