/* job_retry.c - a job whose session credentials ran out goes on with those that are written now.
 *
 *     ExpiredToken --wait--> configuration file read anew --> set-up, plan of before, tasks left
 *
 * source: spec/s3-import-guide.txt, "Credential Expiration"; spec/s3-input.md 8.2. */
#include "conf/load_config.h"
#include "run/job_run_internal.h"

#include <inttypes.h>
#include <time.h>

/* How often a job tries again; then it ends as error. */
#define CREDENTIAL_RETRIES 5

/* As the source's requests wait when these are not set. */
#define FIRST_WAIT_MS   2000
#define LONGEST_WAIT_MS 480000

static int64_t wait_option(const struct pen_job_run *run, const char *key, int64_t otherwise)
{
    const struct pen_node *in =
        run->env.config == NULL ? NULL : pen_node_get(run->env.config, "in");
    const struct pen_node *node = pen_node_get(in, key);
    bool is_set = node != NULL && node->kind == PEN_NODE_INT && node->integer >= 0;
    return is_set ? node->integer : otherwise;
}

static int64_t wait_ms(const struct pen_job_run *run, int retry)
{
    int64_t wait = wait_option(run, "initial_retry_interval_millis", FIRST_WAIT_MS);
    int64_t longest = wait_option(run, "maximum_retry_interval_millis", LONGEST_WAIT_MS);
    for (int i = 1; i < retry && wait < longest; i++)
        wait *= 2;
    return wait < longest || retry == 1 ? wait : longest;
}

static bool is_cancelled(struct pen_job_run *run)
{
    if (run->caller_cancel != NULL && *run->caller_cancel != 0)
        run->cancel = 1;
    return run->cancel != 0;
}

static void wait_for(struct pen_job_run *run, int64_t ms)
{
    const struct timespec tick = {.tv_nsec = 20000000};
    int64_t until_us = pen_monotonic_us() + ms * 1000;
    while (!is_cancelled(run) && pen_monotonic_us() < until_us)
        (void)nanosleep(&tick, NULL); /* a signal only makes the tick shorter */
}

/* Everything that was bound with the old credentials; what is in the metadata stays. */
static void drop_attempt(struct pen_job_run *run)
{
    pen_prefetch_free(run->prefetch);
    run->prefetch = NULL;
    pen_job_run_close_engine(run);
    pen_rejects_release(&run->rejects);
    pen_conform_free(run->conform);
    run->conform = NULL;
    pen_run_scope_close(&run->scope);
}

/* Only the same load: a file that became another one is for the next issue. */
static enum pen_code read_file(struct pen_job_run *run, struct pen_error *err)
{
    struct pen_node *config = NULL;
    bool is_same = false;
    if (run->words.config_file == NULL)
        return PEN_OK;
    PEN_TRY(pen_config_load(run->words.config_file, &run->arena, NULL, &config, err));
    PEN_TRY(pen_job_is_same_load(run->env.config, config, &run->arena, &is_same, err));
    if (!is_same)
        return pen_fail(err, PEN_ERR_CONFIG, "'%s' is another load by now", run->words.config_file);
    run->env.config = config;
    run->env.bind =
        (struct pen_bind){.file = run->words.config_file, .arena = &run->arena, .warnings = NULL};
    return PEN_OK;
}

bool pen_job_run_retry(struct pen_job_run *run, int retry, struct pen_error *failed)
{
    struct pen_error err = {0};
    if (!failed->is_expired || is_cancelled(run))
        return false;
    if (retry > CREDENTIAL_RETRIES) {
        PEN_SAY(&run->env, "warn", "credentials are still expired after %d retries",
                CREDENTIAL_RETRIES);
        return false;
    }
    int64_t ms = wait_ms(run, retry);
    PEN_SAY(&run->env, "warn",
            "credentials have expired, retrying %d/%d in %" PRId64 ".%" PRId64 " s with "
            "configuration and profile read anew: %s",
            retry, CREDENTIAL_RETRIES, ms / 1000, ms % 1000 / 100, failed->message);
    drop_attempt(run);
    wait_for(run, ms);
    if (is_cancelled(run)) {
        (void)pen_fail(failed, PEN_ERR_CANCELLED, "stopped");
        return false;
    }
    if (read_file(run, &err) != PEN_OK)
        PEN_SAY(&run->env, "warn", "the job goes on with the configuration it has: %s",
                err.message);
    return true;
}
