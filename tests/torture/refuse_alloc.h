/* refuse_alloc.h - refuses the n-th allocation that our code asks for.
 *
 * A program that links refuse_alloc.c with the wrap_args of meson.build has malloc and its kin
 * replaced in everything that is linked statically: all of Penstock, none of the libraries. As a
 * program of its own (penstock_refuse) it is told by the environment: PEN_ALLOC_AT=n the n-th
 * allocation is refused, from 1 PEN_ALLOC_LASTING=1         and so is every later one
 *     PEN_ALLOC_REPORT=file       gets "fired <n>" and, at the end, "counted <n>" */
#ifndef PEN_TESTS_REFUSE_ALLOC_H
#define PEN_TESTS_REFUSE_ALLOC_H

#include <stdbool.h>

/* refuse_alloc_from - counts from 0 again; the n-th allocation from now on fails (0: none).
 * refuse_alloc_stop - none fails, none counts. Returns how many were asked for.
 * refuse_alloc_fired - whether one was refused since refuse_alloc_from.
 * refuse_alloc_take - the rule itself, for allocators of libraries: whether this one is refused. */
void refuse_alloc_from(unsigned long n, bool is_lasting);
unsigned long refuse_alloc_stop(void);
bool refuse_alloc_fired(void);
bool refuse_alloc_take(void);

#endif
