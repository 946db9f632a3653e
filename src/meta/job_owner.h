/* job_owner.h - who holds a job: a process, so that others can tell whether it still lives.
 *
 *     <host>:<pid>:<start of the process>:<place>:<unique>
 *
 * place: a hash of the boot and the namespace that the pid belongs to. A process of the same place
 * is looked up in /proc: when it is gone its jobs are free at once. Elsewhere only the lease says.
 */
#ifndef PEN_META_JOB_OWNER_H
#define PEN_META_JOB_OWNER_H

#include "base/error.h"

/* Room for an owner's text with NUL. */
#define PEN_JOB_OWNER_TEXT 160

/* pen_job_owner_make - a new owner in this process; unique among all. thread: any. */
void pen_job_owner_make(char out[PEN_JOB_OWNER_TEXT]);

/* pen_job_owner_is_gone - whether the process certainly does not run any more. False for owners of
 * other machines, of other namespaces, and for texts of another form. */
bool pen_job_owner_is_gone(const char *owner);

/* pen_job_owner_name - "host:pid", for people; valid as long as `out`. */
const char *pen_job_owner_name(const char *owner, char out[PEN_JOB_OWNER_TEXT]);

#endif
