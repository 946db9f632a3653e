/* source_file.c - objects are files of the local disk.
 *
 *     path_prefix --walk in byte order of the whole path--> files --rules of discover.h--> objects
 *
 * A path is a key: "data/in_" is the directory "data/" and names that begin with "in_", and below a
 * directory that matches everything matches, as with the prefix of a bucket. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "source/discover.h"
#include "source/file_reader.h"

#define NAMES_MAX_BYTES ((size_t)1 << 30)

struct file_state {
    struct pen_discover discover;
    bool follow_symlinks;
    int folder_fd; /* where relative paths begin; AT_FDCWD or a folder that is open */
};

static const struct pen_option file_options[] = {
    PEN_DISCOVER_OPTIONS(file_state),
    {.key = "follow_symlinks",
     .kind = PEN_OPTION_BOOL,
     .offset = offsetof(struct file_state, follow_symlinks),
     .default_text = "true",
     .help = "go into directories that are symbolic links"},
    {.key = "skip_glacier_objects", .kind = PEN_OPTION_IGNORED, .help = "only for s3"},
    {.key = NULL},
};

static enum pen_code file_open(struct pen_source *source, struct pen_error *err)
{
    static const char *const also[] = {"type", "parser", "decoders", NULL};
    struct file_state *state = source->state;
    const char *folder = source->env.folder;
    state->folder_fd = AT_FDCWD;
    if (folder != NULL) {
        state->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state->folder_fd < 0) {
            int code = errno;
            state->folder_fd = AT_FDCWD;
            return pen_fail_errno(err, PEN_ERR_NOT_FOUND, code, "cannot open directory '%s'",
                                  folder);
        }
    }
    PEN_TRY(
        pen_options_bind(file_options, source->config, "in", also, state, &source->env.bind, err));
    return pen_discover_open(&state->discover, source, "", err);
}

static void file_close(struct pen_source *source)
{
    struct file_state *state = source->state;
    pen_discover_close(&state->discover);
    if (state->folder_fd >= 0)
        (void)close(state->folder_fd); /* only read */
}

/* One directory entry that may matter. */
struct name {
    char *text;
    size_t len;
    bool is_directory;
};

struct names {
    struct pen_arena arena;
    struct name *items;
    size_t count, cap;
};

static void names_release(struct names *names)
{
    pen_arena_release(&names->arena);
    free(names->items);
}

/* The directories that the walk is inside of. */
struct above {
    const struct above *up;
    dev_t device;
    ino_t inode;
};

struct walk {
    struct pen_source *source;
    struct file_state *state;
    struct pen_buf path; /* of the directory, with "/" at its end; empty: the working directory */
};

static void walk_release(struct walk *walk)
{
    pen_buf_release(&walk->path);
}

static enum pen_code fail_path(const char *path, int code, const char *what, struct pen_error *err)
{
    enum pen_code kind = code == ENOENT || code == ENOTDIR ? PEN_ERR_NOT_FOUND
                         : code == EACCES || code == EPERM ? PEN_ERR_AUTH
                         : code == ELOOP                   ? PEN_ERR_CONFIG
                                                           : PEN_ERR_IO;
    (void)pen_fail_errno(err, kind, code, "%s '%s'", what, path); /* returned below */
    pen_error_where(err, "%s", path);
    return kind;
}

/* A directory sorts as its name and "/": that is how the paths below it compare with others. */
static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->text, y->text, n);
    if (order != 0)
        return order;
    unsigned next_x = x->len > n ? (unsigned char)x->text[n] : x->is_directory ? '/' : 0;
    unsigned next_y = y->len > n ? (unsigned char)y->text[n] : y->is_directory ? '/' : 0;
    return next_x < next_y ? -1 : next_x > next_y;
}

static enum pen_code add_name(struct names *names, struct pen_slice text, bool is_directory,
                              struct pen_error *err)
{
    if (names->count == names->cap) {
        size_t cap = names->cap == 0 ? 64 : names->cap * 2;
        struct name *grown = realloc(names->items, cap * sizeof *grown);
        if (grown == NULL)
            return pen_fail_nomem(err);
        names->items = grown;
        names->cap = cap;
    }
    char *copy = pen_arena_copy(&names->arena, text);
    if (copy == NULL)
        return pen_fail_nomem(err);
    names->items[names->count++] = (struct name){copy, text.len, is_directory};
    return PEN_OK;
}

/* The whole path of a name in the walk's directory; walk->path is longer until cut_path. */
static enum pen_code extend(struct walk *walk, struct pen_slice name, struct pen_error *err)
{
    return pen_buf_add_slice(&walk->path, name, err);
}

static void cut_path(struct walk *walk, size_t len)
{
    walk->path.len = len;
    if (walk->path.ptr != NULL)
        walk->path.ptr[len] = '\0';
}

static enum pen_code find_kind(struct walk *walk, const struct dirent *entry, bool *ret_directory,
                               struct pen_error *err)
{
    *ret_directory = entry->d_type == DT_DIR;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return PEN_OK;
    size_t len = walk->path.len;
    PEN_TRY(extend(walk, pen_slice_str(entry->d_name), err));
    struct stat info;
    if (fstatat(walk->state->folder_fd, walk->path.ptr, &info, 0) ==
        0) /* what fails here fails again when it is offered */
        *ret_directory = S_ISDIR(info.st_mode);
    cut_path(walk, len);
    return PEN_OK;
}

static enum pen_code read_names(struct walk *walk, struct pen_slice begin, struct names *names,
                                DIR *dir, struct pen_error *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return fail_path(walk->path.ptr, errno, "cannot read directory", err);
        if (entry == NULL)
            return PEN_OK;
        struct pen_slice name = pen_slice_str(entry->d_name);
        if (pen_slice_is(name, ".") || pen_slice_is(name, "..") || !pen_slice_starts(name, begin))
            continue;
        bool is_directory = false;
        PEN_TRY(find_kind(walk, entry, &is_directory, err));
        if (is_directory && entry->d_type == DT_LNK && !walk->state->follow_symlinks)
            continue;
        PEN_TRY(add_name(names, name, is_directory, err));
    }
}

static enum pen_code list_names(struct walk *walk, struct pen_slice begin, struct names *names,
                                struct stat *ret_info, struct pen_error *err)
{
    const char *path = walk->path.len == 0 ? "." : walk->path.ptr;
    int fd = openat(walk->state->folder_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        int failed = errno;
        if (fd >= 0)
            (void)close(fd);
        return fail_path(path, failed, "cannot open directory", err);
    }
    enum pen_code code = PEN_OK;
    if (fstat(dirfd(dir), ret_info) != 0)
        code = fail_path(path, errno, "cannot stat", err);
    if (code == PEN_OK)
        code = read_names(walk, begin, names, dir, err);
    (void)closedir(dir); /* opened for reading */
    if (code == PEN_OK && names->count > 1)
        qsort(names->items, names->count, sizeof names->items[0], compare_names);
    return code;
}

static enum pen_code offer_file(struct walk *walk, struct pen_error *err)
{
    static char no_version[1];
    const char *path = walk->path.ptr;
    struct stat info;
    int folder_fd = walk->state->folder_fd;
    if (fstatat(folder_fd, path, &info, 0) != 0) {
        int code = errno;
        if (code == ENOENT && fstatat(folder_fd, path, &info, AT_SYMLINK_NOFOLLOW) != 0)
            return PEN_OK; /* it was removed since the directory was read */
        return fail_path(path, code, code == ENOENT ? "dangling symbolic link" : "cannot stat",
                         err);
    }
    if (!S_ISREG(info.st_mode)) {
        char text[PATH_MAX + 64];
        (void)snprintf(text, sizeof text, "Skipped \"%s\" that is not a regular file.", path);
        if (walk->source->env.log != NULL)
            walk->source->env.log(walk->source->env.log_context, "warn", text);
        return PEN_OK;
    }
    char etag[PEN_FILE_ETAG_TEXT];
    pen_file_etag(&info, etag);
    struct pen_list_entry entry = {.object = {.key = walk->path.ptr,
                                              .etag = etag,
                                              .version_id = no_version,
                                              .size_bytes = (uint64_t)info.st_size,
                                              .modified_us = pen_file_modified_us(&info)}};
    struct pen_discover *discover = &walk->state->discover;
    return discover->mode == PEN_DISCOVER_PATH ? pen_discover_add(discover, &entry.object, err)
                                               : pen_discover_offer(discover, &entry, err);
}

/* Whether every path below a directory sorts at or before last_path. */
static bool is_passed(const struct walk *walk)
{
    const struct pen_discover *discover = &walk->state->discover;
    struct pen_slice last = pen_slice_str(discover->options.last_path);
    return discover->mode == PEN_DISCOVER_NAME && last.len > 0 &&
           pen_slice_compare(pen_buf_slice(&walk->path), last) < 0 &&
           !pen_slice_starts(last, pen_buf_slice(&walk->path));
}

static enum pen_code walk_directory(struct walk *walk, struct pen_slice begin,
                                    const struct above *up, struct pen_error *err);

static enum pen_code walk_name(struct walk *walk, const struct name *name, const struct above *here,
                               struct pen_error *err)
{
    const volatile int *cancel = walk->source->env.cancel;
    if (cancel != NULL && *cancel != 0)
        return pen_fail(err, PEN_ERR_CANCELLED, "cancelled while listing");
    PEN_TRY(extend(walk, pen_slice(name->text, name->len), err));
    if (!name->is_directory)
        return offer_file(walk, err);
    PEN_TRY(pen_buf_add_char(&walk->path, '/', err));
    return is_passed(walk) ? PEN_OK : walk_directory(walk, (struct pen_slice){NULL, 0}, here, err);
}

static enum pen_code walk_directory(struct walk *walk, struct pen_slice begin,
                                    const struct above *up, struct pen_error *err)
{
    PEN_CLEANUP(names_release) struct names names = {.arena = PEN_ARENA(NAMES_MAX_BYTES)};
    struct stat info = {0};
    PEN_TRY(list_names(walk, begin, &names, &info, err));
    struct above here = {up, info.st_dev, info.st_ino};
    for (; up != NULL; up = up->up)
        if (up->device == here.device && up->inode == here.inode)
            return fail_path(walk->path.ptr, ELOOP, "directory loops back to one above it", err);
    size_t len = walk->path.len;
    for (size_t i = 0; i < names.count && !walk->state->discover.is_full; i++) {
        PEN_TRY(walk_name(walk, &names.items[i], &here, err));
        cut_path(walk, len);
    }
    return PEN_OK;
}

static enum pen_code walk_prefix(struct walk *walk, const char *prefix, struct pen_error *err)
{
    const char *slash = strrchr(prefix, '/');
    size_t folder_len = slash == NULL ? 0 : (size_t)(slash - prefix) + 1;
    PEN_TRY(pen_buf_add(&walk->path, prefix, folder_len, err));
    return walk_directory(walk, pen_slice_str(prefix + folder_len), NULL, err);
}

static enum pen_code walk_path(struct walk *walk, const char *path, struct pen_error *err)
{
    struct stat info;
    if (fstatat(walk->state->folder_fd, path, &info, 0) != 0)
        return fail_path(path, errno, "cannot stat", err);
    if (!S_ISREG(info.st_mode)) {
        (void)pen_fail(err, PEN_ERR_CONFIG, "'%s' is %s", path, /* returned below */
                       S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
        pen_error_where(err, "%s", path);
        pen_error_hint(err, S_ISDIR(info.st_mode) ? "use path_prefix for all files below it" : "");
        return PEN_ERR_CONFIG;
    }
    PEN_TRY(pen_buf_add_str(&walk->path, path, err));
    return offer_file(walk, err);
}

static enum pen_code file_list(struct pen_source *source, pen_object_fn fn, void *context,
                               struct pen_error *err)
{
    struct file_state *state = source->state;
    PEN_CLEANUP(walk_release)
    struct walk walk = {.source = source, .state = state, .path = PEN_BUF(PATH_MAX - 1)};
    struct timespec now = {0};
    /* the clock that stamps files: a file written after this moment is never before it */
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now); /* always there on Linux */
    PEN_TRY(pen_discover_begin(&state->discover,
                               (int64_t)now.tv_sec * PEN_US_PER_SECOND + now.tv_nsec / 1000, fn,
                               context, err));
    PEN_TRY(state->discover.mode == PEN_DISCOVER_PATH
                ? walk_path(&walk, state->discover.options.path, err)
                : walk_prefix(&walk, state->discover.options.path_prefix, err));
    return pen_discover_end(&state->discover, err);
}

static enum pen_code file_next(struct pen_source *source, struct pen_arena *arena,
                               struct pen_node *into, struct pen_error *err)
{
    return pen_discover_next(&((struct file_state *)source->state)->discover, arena, into, err);
}

static enum pen_code file_read(struct pen_source *source, const struct pen_object *object,
                               uint64_t offset, struct pen_reader **ret_reader,
                               struct pen_error *err)
{
    const struct file_state *state = source->state;
    return pen_file_reader_new(object, offset, state->folder_fd, source->env.cancel, ret_reader,
                               err);
}

static enum pen_code file_place(struct pen_source *source, const struct pen_object *object,
                                struct pen_buf *into, struct pen_error *err)
{
    (void)source; /* a path says it all */
    return pen_buf_add_str(into, object->key, err);
}

const struct pen_source_type pen_source_file = {
    .info = {.name = "file",
             .summary = "files on this machine",
             .options = file_options,
             .state_size = sizeof(struct file_state)},
    .open = file_open,
    .list = file_list,
    .next = file_next,
    .read = file_read,
    .place = file_place,
    .close = file_close,
};
