/* uuid.h - random identifiers that sort by time (version 7). */
#ifndef PEN_BASE_UUID_H
#define PEN_BASE_UUID_H

/* Room for a UUID's text with NUL. */
#define PEN_UUID_TEXT 37

/* pen_uuid_v7 - a fresh one, lower case with hyphens; out has PEN_UUID_TEXT bytes. thread: any.
 * source: RFC 9562 5.7: 48 bits of milliseconds, 74 random bits. */
void pen_uuid_v7(char *out);

#endif
