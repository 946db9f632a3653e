/* bench_data.c - writes the data of the benchmark: always the same bytes for the same row count.
 *
 *     bench_data DIR ROWS   DIR/d.csv             one file, header + ROWS rows (about 182 bytes
 * each) DIR/parts/NN.csv      the same rows in 16 files, each with a header DIR/small/?/NNNNN.csv
 * 20,000 files of about 10 KB, 5,000 of them in small/a
 *
 * 12 columns: 3 long, 2 double, 4 string, 2 timestamp, 1 boolean; nulls 2-14 %; 28 % of the
 * descriptions quoted, 18 % with a comma, 2 % with doubled quotes, 1 % with a newline. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PART_COUNT       16
#define SMALL_COUNT      20000
#define SMALL_A_COUNT    5000
#define SMALL_FILE_BYTES 10000
#define ROW_MAX          2048

static const char header[] = "id,user_id,quantity,price,discount,country,category,session,"
                             "description,created_at,updated_at,active\n";

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

/* xorshift64*: small, fast, the same everywhere. */
static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(unsigned limit)
{
    return (unsigned)((next() >> 32) * limit >> 32);
}

static bool chance(unsigned percent)
{
    return below(100) < percent;
}

static char *put(char *at, const char *text)
{
    size_t len = strlen(text);
    memcpy(at, text, len);
    return at + len;
}

static char *put_words(char *at, unsigned count)
{
    static const char *const words[] = {"river",  "stone",  "cargo",  "invoice", "blue",
                                        "fast",   "north",  "cable",  "garden",  "light",
                                        "value",  "summer", "tower",  "market",  "signal",
                                        "copper", "paper",  "Zürich", "día",     "日本"};
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ' ';
        at = put(at, words[below(sizeof words / sizeof words[0])]);
    }
    return at;
}

static char *put_description(char *at)
{
    bool has_comma = chance(18), has_quote = chance(2), has_newline = chance(1);
    bool is_quoted = has_comma || has_quote || has_newline || chance(9);
    if (is_quoted)
        *at++ = '"';
    at = put_words(at, 4 + below(8));
    at = has_comma ? put(at, ", ") : put(at, " ");
    at = has_quote ? put(at, "the \"\"best\"\" of ") : at;
    at = has_newline ? put(at, "line\n") : at;
    at = put_words(at, 1 + below(4));
    if (is_quoted)
        *at++ = '"';
    return at;
}

static char *put_time(char *at, uint64_t second)
{
    static const unsigned char month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned day = (unsigned)(second / 86400 % 365), rest = (unsigned)(second % 86400), month = 0;
    while (day >= month_days[month])
        day -= month_days[month++];
    return at + sprintf(at, "2025-%02u-%02u %02u:%02u:%02u", month + 1, day + 1, rest / 3600,
                        rest / 60 % 60, rest % 60);
}

static size_t make_row(char *row, uint64_t id)
{
    static const char *const countries[] = {"DE", "JP", "US", "BR", "IN",
                                            "FR", "GB", "CA", "AU", "KE"};
    static const char *const categories[] = {"books", "toys",  "home & garden", "music",
                                             "games", "tools", "office",        "food"};
    uint64_t second = 86400 + id * 11 + below(600);
    char *at = row + sprintf(row, "%llu,", (unsigned long long)id);
    at += chance(3) ? 0 : sprintf(at, "%llu", (unsigned long long)(next() >> 24));
    *at++ = ',';
    at += chance(5) ? 0 : sprintf(at, "%u", below(1000));
    *at++ = ',';
    at += chance(2) ? 0 : sprintf(at, "%u.%02u", below(5000), below(100));
    *at++ = ',';
    at += chance(14) ? 0 : sprintf(at, "0.%08u%08u", below(100000000), 1 + below(99999998));
    *at++ = ',';
    at = put(at, chance(2) ? "" : countries[below(10)]);
    *at++ = ',';
    at = put(at, chance(4) ? "" : categories[below(8)]);
    *at++ = ',';
    at += sprintf(at, "%012llx", (unsigned long long)(next() >> 16));
    *at++ = ',';
    at = chance(6) ? at : put_description(at);
    *at++ = ',';
    at = put_time(at, second);
    *at++ = ',';
    at = chance(8) ? at : put_time(at, second + below(86400));
    *at++ = ',';
    at = put(at, chance(2) ? "" : chance(50) ? "true" : "false");
    *at++ = '\n';
    return (size_t)(at - row);
}

static FILE *create(const char *dir, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    (void)setvbuf(file, NULL, _IOFBF, 1 << 18);
    return file;
}

static void put_all(FILE *file, const char *bytes, size_t len)
{
    if (fwrite(bytes, 1, len, file) != len) {
        perror("write");
        exit(1);
    }
}

static void close_all(FILE *file)
{
    if (fclose(file) != 0) {
        perror("close");
        exit(1);
    }
}

static void make_folder(const char *dir, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    (void)mkdir(path, 0777);
}

static void write_big(const char *dir, uint64_t rows)
{
    char row[ROW_MAX], name[32];
    FILE *all = create(dir, "d.csv"), *part = NULL;
    put_all(all, header, sizeof header - 1);
    for (uint64_t id = 0; id < rows; id++) {
        unsigned index = (unsigned)(id * PART_COUNT / rows);
        if (id == 0 || index != (unsigned)((id - 1) * PART_COUNT / rows)) {
            if (part != NULL)
                close_all(part);
            (void)snprintf(name, sizeof name, "parts/%02u.csv", index);
            part = create(dir, name);
            put_all(part, header, sizeof header - 1);
        }
        size_t len = make_row(row, id);
        put_all(all, row, len);
        put_all(part, row, len);
    }
    if (part != NULL)
        close_all(part);
    close_all(all);
}

static void write_small(const char *dir)
{
    char row[ROW_MAX], name[32];
    uint64_t id = 0;
    for (unsigned index = 0; index < SMALL_COUNT; index++) {
        (void)snprintf(name, sizeof name, "small/%c/%05u.csv", index < SMALL_A_COUNT ? 'a' : 'b',
                       index);
        FILE *file = create(dir, name);
        put_all(file, header, sizeof header - 1);
        for (size_t bytes = sizeof header; bytes < SMALL_FILE_BYTES;) {
            size_t len = make_row(row, id++);
            put_all(file, row, len);
            bytes += len;
        }
        close_all(file);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fputs("usage: bench_data DIR ROWS\n", stderr);
        return 2;
    }
    static const char *const folders[] = {"", "parts", "small", "small/a", "small/b"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        make_folder(argv[1], folders[i]);
    write_big(argv[1], strtoull(argv[2], NULL, 10));
    write_small(argv[1]);
    return 0;
}
