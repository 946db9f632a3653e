/* parquet.h - parts written by ourselves: a task's batches, encoded on the core that parsed them.
 *
 *     task stream --next, per worker--> batch --> column chunks --row group full--> one file
 *
 * Twice as fast as the engine's writer (duck/), which remains for parts that are sorted or whose
 * values are cast to types of other programs. docs/internals/parquet.md says what is in the file.
 */
#ifndef PEN_PARQUET_PARQUET_H
#define PEN_PARQUET_PARQUET_H

#include "sink/sink.h"

/* A row group ends at the first batch that reaches either. Bytes: of values and pages; the memory
 * held for them may be twice as much. */
#define PEN_ROW_GROUP_ROWS  122880
#define PEN_ROW_GROUP_BYTES ((size_t)32 << 20)

/* pen_parquet_can_write - whether a part needs nothing but its batches as they come: no order, no
 * casts. */
bool pen_parquet_can_write(const struct pen_part_options *options, size_t column_count);

/* pen_parquet_write_part - pulls the whole stream into one Parquet file and syncs file and folder.
 * in:     options that pen_parquet_can_write; the stream's next is called from
 *         stream->worker_count threads at once, each with its own worker number, the calling thread
 *         among them.
 * out:    ret_parts grows by one part with statistics; by none (and no file stays) when the stream
 *         delivered no rows. Without a part its file is removed.
 * errors: the stream's own error when next failed; PEN_ERR_CANCELLED; PEN_ERR_IO (disk full ...);
 *         PEN_ERR_TOO_LARGE (one text of about 1 GiB).
 * shape:  column c of the file = column c of the stream. Row order is not kept between workers.
 * memory: per worker up to twice PEN_ROW_GROUP_BYTES, and what one batch adds. */
PEN_MUST_USE enum pen_code pen_parquet_write_part(struct pen_task_stream *stream,
                                                  const struct pen_part_options *options,
                                                  struct pen_parts *ret_parts,
                                                  struct pen_error *err);

#endif
