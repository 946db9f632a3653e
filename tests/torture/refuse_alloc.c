#include "refuse_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_bool is_counting, has_fired, is_lasting_now;
static atomic_ulong counted, refuse_at;
static int report_fd = -1;

static void report(const char *word, unsigned long n)
{
    char line[64];
    int len = snprintf(line, sizeof line, "%s %lu\n", word, n);
    if (report_fd >= 0 && len > 0)
        (void)!write(report_fd, line, (size_t)len); /* the reader misses it and says so */
}

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("PEN_ALLOC_AT"), *to = getenv("PEN_ALLOC_REPORT");
    if (to != NULL)
        report_fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (at != NULL)
        refuse_alloc_from(strtoul(at, NULL, 10), getenv("PEN_ALLOC_LASTING") != NULL);
}

__attribute__((destructor)) static void end(void)
{
    report("counted", refuse_alloc_stop());
}

void refuse_alloc_from(unsigned long n, bool is_lasting)
{
    atomic_store(&counted, 0);
    atomic_store(&has_fired, false);
    atomic_store(&refuse_at, n);
    atomic_store(&is_lasting_now, is_lasting);
    atomic_store(&is_counting, true);
}

unsigned long refuse_alloc_stop(void)
{
    atomic_store(&is_counting, false);
    return atomic_load(&counted);
}

bool refuse_alloc_fired(void)
{
    return atomic_load(&has_fired);
}

/* A place for a breakpoint: `break refused if n == 361` in gdb shows who asks. */
__attribute__((noinline)) static void refused(unsigned long n)
{
    if (!atomic_exchange(&has_fired, true))
        report("fired", n);
    errno = ENOMEM;
}

bool refuse_alloc_take(void)
{
    if (!atomic_load(&is_counting))
        return false;
    unsigned long n = atomic_fetch_add(&counted, 1) + 1, at = atomic_load(&refuse_at);
    bool is_refused = at != 0 && (n == at || (n > at && atomic_load(&is_lasting_now)));
    if (is_refused)
        refused(n);
    return is_refused;
}

/* --- the wrapped functions -------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
int __real_vasprintf(char **ret_text, const char *format, va_list args);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
int __wrap_vasprintf(char **ret_text, const char *format, va_list args);
int __wrap_asprintf(char **ret_text, const char *format, ...);

void *__wrap_malloc(size_t size)
{
    return refuse_alloc_take() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse_alloc_take() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refuse_alloc_take() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refuse_alloc_take() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return refuse_alloc_take() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t most)
{
    return refuse_alloc_take() ? NULL : __real_strndup(text, most);
}

int __wrap_vasprintf(char **ret_text, const char *format, va_list args)
{
    return refuse_alloc_take() ? -1 : __real_vasprintf(ret_text, format, args);
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int done = __wrap_vasprintf(ret_text, format, args);
    va_end(args);
    return done;
}
