#include "cli/progress_bar.h"

#include "cli/words.h"

#include <stdio.h>

#define LINE_EVERY_US (10 * PEN_US_PER_SECOND)

void pen_bar_init(struct pen_bar *bar, const struct pen_cli *cli)
{
    *bar = (struct pen_bar){.cli = cli};
    (void)pthread_mutex_init(&bar->lock, NULL); /* default attributes: cannot fail */
}

/* " 42% [========>           ] " */
static enum pen_code add_gauge(const struct pen_bar_state *state, size_t columns,
                               struct pen_buf *into, struct pen_error *err)
{
    double part = (double)state->bytes / (double)state->total_bytes;
    part = part > 1 ? 1 : part;
    PEN_TRY(pen_buf_addf(into, err, "%3d%% ", (int)(part * 100)));
    if (columns < 100)
        return PEN_OK;
    size_t full = (size_t)(part * 20);
    PEN_TRY(pen_buf_add_char(into, '[', err));
    for (size_t i = 0; i < 20; i++)
        PEN_TRY(pen_buf_add_char(into, i < full ? '=' : i == full ? '>' : ' ', err));
    return pen_buf_add_str(into, "] ", err);
}

enum pen_code pen_bar_print(const struct pen_bar_state *s, size_t columns, struct pen_buf *into,
                            struct pen_error *err)
{
    char a[PEN_WORD_TEXT], b[PEN_WORD_TEXT];
    bool has_total = s->total_bytes > 0;
    if (has_total)
        PEN_TRY(add_gauge(s, columns, into, err));
    PEN_TRY(pen_buf_addf(into, err, "%s", pen_word_bytes(s->bytes, a)));
    if (has_total)
        PEN_TRY(pen_buf_addf(into, err, " of %s", pen_word_bytes(s->total_bytes, a)));
    PEN_TRY(pen_buf_addf(into, err, ", %s rows, %s", pen_word_count(s->rows, a),
                         pen_word_count(s->objects, b)));
    if (s->total_objects > 0)
        PEN_TRY(pen_buf_addf(into, err, " of %s", pen_word_count(s->total_objects, a)));
    PEN_TRY(pen_buf_addf(into, err, " files, %s/s", pen_word_bytes(s->rate, a)));
    if (s->rejected > 0)
        PEN_TRY(pen_buf_addf(into, err, ", %s rejected", pen_word_count(s->rejected, a)));
    if (has_total && s->rate > 0 && s->bytes < s->total_bytes) {
        uint64_t seconds = (s->total_bytes - s->bytes) / s->rate;
        if (seconds < 360000)
            PEN_TRY(pen_buf_addf(into, err, ", ETA %s",
                                 pen_word_duration((int64_t)seconds * PEN_US_PER_SECOND, a)));
    }
    return PEN_OK;
}

/* A fifth of the new rate, the rest of the old ones, so that the figure can be read. */
static void measure_rate(struct pen_bar *bar, uint64_t bytes, int64_t elapsed_us)
{
    int64_t passed_us = elapsed_us - bar->last_us;
    if (passed_us <= 0 || bytes < bar->last_bytes)
        return;
    double rate = (double)(bytes - bar->last_bytes) * (double)PEN_US_PER_SECOND / (double)passed_us;
    bar->rate =
        bar->last_us == 0 ? (uint64_t)rate : (uint64_t)(rate / 5 + (double)bar->rate * 4 / 5);
    bar->last_bytes = bytes;
}

static void draw(struct pen_bar *bar, const struct pen_progress *progress, int64_t elapsed_us)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF(4096);
    size_t columns = bar->cli->terminal.has_bar ? pen_terminal_width() : 0;
    struct pen_bar_state state = {
        .bytes = progress->stored_bytes,
        .total_bytes = progress->total_bytes,
        .rows = progress->rows,
        .objects = progress->objects,
        .total_objects = progress->total_objects,
        .rejected = progress->rejected,
        .elapsed_us = elapsed_us,
    };
    measure_rate(bar, state.bytes, elapsed_us);
    state.rate = bar->rate;
    bar->last_us = elapsed_us;
    if (pen_bar_print(&state, columns, &line, NULL) != PEN_OK)
        return; /* out of memory: a progress line less */
    if (columns == 0) {
        (void)fprintf(stderr, "%s\n", line.ptr);
        return;
    }
    if (line.len >= columns)
        line.ptr[columns - 1] = '\0'; /* only ASCII in it */
    (void)fprintf(stderr, "\r\033[K%s", line.ptr);
    bar->is_drawn = true;
}

void pen_bar_update(struct pen_bar *bar, const struct pen_progress *progress, int64_t elapsed_us)
{
    int64_t every_us = bar->cli->terminal.has_bar ? PEN_US_PER_SECOND / 5 : LINE_EVERY_US;
    if (bar->cli->is_quiet || bar->cli->is_json)
        return;
    (void)pthread_mutex_lock(&bar->lock);
    if (elapsed_us - bar->last_us >= every_us)
        draw(bar, progress, elapsed_us);
    (void)pthread_mutex_unlock(&bar->lock);
}

static void clear(struct pen_bar *bar)
{
    if (bar->is_drawn)
        (void)fputs("\r\033[K", stderr);
    bar->is_drawn = false;
}

void pen_bar_say(struct pen_bar *bar, const char *text)
{
    (void)pthread_mutex_lock(&bar->lock);
    clear(bar);
    (void)fprintf(stderr, "%s\n", text);
    (void)pthread_mutex_unlock(&bar->lock);
}

void pen_bar_finish(struct pen_bar *bar)
{
    (void)pthread_mutex_lock(&bar->lock);
    clear(bar);
    (void)pthread_mutex_unlock(&bar->lock);
    (void)pthread_mutex_destroy(&bar->lock);
}
