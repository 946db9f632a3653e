#include "cli/cli.h"

#include <stdlib.h>
#include <sys/prctl.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

/* Configurations hold keys, and a core dump holds all of memory: so none is written, and other
 * processes of the same user may not look in. PENSTOCK_CORE_DUMPS=1 is for debugging. */
static void hide_memory(void)
{
#ifndef IS_SANITIZED /* LeakSanitizer looks in from a process of its own */
    if (getenv("PENSTOCK_CORE_DUMPS") == NULL)
        (void)prctl(PR_SET_DUMPABLE, 0); /* fails only for values that do not exist */
#endif
}

int main(int argc, char **argv)
{
    hide_memory();
    return pen_cli_main(argc, argv);
}
