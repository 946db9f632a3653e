#include "run/archive.h"

#include "decode/zip.h"

#include <stdlib.h>

/* Bytes read and thrown away rather than asking for what is behind them. */
#define SKIP_BYTES   ((uint64_t)1 << 20)

#define STREAM_BYTES ((size_t)256 << 10) /* a read of the stream, which is ahead of us */
#define RANGE_BYTES  ((size_t)4 << 20)   /* a ranged read: a request of its own */

struct pen_archive {
    const struct pen_archive_options *options;
    struct pen_reader *reader;
    struct pen_decode *zip;
    struct pen_zip_directory directory;
    size_t next, given;
    bool is_open;
    uint64_t stream_at; /* bytes of the object that the reader's stream has given */
    /* the entry being read: */
    struct pen_zip_body body;
    bool is_streamed, is_cut;   /* is_cut: the entry goes on behind data_end, out of the sample */
    uint64_t data_at, data_end; /* stored bytes that were not fetched yet */
    char *buffer;
    size_t buffer_cap;
    struct pen_slice in;
};

struct entry_reader {
    struct pen_reader reader; /* first member */
    struct pen_archive *archive;
    bool has_ended;
};

enum pen_code pen_archive_new(const struct pen_archive_options *options, struct pen_reader *reader,
                              struct pen_archive **ret_archive, struct pen_error *err)
{
    PEN_CLEANUP(pen_archive_free_p) struct pen_archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) {
        pen_reader_close(reader);
        return pen_fail_nomem(err);
    }
    archive->options = options;
    archive->reader = reader;
    PEN_TRY(pen_decode_new(options->spec->type, options->spec->config, options->bind, &archive->zip,
                           err));
    *ret_archive = PEN_TAKE(archive);
    return PEN_OK;
}

void pen_archive_free(struct pen_archive *archive)
{
    if (archive == NULL)
        return;
    pen_reader_close(archive->reader);
    pen_decode_free(archive->zip);
    pen_zip_directory_release(&archive->directory);
    free(archive->buffer);
    free(archive);
}

/* --- stored bytes ----------------------------------------------------------------------------- */

static void count_stored(struct pen_archive *archive, size_t len)
{
    if (archive->options->stored_bytes != NULL)
        atomic_fetch_add_explicit(archive->options->stored_bytes, len, memory_order_relaxed);
}

static enum pen_code read_at(void *context, uint64_t offset, void *buf, size_t len,
                             struct pen_error *err)
{
    struct pen_archive *archive = context;
    return archive->reader->read_at(archive->reader, offset, buf, len, err);
}

static enum pen_code need_buffer(struct pen_archive *archive, size_t cap, struct pen_error *err)
{
    if (archive->buffer_cap >= cap)
        return PEN_OK;
    free(archive->buffer);
    archive->buffer_cap = 0;
    archive->buffer = malloc(cap);
    if (archive->buffer == NULL)
        return pen_fail_nomem(err);
    archive->buffer_cap = cap;
    return PEN_OK;
}

static enum pen_code read_stream(struct pen_archive *archive, void *buf, size_t cap,
                                 size_t *ret_len, struct pen_error *err)
{
    PEN_TRY(archive->reader->read(archive->reader, buf, cap, ret_len, err));
    archive->stream_at += *ret_len;
    count_stored(archive, *ret_len);
    return PEN_OK;
}

static enum pen_code fail_short(uint64_t at, struct pen_error *err)
{
    return pen_zip_fail(at, err, "truncated: the object ends inside the archive");
}

/* The stream forward to `offset`. */
static enum pen_code skip_to(struct pen_archive *archive, uint64_t offset, struct pen_error *err)
{
    PEN_TRY(need_buffer(archive, STREAM_BYTES, err));
    while (archive->stream_at < offset) {
        uint64_t gap = offset - archive->stream_at;
        size_t len = 0, cap = gap < STREAM_BYTES ? (size_t)gap : STREAM_BYTES;
        PEN_TRY(read_stream(archive, archive->buffer, cap, &len, err));
        if (len == 0)
            return fail_short(archive->stream_at, err);
    }
    return PEN_OK;
}

/* `len` bytes of the current entry that are not fetched yet, wherever they come from. */
static enum pen_code fetch(struct pen_archive *archive, void *buf, size_t len,
                           struct pen_error *err)
{
    uint64_t at = archive->data_at;
    archive->data_at += len;
    if (!archive->is_streamed) {
        count_stored(archive, len);
        return read_at(archive, at, buf, len, err);
    }
    for (size_t done = 0; done < len;) {
        size_t got = 0;
        PEN_TRY(read_stream(archive, (char *)buf + done, len - done, &got, err));
        if (got == 0)
            return fail_short(archive->stream_at, err);
        done += got;
    }
    return PEN_OK;
}

static enum pen_code refill(struct pen_archive *archive, struct pen_error *err)
{
    size_t most = archive->is_streamed ? STREAM_BYTES : RANGE_BYTES;
    uint64_t left = archive->data_end - archive->data_at;
    size_t len = left < most ? (size_t)left : most;
    PEN_TRY(need_buffer(archive, len < STREAM_BYTES ? STREAM_BYTES : len, err));
    if (len > 0)
        PEN_TRY(fetch(archive, archive->buffer, len, err));
    archive->in = pen_slice(archive->buffer, len);
    return PEN_OK;
}

/* --- entries ---------------------------------------------------------------------------------- */

static enum pen_code entry_read(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                                struct pen_error *err)
{
    struct entry_reader *entry = (struct entry_reader *)(void *)reader; /* first member */
    struct pen_archive *archive = entry->archive;
    struct pen_out out = {.ptr = buf, .room = cap};
    while (out.room == cap && !entry->has_ended) {
        if (archive->in.len == 0)
            PEN_TRY(refill(archive, err));
        bool is_eof = archive->data_at == archive->data_end;
        if (is_eof && archive->is_cut && archive->in.len == 0)
            break;
        is_eof = is_eof && !archive->is_cut;
        enum pen_flow flow;
        PEN_TRY(pen_zip_body_step(&archive->body, &archive->in, is_eof, &out, &flow, err));
        entry->has_ended = flow == PEN_FLOW_END;
    }
    *ret_len = cap - out.room;
    return PEN_OK;
}

static enum pen_code entry_read_at(struct pen_reader *reader, uint64_t offset, void *buf,
                                   size_t len, struct pen_error *err)
{
    (void)reader, (void)offset, (void)buf, (void)len;
    return pen_fail(err, PEN_ERR_INTERNAL, "an entry of an archive is read in order");
}

static void entry_close(struct pen_reader *reader)
{
    free(reader); /* first member */
}

/* Reads the local header, and finds out where the data are. */
static enum pen_code begin_entry(struct pen_archive *archive, const struct pen_zip_entry *entry,
                                 struct pen_error *err)
{
    uint8_t header[PEN_ZIP_LOCAL_BYTES];
    uint64_t skip = 0;
    archive->is_streamed =
        entry->offset >= archive->stream_at && entry->offset - archive->stream_at <= SKIP_BYTES;
    archive->in = pen_slice(archive->buffer, 0);
    archive->data_at = entry->offset;
    if (archive->is_streamed)
        PEN_TRY(skip_to(archive, entry->offset, err));
    PEN_TRY(fetch(archive, header, sizeof header, err));
    PEN_TRY(pen_zip_local_check(entry, header, &skip, err));
    archive->data_at = entry->offset + skip;
    archive->data_end = archive->data_at + entry->stored_bytes;
    if (archive->data_end > archive->directory.offset)
        return pen_zip_fail(entry->offset, err, "the entry reaches into the directory");
    uint64_t sample = archive->options->sample_bytes;
    archive->is_cut = sample > 0 && sample < entry->stored_bytes;
    if (archive->is_cut)
        archive->data_end = archive->data_at + sample;
    if (archive->is_streamed)
        PEN_TRY(skip_to(archive, archive->data_at, err));
    pen_zip_body_init(&archive->body, entry, archive->data_at);
    return PEN_OK;
}

/* What is behind the entries: so the object's length and digest are checked, if it was read whole.
 */
static enum pen_code end_stream(struct pen_archive *archive, struct pen_error *err)
{
    uint64_t size = archive->options->size_bytes;
    if (archive->stream_at == 0 || size - archive->stream_at > SKIP_BYTES)
        return PEN_OK;
    PEN_TRY(need_buffer(archive, STREAM_BYTES, err));
    for (size_t len = 1; len > 0;)
        PEN_TRY(read_stream(archive, archive->buffer, STREAM_BYTES, &len, err));
    return PEN_OK;
}

static enum pen_code open_directory(struct pen_archive *archive, struct pen_error *err)
{
    struct pen_zip_file file = {
        .read_at = read_at, .context = archive, .size_bytes = archive->options->size_bytes};
    PEN_TRY(
        pen_zip_directory_read(&file, pen_zip_max_entries(archive->zip), &archive->directory, err));
    archive->is_open = true;
    return PEN_OK;
}

static enum pen_code end_archive(struct pen_archive *archive, struct pen_error *err)
{
    const char *match_name = pen_zip_match_name(archive->zip);
    if (archive->given == 0 && match_name != NULL) {
        (void)pen_fail(err, PEN_ERR_NOT_FOUND,
                       "zip: match_name '%.100s' matches none of the archive's %zu entries",
                       match_name, archive->directory.count);
        pen_error_hint(err, "it must match the whole name, folders included: '.*\\.csv'");
        return PEN_ERR_NOT_FOUND;
    }
    return end_stream(archive, err);
}

enum pen_code pen_archive_next(struct pen_archive *archive, struct pen_reader **ret_reader,
                               const char **ret_name, struct pen_error *err)
{
    *ret_reader = NULL;
    if (archive->options->sample_bytes > 0 && archive->given > 0)
        return PEN_OK;
    if (!archive->is_open)
        PEN_TRY(open_directory(archive, err));
    while (archive->next < archive->directory.count) {
        const struct pen_zip_entry *entry = &archive->directory.entries[archive->next++];
        bool is_wanted = false;
        PEN_TRY(pen_zip_wants(archive->zip, entry, &is_wanted, err));
        if (!is_wanted)
            continue;
        struct entry_reader *reader = calloc(1, sizeof *reader);
        if (reader == NULL)
            return pen_fail_nomem(err);
        *reader = (struct entry_reader){
            .reader = {.read = entry_read, .read_at = entry_read_at, .close = entry_close},
            .archive = archive};
        PEN_CLEANUP(pen_reader_close_p) struct pen_reader *made = &reader->reader;
        *ret_name = entry->name;
        PEN_TRY(begin_entry(archive, entry, err));
        archive->given++;
        *ret_reader = PEN_TAKE(made);
        return PEN_OK;
    }
    return end_archive(archive, err);
}
