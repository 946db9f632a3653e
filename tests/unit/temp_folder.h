/* temp_folder.h - a folder of its own for a test program, removed with all it holds at the end. */
#ifndef PEN_TESTS_TEMP_FOLDER_H
#define PEN_TESTS_TEMP_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char temp_folder[32];

static inline int temp_folder_make(void **state)
{
    (void)state;
    memcpy(temp_folder, "/tmp/pen_test_XXXXXX", sizeof "/tmp/pen_test_XXXXXX");
    return mkdtemp(temp_folder) == NULL;
}

static inline int temp_folder_remove_one(const char *path, const struct stat *info, int kind,
                                         struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static inline int temp_folder_remove(void **state)
{
    (void)state;
    return nftw(temp_folder, temp_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* temp_path - "<folder>/<name>"; valid until the fourth next call. */
static inline const char *temp_path(const char *name)
{
    static char paths[4][256];
    static unsigned at;
    at = (at + 1) % 4;
    (void)snprintf(paths[at], sizeof paths[at], "%s/%s", temp_folder, name);
    return paths[at];
}

#endif
