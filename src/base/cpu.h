/* cpu.h - which instruction set extensions the kernels may use. */
#ifndef PEN_BASE_CPU_H
#define PEN_BASE_CPU_H

/* Ascending: a machine that has one has those before it. */
enum pen_simd {
    PEN_SIMD_SCALAR, /* plain C, the oracle for the others */
    PEN_SIMD_SSE2,   /* every x86-64 */
    PEN_SIMD_AVX2,   /* with BMI2 and PCLMUL */
    PEN_SIMD_AVX512  /* F, BW, VL, VBMI, VBMI2 besides */
};

#define PEN_SIMD_COUNT 4

/* pen_simd_name - "scalar", "sse2", "avx2", "avx512". */
const char *pen_simd_name(enum pen_simd level);

/* pen_simd_best - the best level of this machine. thread: any. */
enum pen_simd pen_simd_best(void);

/* pen_simd_level - the level to use: the environment's PENSTOCK_SIMD (a name above), at most what
 * the machine has; without it the best. Read once. thread: any. */
enum pen_simd pen_simd_level(void);

/* pen_simd_force - for tests and benchmarks: sets what pen_simd_level answers from now on, at most
 * pen_simd_best. Returns what was set. thread: before other threads start. */
enum pen_simd pen_simd_force(enum pen_simd level);

#endif
