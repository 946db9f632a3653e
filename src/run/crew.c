#include "run/crew.h"

#include <assert.h>
#include <stdlib.h>

/* Scratch memory kept for the next work; a crew of more workers frees what is above. */
#define SCRATCHES_KEPT 64

enum progress { WORK_NEW, WORK_QUEUED, WORK_RUNNING, WORK_DONE };

struct pen_crew {
    struct pen_decode_team team; /* first member */
    pthread_mutex_t lock;        /* guards everything below, and the progress of all work */
    pthread_cond_t done;         /* a work was run */
    struct pen_crew_gate *gates;
    struct pen_decode_work *queue; /* oldest first */
    size_t helpers;                /* workers that wait at a gate, running work or asleep */
    struct pen_decode_scratch scratches[SCRATCHES_KEPT];
    size_t scratch_count;
};

static struct pen_crew *crew_of(struct pen_decode_team *team)
{
    return (struct pen_crew *)(void *)team; /* first member */
}

static void lock(struct pen_crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock); /* a plain mutex: fails on programming errors only */
}

static void unlock(struct pen_crew *crew)
{
    (void)pthread_mutex_unlock(&crew->lock);
}

/* --- work ------------------------------------------------------------------------------------- */

static void unlink_work(struct pen_crew *crew, struct pen_decode_work *work)
{
    struct pen_decode_work **link = &crew->queue;
    while (*link != work)
        link = &(*link)->next;
    *link = work->next;
}

/* Runs a queued work, without the lock meanwhile. */
static void run_work(struct pen_crew *crew, struct pen_decode_work *work)
{
    unlink_work(crew, work);
    work->progress = WORK_RUNNING;
    struct pen_decode_scratch scratch = {0};
    if (crew->scratch_count > 0)
        scratch = crew->scratches[--crew->scratch_count];
    unlock(crew);
    work->run(work, &scratch);
    lock(crew);
    work->progress = WORK_DONE;
    if (crew->scratch_count < SCRATCHES_KEPT)
        crew->scratches[crew->scratch_count++] = scratch;
    else
        pen_decode_scratch_release(&scratch);
    (void)pthread_cond_broadcast(&crew->done);
}

static void wake_a_helper(struct pen_crew *crew)
{
    for (struct pen_crew_gate *gate = crew->gates; gate != NULL; gate = gate->next)
        if (gate->sleeping > 0) {
            (void)pthread_cond_signal(&gate->opened);
            return;
        }
}

/* Two for each helper, so that it need not wait for the one inside to find it the next. */
static size_t width(struct pen_decode_team *team)
{
    struct pen_crew *crew = crew_of(team);
    lock(crew);
    size_t helpers = crew->helpers;
    unlock(crew);
    return 1 + 2 * helpers;
}

static void start(struct pen_decode_team *team, struct pen_decode_work *work)
{
    struct pen_crew *crew = crew_of(team);
    lock(crew);
    struct pen_decode_work **link = &crew->queue;
    while (*link != NULL)
        link = &(*link)->next;
    *link = work;
    work->next = NULL;
    work->progress = WORK_QUEUED;
    wake_a_helper(crew);
    unlock(crew);
}

static void finish(struct pen_decode_team *team, struct pen_decode_work *work)
{
    struct pen_crew *crew = crew_of(team);
    lock(crew);
    while (work->progress != WORK_DONE) {
        if (work->progress == WORK_QUEUED)
            run_work(crew, work);
        else if (crew->queue != NULL) /* another one meanwhile */
            run_work(crew, crew->queue);
        else
            (void)pthread_cond_wait(&crew->done, &crew->lock);
    }
    unlock(crew);
}

static void drop(struct pen_decode_team *team, struct pen_decode_work *work)
{
    struct pen_crew *crew = crew_of(team);
    lock(crew);
    if (work->progress == WORK_QUEUED) {
        unlink_work(crew, work);
        work->progress = WORK_DONE;
    }
    while (work->progress == WORK_RUNNING)
        (void)pthread_cond_wait(&crew->done, &crew->lock);
    unlock(crew);
}

/* --- gates ------------------------------------------------------------------------------------ */

void pen_crew_gate_init(struct pen_crew *crew, struct pen_crew_gate *gate)
{
    *gate = (struct pen_crew_gate){0};
    (void)pthread_cond_init(&gate->opened, NULL); /* cannot fail with default attributes */
    lock(crew);
    gate->next = crew->gates;
    crew->gates = gate;
    unlock(crew);
}

void pen_crew_gate_release(struct pen_crew *crew, struct pen_crew_gate *gate)
{
    lock(crew);
    assert(!gate->is_busy && gate->sleeping == 0);
    struct pen_crew_gate **link = &crew->gates;
    while (*link != gate)
        link = &(*link)->next;
    *link = gate->next;
    unlock(crew);
    (void)pthread_cond_destroy(&gate->opened);
}

void pen_crew_enter(struct pen_crew *crew, struct pen_crew_gate *gate)
{
    lock(crew);
    crew->helpers++;
    while (gate->is_busy) {
        if (crew->queue != NULL) {
            run_work(crew, crew->queue);
            continue;
        }
        gate->sleeping++;
        (void)pthread_cond_wait(&gate->opened, &crew->lock);
        gate->sleeping--;
    }
    crew->helpers--;
    gate->is_busy = true;
    if (crew->queue != NULL) /* whoever was woken for it may be the one who is inside now */
        wake_a_helper(crew);
    unlock(crew);
}

void pen_crew_leave(struct pen_crew *crew, struct pen_crew_gate *gate)
{
    lock(crew);
    gate->is_busy = false;
    if (gate->sleeping > 0)
        (void)pthread_cond_signal(&gate->opened);
    unlock(crew);
}

/* --- the crew --------------------------------------------------------------------------------- */

enum pen_code pen_crew_new(struct pen_crew **ret_crew, struct pen_error *err)
{
    struct pen_crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL)
        return pen_fail_nomem(err);
    crew->team =
        (struct pen_decode_team){.width = width, .start = start, .finish = finish, .drop = drop};
    (void)pthread_mutex_init(&crew->lock, NULL); /* neither fails with default attributes */
    (void)pthread_cond_init(&crew->done, NULL);
    *ret_crew = crew;
    return PEN_OK;
}

void pen_crew_free(struct pen_crew *crew)
{
    if (crew == NULL)
        return;
    assert(crew->queue == NULL && crew->gates == NULL);
    for (size_t i = 0; i < crew->scratch_count; i++)
        pen_decode_scratch_release(&crew->scratches[i]);
    (void)pthread_cond_destroy(&crew->done);
    (void)pthread_mutex_destroy(&crew->lock);
    free(crew);
}

struct pen_decode_team *pen_crew_team(struct pen_crew *crew)
{
    return &crew->team;
}
