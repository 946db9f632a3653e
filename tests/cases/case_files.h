/* case_files.h - test cases that are folders: found by walking, read as files. */
#ifndef PEN_TESTS_CASE_FILES_H
#define PEN_TESTS_CASE_FILES_H

#include "../unit/unit.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"

/* case_read - the file of that name in the folder; false when there is none. */
static inline bool case_read(const char *folder, const char *name, struct pen_buf *into)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    struct pen_error err = {0};
    enum pen_code code = pen_buf_read_file(into, path, &err);
    if (code == PEN_ERR_NOT_FOUND)
        return false;
    if (code != PEN_OK)
        fail_msg("%s: %s", path, err.message);
    return true;
}

static inline int case_is_folder(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && entry->d_type == DT_DIR;
}

/* case_run_all - one subtest for each folder in `top`; each gets its folder's path as state. */
static inline int case_run_all(const char *top, CMUnitTestFunction run)
{
    struct dirent **entries = NULL;
    int count = scandir(top, &entries, case_is_folder, alphasort);
    if (count <= 0) {
        (void)fprintf(stderr, "no cases in '%s'\n", top);
        return 1;
    }
    struct CMUnitTest *tests = calloc((size_t)count, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", top, entries[i]->d_name);
        tests[i].name = entries[i]->d_name;
        tests[i].test_func = run;
        tests[i].initial_state = strdup(path);
    }
    int failed = _cmocka_run_group_tests(top, tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++) {
        free(tests[i].initial_state);
        free(entries[i]);
    }
    free(entries);
    free(tests);
    return failed;
}

#endif
