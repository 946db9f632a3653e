/* inflate_words.h - what ISA-L says about deflate data, in words. */
#ifndef PEN_DECODE_INFLATE_WORDS_H
#define PEN_DECODE_INFLATE_WORDS_H

/* pen_inflate_problem - for an error code of isal_inflate; static text. thread: any. */
const char *pen_inflate_problem(int code);

#endif
