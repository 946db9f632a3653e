#include "base/cpu.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[PEN_SIMD_COUNT] = {"scalar", "sse2", "avx2", "avx512"};

/* -1: not decided yet. Two threads may decide at once and come to the same. */
static _Atomic int chosen_level = -1;

const char *pen_simd_name(enum pen_simd level)
{
    return level_names[level];
}

enum pen_simd pen_simd_best(void)
{
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("pclmul") ||
        !__builtin_cpu_supports("popcnt"))
        return PEN_SIMD_SSE2;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512vbmi") ||
        !__builtin_cpu_supports("avx512vbmi2"))
        return PEN_SIMD_AVX2;
    return PEN_SIMD_AVX512;
#else
    return PEN_SIMD_SCALAR;
#endif
}

enum pen_simd pen_simd_force(enum pen_simd level)
{
    enum pen_simd best = pen_simd_best();
    enum pen_simd set = level < best ? level : best;
    atomic_store_explicit(&chosen_level, (int)set, memory_order_relaxed);
    return set;
}

enum pen_simd pen_simd_level(void)
{
    int level = atomic_load_explicit(&chosen_level, memory_order_relaxed);
    if (level >= 0)
        return (enum pen_simd)level;
    enum pen_simd wanted = pen_simd_best();
    const char *word = getenv("PENSTOCK_SIMD");
    for (int i = 0; word != NULL && i < PEN_SIMD_COUNT; i++)
        if (strcmp(word, level_names[i]) == 0)
            wanted = (enum pen_simd)i;
    return pen_simd_force(wanted);
}
