#include "decode/inflate_words.h"

#include <isa-l/igzip_lib.h>

const char *pen_inflate_problem(int code)
{
    switch (code) {
    case ISAL_INVALID_BLOCK:
        return "invalid block in the compressed data";
    case ISAL_INVALID_SYMBOL:
        return "invalid code in the compressed data";
    case ISAL_INVALID_LOOKBACK:
        return "invalid distance in the compressed data";
    default:
        return "invalid compressed data";
    }
}
