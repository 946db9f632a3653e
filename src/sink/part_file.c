/* part_file.c - the life of a part's file on disk: made under its final name, synced or removed. */
#include "base/uuid.h"
#include "sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void pen_part_name(char *out)
{
    pen_uuid_v7(out);
    memcpy(out + PEN_UUID_TEXT - 1, ".parquet", sizeof ".parquet");
}

static enum pen_code fail_file(const char *path, const char *what, struct pen_error *err)
{
    int sys_errno = errno;
    enum pen_code code = sys_errno == EACCES || sys_errno == EROFS ? PEN_ERR_AUTH : PEN_ERR_IO;
    code = pen_fail_errno(err, code, sys_errno, "%s", what);
    pen_error_where(err, "%s", path);
    return code;
}

/* Syncs a folder, so that a name made in it survives a power cut. */
static enum pen_code sync_path(const char *path, int flags, struct pen_error *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return fail_file(path, "cannot be opened to sync it", err);
    enum pen_code code = fsync(fd) == 0 ? PEN_OK : fail_file(path, "cannot be synced", err);
    (void)close(fd); /* everything is on disk, or the error is known */
    return code;
}

/* Makes one folder when it is missing, and syncs its name into its parent. in: no slash at the end
 */
static enum pen_code make_one_folder(char *path, struct pen_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0)
        return PEN_OK;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail_file(path, "folder cannot be made", err);
    char *slash = strrchr(path, '/');
    if (slash == path)
        return sync_path("/", O_RDONLY | O_DIRECTORY, err);
    *slash = '\0';
    enum pen_code code = sync_path(path, O_RDONLY | O_DIRECTORY, err);
    *slash = '/';
    return code;
}

/* Makes the folder and its parents. */
static enum pen_code make_folders(const char *folder, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *path = strdup(folder);
    if (path == NULL)
        return pen_fail_nomem(err);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        PEN_TRY(make_one_folder(path, err));
        *slash = '/';
    }
    return pen_slice_ends(pen_slice_str(path), PEN_LIT("/")) ? PEN_OK : make_one_folder(path, err);
}

/* The file exists before its writer opens it, so that nobody else may read it. */
static enum pen_code make_file(const char *path, struct pen_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_file(path, "part cannot be made", err);
    (void)close(fd); /* nothing was written */
    return PEN_OK;
}

enum pen_code pen_part_begin_file(const char *folder, const char *file_name,
                                  struct pen_buf *ret_path, struct pen_error *err)
{
    PEN_TRY(make_folders(folder, err));
    bool has_slash = pen_slice_ends(pen_slice_str(folder), PEN_LIT("/"));
    PEN_TRY(pen_buf_addf(ret_path, err, "%s%s%s", folder, has_slash ? "" : "/", file_name));
    return make_file(ret_path->ptr, err);
}

enum pen_code pen_part_end_file(const char *folder, const char *path, enum pen_code code,
                                size_t count_before, struct pen_parts *parts, struct pen_error *err)
{
    if (code == PEN_OK && parts->count > count_before)
        code = sync_path(path, O_RDONLY, err);
    if (code == PEN_OK && parts->count > count_before)
        code = sync_path(folder, O_RDONLY | O_DIRECTORY, err);
    if (code != PEN_OK)
        parts->count = count_before;
    if (parts->count == count_before && unlink(path) != 0 && errno != ENOENT && code == PEN_OK)
        code = fail_file(path, "empty part cannot be removed", err);
    return code;
}
