/* cred_process.c - credential_process of a profile: a program that prints credentials.
 *
 *     command line --split, no shell--> argv --spawn--> standard output --JSON--> credentials
 *
 * source: "Process credential provider" of the AWS SDKs and Tools reference guide. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/cred_internal.h"
#include "base/civil.h"

#define OUTPUT_MAX_BYTES ((size_t)256 << 10)
#define TIME_LIMIT_US    (INT64_C(60) * PEN_US_PER_SECOND)
#define ARGUMENTS_MAX    64

/* Splits at white space; "..." and '...' group, a backslash takes the next character as it is
 * (inside '...' it is ordinary). Writes into `text`, which holds the command. */
static bool split(char *text, char **argv)
{
    size_t count = 0;
    char *out = text;
    for (char *in = text; *in != '\0';) {
        while (*in == ' ' || *in == '\t')
            in++;
        if (*in == '\0')
            break;
        if (count + 1 == ARGUMENTS_MAX)
            return false;
        argv[count++] = out;
        char quote = '\0';
        for (; *in != '\0' && (quote != '\0' || (*in != ' ' && *in != '\t')); in++) {
            if (quote == '\0' && (*in == '"' || *in == '\''))
                quote = *in;
            else if (*in == quote)
                quote = '\0';
            else if (*in == '\\' && quote != '\'' && in[1] != '\0')
                *out++ = *++in;
            else
                *out++ = *in;
        }
        if (quote != '\0')
            return false;
        in += *in != '\0'; /* before the end is written: it may be this very character */
        *out++ = '\0';
    }
    argv[count] = NULL;
    return count > 0;
}

/* The child starts as from a shell: our blocked and ignored signals are not its business. */
static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, ours;
    (void)sigemptyset(&none); /* these three cannot fail with these arguments */
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGPIPE);
    int code = posix_spawnattr_setsigmask(attributes, &none);
    if (code == 0)
        code = posix_spawnattr_setsigdefault(attributes, &ours);
    if (code == 0)
        code = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return code;
}

static int start_child(char **argv, int output_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (code == 0) {
        code = set_signals(&attributes);
        if (code == 0)
            code = posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
        if (code == 0)
            code =
                posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (code == 0)
            code = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes); /* only frees, like the next */
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

static enum pen_code spawn(char **argv, pid_t *ret_pid, int *ret_fd, struct pen_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "credential_process: no pipe");
    int code = start_child(argv, ends[1], ret_pid);
    (void)close(ends[1]); /* the child has its own copy */
    if (code != 0) {
        (void)close(ends[0]);
        return pen_fail_errno(err, PEN_ERR_AUTH, code, "credential_process: cannot start '%s'",
                              argv[0]);
    }
    *ret_fd = ends[0];
    return PEN_OK;
}

/* Reads until the end of output. A wait is at most 200 ms, so that cancelling works. */
static enum pen_code collect(int fd, const volatile int *cancel, struct pen_buf *into,
                             struct pen_error *err)
{
    int64_t deadline_us = pen_monotonic_us() + TIME_LIMIT_US;
    for (;;) {
        if (cancel != NULL && *cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "cancelled while waiting for credentials");
        if (pen_monotonic_us() > deadline_us)
            return pen_fail(err, PEN_ERR_AUTH, "credential_process: no answer within 60 seconds");
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, 200);
        if (ready < 0 && errno != EINTR)
            return pen_fail_errno(err, PEN_ERR_IO, errno, "credential_process: cannot wait");
        if (ready <= 0)
            continue;
        PEN_TRY(pen_buf_reserve(into, 4096, err));
        ssize_t n = read(fd, into->ptr + into->len, 4096);
        if (n == 0)
            return PEN_OK;
        if (n < 0 && errno != EINTR)
            return pen_fail_errno(err, PEN_ERR_IO, errno, "credential_process: cannot read");
        into->len += n > 0 ? (size_t)n : 0;
        into->ptr[into->len] = '\0';
    }
}

static enum pen_code finish(pid_t pid, bool is_killed, const char *program, struct pen_error *err)
{
    if (is_killed)
        (void)kill(pid, SIGKILL); /* our own child; it may be gone already */
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (is_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return PEN_OK;
    return pen_fail(err, PEN_ERR_AUTH, "credential_process: '%s' ended with %s %d", program,
                    WIFEXITED(status) ? "exit code" : "signal",
                    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

enum pen_code pen_cred_process_run(const char *command, const volatile int *cancel,
                                   struct pen_credentials *ret, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *text = strdup(command);
    if (text == NULL)
        return pen_fail_nomem(err);
    char *argv[ARGUMENTS_MAX];
    if (!split(text, argv))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "credential_process: the command cannot be split "
                        "into arguments");
    pid_t pid = 0;
    int fd = -1;
    PEN_TRY(spawn(argv, &pid, &fd, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf output = PEN_BUF(OUTPUT_MAX_BYTES);
    enum pen_code code = collect(fd, cancel, &output, err);
    (void)close(fd); /* read only */
    enum pen_code end = finish(pid, code != PEN_OK, argv[0], err);
    code = code != PEN_OK ? code : end;
    if (code == PEN_OK)
        code = pen_cred_read_json(pen_buf_slice(&output), "SessionToken", ret, err);
    if (output.ptr != NULL)
        explicit_bzero(output.ptr, output.len);
    PEN_TRY(code);
    pen_credentials_origin(ret, "credential_process '%s'", argv[0]);
    return PEN_OK;
}
