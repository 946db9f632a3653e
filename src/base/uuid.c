#include "base/uuid.h"

#include "base/civil.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* Blocks only until the kernel has collected its first entropy after boot. */
static void random_bytes(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0) {
            if (errno != EINTR)
                abort(); /* no kernel we run on lacks it */
            continue;
        }
        out += got;
        len -= (size_t)got;
    }
}

void pen_uuid_v7(char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    uint64_t ms = (uint64_t)(pen_now_us() / 1000);
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    random_bytes(bytes + 6, sizeof bytes - 6);
    bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}
