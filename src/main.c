#include "cli/cli.h"

#include <malloc.h>

/* The Parquet writer takes and gives back megabytes for every row group. Kept instead of returned
 * to the kernel each time, they need not be faulted in again: 4 % of a load's processor time. The
 * first is the largest that glibc takes. */
static void keep_freed_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20); /* only advice: without it the program is slower */
    (void)mallopt(M_TRIM_THRESHOLD, 128 << 20);
    (void)mallopt(M_TOP_PAD, 4 << 20);
}

int main(int argc, char **argv)
{
    keep_freed_memory();
    return pen_cli_main(argc, argv);
}
