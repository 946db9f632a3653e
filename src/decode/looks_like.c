#include "decode/decode.h"

struct magic {
    const char *bytes;
    size_t len;
    const char *name;
};

#define MAGIC(bytes, name)                                                                         \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, name                                                             \
    }

static const struct magic magics[] = {
    MAGIC("\x1f\x8b", "gzip"),
    MAGIC("BZh", "bzip2"),
    MAGIC("PK\x03\x04", "zip"),
    MAGIC("PK\x05\x06", "an empty zip archive"),
    MAGIC("PK\x07\x08", "zip"),
    MAGIC("\x28\xb5\x2f\xfd", "zstd"),
    MAGIC("\xfd"
          "7zXZ\0",
          "xz"),
    MAGIC("\x04\x22\x4d\x18", "lz4"),
    MAGIC("\xff\x06\0\0sNaPpY", "snappy"),
    MAGIC("\x1f\x9d", "compress (.Z)"),
    MAGIC("7z\xbc\xaf\x27\x1c", "7z"),
    MAGIC("Rar!\x1a\x07", "rar"),
    MAGIC("PAR1", "parquet"),
    MAGIC("Obj\x01", "avro"),
    MAGIC("ORC", "orc"),
    MAGIC("%PDF-", "pdf"),
    MAGIC("\x78\x01", "zlib"),
    MAGIC("\x78\x9c", "zlib"),
    MAGIC("\x78\xda", "zlib"),
    MAGIC("\xef\xbb\xbf", "UTF-8 text"),
    MAGIC("\xff\xfe", "UTF-16 text"),
    MAGIC("\xfe\xff", "UTF-16 text"),
};

static bool is_text(struct pen_slice head)
{
    for (size_t i = 0; i < head.len; i++) {
        unsigned char c = (unsigned char)head.ptr[i];
        bool is_control = c < 0x20 && !(c >= '\t' && c <= '\r') && c != 0x1b;
        if (is_control || c == 0x7f)
            return false;
    }
    return true;
}

const char *pen_decode_looks_like(struct pen_slice head)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (pen_slice_starts(head, pen_slice(magics[i].bytes, magics[i].len)))
            return magics[i].name;
    if (head.len == 0)
        return "nothing";
    return is_text(head) ? "plain text" : "unknown binary data";
}

const char *pen_decode_compressed_as(struct pen_slice head)
{
    static const struct magic compressed[] = {
        MAGIC("\x1f\x8b\x08", "gzip"),
        MAGIC("PK\x03\x04", "zip"),
        MAGIC("\x28\xb5\x2f\xfd", "zstd"),
        MAGIC("\xfd"
              "7zXZ\0",
              "xz"),
    };
    for (size_t i = 0; i < sizeof compressed / sizeof *compressed; i++)
        if (pen_slice_starts(head, pen_slice(compressed[i].bytes, compressed[i].len)))
            return compressed[i].name;
    /* "BZh" and a level could begin a word; the first block's mark could not */
    bool is_bzip2 = head.len >= 10 && memcmp(head.ptr, "BZh", 3) == 0 && head.ptr[3] >= '1' &&
                    head.ptr[3] <= '9' && memcmp(head.ptr + 4, "1AY&SY", 6) == 0;
    return is_bzip2 ? "bzip2" : NULL;
}
