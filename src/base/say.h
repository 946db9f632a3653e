/* say.h - one line for people, handed to a callback: how code that must not log is heard. */
#ifndef PEN_BASE_SAY_H
#define PEN_BASE_SAY_H

/* pen_say - formats a line and hands it to `log`; NULL: nothing.
 * in: level: "error", "warn", "info", "debug". Lines past 2,047 bytes are cut. thread: any that
 *     `log` allows. */
void pen_say(void (*log)(void *context, const char *level, const char *text), void *context,
             const char *level, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* PEN_SAY - to the members `log` and `log_context` of what `to` points to. */
#define PEN_SAY(to, ...) pen_say((to)->log, (to)->log_context, __VA_ARGS__)

#endif
