/* guess_trial.h - a guessed configuration tried on its own sample before it is handed out. */
#ifndef PEN_RUN_GUESS_TRIAL_H
#define PEN_RUN_GUESS_TRIAL_H

#include "guess/guess.h"
#include "guess/sample.h"
#include "run/run.h"

/* pen_guess_trial - loads the sample by the run's own code, without filters, and says in comments
 * of guess->in what a load would reject or could not read.
 * errors: PEN_ERR_CORRUPT more than half of ten or more records would be rejected for the number of
 *         their fields or their quoting, and the seed did not state the columns; PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_guess_trial(const struct pen_run_env *env, struct pen_sample *sample,
                                           const struct pen_guess *guess, struct pen_error *err);

#endif
