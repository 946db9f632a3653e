#include "run/lake_walk.h"

#include "base/buf.h"
#include "base/civil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Databases, tables, and what other programs may put below them (partitions). */
#define DEEPEST 16

struct walk {
    struct pen_arena *arena;
    struct pen_walked_file *files;
    size_t count;
};

static enum pen_code walk_folder(struct walk *walk, const char *folder, int depth,
                                 struct pen_error *err);

static enum pen_code take_entry(struct walk *walk, int folder_fd, const char *folder,
                                const char *name, int depth, struct pen_error *err)
{
    struct stat info;
    if (fstatat(folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return PEN_OK; /* gone since it was listed */
    bool is_folder = S_ISDIR(info.st_mode);
    if (!is_folder && !S_ISREG(info.st_mode))
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&path, err, "%s%s%s", folder, name, is_folder ? "/" : ""));
    if (is_folder)
        return depth == DEEPEST ? PEN_OK : walk_folder(walk, path.ptr, depth + 1, err);
    PEN_TRY(pen_arena_grow(walk->arena, &walk->files, walk->count, sizeof *walk->files, err));
    struct pen_walked_file *file = &walk->files[walk->count++];
    *file = (struct pen_walked_file){
        .path = pen_arena_copy(walk->arena, pen_buf_slice(&path)),
        .bytes = (uint64_t)info.st_size,
        .modified_us = info.st_mtim.tv_sec * PEN_US_PER_SECOND + info.st_mtim.tv_nsec / 1000,
    };
    return file->path == NULL ? pen_fail_nomem(err) : PEN_OK;
}

static enum pen_code walk_folder(struct walk *walk, const char *folder, int depth,
                                 struct pen_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return PEN_OK;
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        int sys_errno = errno;
        if (fd >= 0)
            (void)close(fd); /* nothing was read */
        return pen_fail_errno(err, sys_errno == EACCES ? PEN_ERR_AUTH : PEN_ERR_IO, sys_errno,
                              "cannot list '%s'", folder);
    }
    enum pen_code code = PEN_OK;
    for (const struct dirent *entry = readdir(entries); entry != NULL && code == PEN_OK;
         entry = readdir(entries))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            code = take_entry(walk, dirfd(entries), folder, entry->d_name, depth, err);
    (void)closedir(entries);
    return code;
}

enum pen_code pen_lake_walk(const char *folder, struct pen_arena *arena,
                            struct pen_walked_file **ret_files, size_t *ret_count,
                            struct pen_error *err)
{
    struct walk walk = {.arena = arena};
    PEN_TRY(walk_folder(&walk, folder, 0, err));
    *ret_files = walk.files;
    *ret_count = walk.count;
    return PEN_OK;
}
