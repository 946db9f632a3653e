/* space.c - what compaction, gc and check share. */
#include "run/space.h"

#include "base/buf.h"
#include "base/uuid.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum pen_code pen_space_temp(const char *home, const char *temp_dir, struct pen_buf *into,
                             struct pen_error *err)
{
    char uuid[PEN_UUID_TEXT];
    pen_uuid_v7(uuid);
    PEN_TRY(pen_buf_addf(into, err, "%s%s", temp_dir == NULL ? home : temp_dir,
                         temp_dir == NULL ? "/tmp" : ""));
    if (mkdir(into->ptr, 0700) != 0 && errno != EEXIST)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot create '%s'", into->ptr);
    return pen_buf_addf(into, err, "/%s", uuid);
}

void pen_space_temp_remove(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (entries == NULL) {
        if (folder >= 0)
            (void)close(folder); /* only read */
        return;                  /* nothing was spilled */
    }
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(entries), entry->d_name, 0); /* what stays, gc removes */
    (void)closedir(entries);
    (void)rmdir(path); /* as above */
}
