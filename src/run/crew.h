/* crew.h - the workers of a task, who help each other where only one may be inside.
 *
 *     worker --enter--> gate free? inside : run a piece of work of whoever is inside, or sleep
 *
 * A stream of text is filled by one worker at a time. Decoders whose blocks decode alone hand
 * those to the crew (struct pen_decode_team), and the workers that wait at a gate decode them
 * meanwhile. So there are no threads but the workers, nobody waits while there is work, and memory
 * for running work grows with the workers, not with the streams. */
#ifndef PEN_RUN_CREW_H
#define PEN_RUN_CREW_H

#include "decode/decode.h"

#include <pthread.h>

struct pen_crew;

/* A place where one worker may be at a time. Its owner's memory; the crew's business. */
struct pen_crew_gate {
    struct pen_crew_gate *next;
    pthread_cond_t opened;
    unsigned sleeping;
    bool is_busy;
};

PEN_MUST_USE enum pen_code pen_crew_new(struct pen_crew **ret_crew, struct pen_error *err);
/* pen_crew_free - no gate and no work of it may be left. NULL is fine. */
void pen_crew_free(struct pen_crew *crew);
PEN_DEFINE_FREE_P(struct pen_crew *, pen_crew_free)

/* pen_crew_team - what decoders see; lives as long as the crew. */
struct pen_decode_team *pen_crew_team(struct pen_crew *crew);

/* pen_crew_gate_init / _release - release: nobody may be inside or waiting. */
void pen_crew_gate_init(struct pen_crew *crew, struct pen_crew_gate *gate);
void pen_crew_gate_release(struct pen_crew *crew, struct pen_crew_gate *gate);

/* pen_crew_enter - returns when the caller, alone, is inside; helps meanwhile.
 * pen_crew_leave - lets the next one in. thread: any; not twice by one. */
void pen_crew_enter(struct pen_crew *crew, struct pen_crew_gate *gate);
void pen_crew_leave(struct pen_crew *crew, struct pen_crew_gate *gate);

#endif
