/* preview.h - one sample parsed by the run's own code: what preview shows, and what guess checks
 * its result with. */
#ifndef PEN_RUN_PREVIEW_H
#define PEN_RUN_PREVIEW_H

#include "guess/sample.h"
#include "run/load.h"
#include "run/run.h"

/* pen_preview_sample - reads, decodes, parses and filters the sample; writes nothing.
 * in:     load: bound with is_sample; fn: NULL to only count.
 * out:    *ret_result, on errors too.
 * errors: "No input records to preview"; what decoding or parsing met. */
PEN_MUST_USE enum pen_code pen_preview_sample(struct pen_load *load, struct pen_sample *sample,
                                              const struct pen_preview_options *options,
                                              pen_rows_fn fn, void *context,
                                              struct pen_preview_result *ret_result,
                                              struct pen_error *err);

#endif
