#include "s3/s3_page.h"

#include <stdlib.h>

#include "base/civil.h"
#include "base/number.h"
#include "s3/s3_xml.h"

#define ENTRIES_MAX   ((size_t)100000) /* services send 1000 */
#define PAGE_TEXT_MAX ((size_t)64 << 20)

struct s3_page_parse {
    struct s3_xml *xml;
    struct pen_s3_page *page;
    struct pen_s3_entry entry; /* the one being read */
    bool is_listing, is_truncated, is_url_encoded, has_size, has_time;
};

/* ---- values ---- */

bool s3_parse_size(struct pen_slice text, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(uint8_t)text.ptr[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (text.len == 0)
        return false;
    *ret = value;
    return true;
}

struct pen_slice s3_etag_text(struct pen_slice value)
{
    if (pen_slice_starts(value, PEN_LIT("W/")))
        value = pen_slice_skip(value, 2);
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = pen_slice(value.ptr + 1, value.len - 2);
    return value;
}

/* ".806Z": up to six digits count, more are skipped; -1: malformed. */
static int64_t fraction_us(struct pen_slice rest)
{
    int64_t us = 0, unit = 100000;
    if (rest.len > 0 && rest.ptr[0] == '.') {
        size_t at = 1;
        for (; at < rest.len && rest.ptr[at] >= '0' && rest.ptr[at] <= '9'; at++, unit /= 10)
            us += (rest.ptr[at] - '0') * unit;
        if (at == 1)
            return -1;
        rest = pen_slice_skip(rest, at);
    }
    return pen_slice_is(rest, "Z") ? us : -1;
}

/* "2019-06-03T10:30:19.806Z" */
static bool parse_time(struct pen_slice text, int64_t *ret_us)
{
    if (text.len < 20 || text.ptr[4] != '-' || text.ptr[7] != '-' || text.ptr[10] != 'T' ||
        text.ptr[13] != ':' || text.ptr[16] != ':')
        return false;
    int year = pen_parse_digits(text.ptr, 4), month = pen_parse_digits(text.ptr + 5, 2),
        day = pen_parse_digits(text.ptr + 8, 2);
    int hour = pen_parse_digits(text.ptr + 11, 2), minute = pen_parse_digits(text.ptr + 14, 2);
    int second = pen_parse_digits(text.ptr + 17, 2);
    int64_t us = fraction_us(pen_slice_skip(text, 19));
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60 || us < 0)
        return false;
    int64_t seconds = (int64_t)hour * 3600 + minute * 60 + second;
    *ret_us =
        pen_days_from_civil(year, month, day) * PEN_US_PER_DAY + seconds * PEN_US_PER_SECOND + us;
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes encoding-type=url in place: '+' is a space, as services encode like forms. false: a '%'
 * without two hex digits, or a NUL, which no key can contain. */
static bool decode_key(char *key)
{
    char *out = key;
    for (const char *in = key; *in != '\0'; in++) {
        if (*in != '%') {
            *out++ = *in == '+' ? ' ' : *in;
            continue;
        }
        int high = hex_value(in[1]);
        int low = high < 0 ? -1 : hex_value(in[2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        *out++ = (char)(high * 16 + low);
        in += 2;
    }
    *out = '\0';
    return true;
}

/* ---- elements ---- */

static enum pen_code fail_value(const char *what, struct pen_slice text, struct pen_error *err)
{
    int shown = text.len > 64 ? 64 : (int)text.len;
    return pen_fail(err, PEN_ERR_CORRUPT, "listing has a bad %s '%.*s'", what, shown, text.ptr);
}

static enum pen_code keep(struct s3_page_parse *parse, struct pen_slice text, const char **ret,
                          struct pen_error *err)
{
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        return fail_value("text", text, err);
    char *copy = pen_arena_copy(&parse->page->arena, text);
    if (copy == NULL)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "listing is larger than %zu bytes", PAGE_TEXT_MAX);
    *ret = copy;
    return PEN_OK;
}

static enum pen_code add_entry(struct s3_page_parse *parse, struct pen_error *err)
{
    struct pen_s3_page *page = parse->page;
    if (parse->entry.key == NULL || parse->entry.key[0] == '\0' || !parse->has_size)
        return pen_fail(err, PEN_ERR_CORRUPT, "listing has an entry without %s",
                        parse->has_size ? "a key" : "a size");
    if (page->count == ENTRIES_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "listing has more than %zu entries", ENTRIES_MAX);
    if (page->count == page->cap) {
        size_t cap = page->cap == 0 ? 1000 : page->cap * 2;
        struct pen_s3_entry *grown = realloc(page->entries, cap * sizeof *grown);
        if (grown == NULL)
            return pen_fail_nomem(err);
        page->entries = grown;
        page->cap = cap;
    }
    page->entries[page->count++] = parse->entry;
    parse->entry = (struct pen_s3_entry){.etag = "", .storage_class = "STANDARD"};
    parse->has_size = false;
    return PEN_OK;
}

static enum pen_code on_entry_field(struct s3_page_parse *parse, const char *name,
                                    struct pen_slice text, struct pen_error *err)
{
    struct pen_s3_entry *entry = &parse->entry;
    if (strcmp(name, "Key") == 0)
        return keep(parse, text, &entry->key, err);
    if (strcmp(name, "ETag") == 0)
        return keep(parse, s3_etag_text(text), &entry->etag, err);
    if (strcmp(name, "StorageClass") == 0)
        return text.len == 0 ? PEN_OK : keep(parse, text, &entry->storage_class, err);
    if (strcmp(name, "Size") == 0) {
        parse->has_size = s3_parse_size(text, &entry->size_bytes);
        return parse->has_size ? PEN_OK : fail_value("Size", text, err);
    }
    if (strcmp(name, "LastModified") == 0 && !parse_time(text, &entry->modified_us))
        return fail_value("LastModified", text, err);
    return PEN_OK;
}

static enum pen_code on_element(void *context, const char *path, struct pen_slice text,
                                struct pen_error *err)
{
    static const char root[] = "ListBucketResult";
    static const char contents[] = "ListBucketResult/Contents";
    struct s3_page_parse *parse = context;
    size_t root_len = sizeof root - 1, contents_len = sizeof contents - 1;
    if (strncmp(path, root, root_len) != 0)
        return pen_fail(err, PEN_ERR_CORRUPT, "reply is no listing but <%.*s>",
                        (int)strcspn(path, "/"), path);
    if (path[root_len] == '\0') {
        parse->is_listing = true;
        return PEN_OK;
    }
    if (strncmp(path, contents, contents_len) == 0) {
        if (path[contents_len] == '\0')
            return add_entry(parse, err);
        return on_entry_field(parse, path + contents_len + 1, text, err);
    }
    const char *name = path + root_len + 1;
    if (strcmp(name, "IsTruncated") == 0)
        parse->is_truncated = pen_slice_is(text, "true");
    else if (strcmp(name, "EncodingType") == 0)
        parse->is_url_encoded = pen_slice_is(text, "url");
    else if (strcmp(name, "NextContinuationToken") == 0)
        return keep(parse, text, &parse->page->continuation, err);
    return PEN_OK;
}

/* ---- the page ---- */

void s3_page_clear(struct pen_s3_page *page)
{
    page->count = 0;
    page->continuation = NULL;
    if (page->arena.max_bytes == 0)
        page->arena = PEN_ARENA(PAGE_TEXT_MAX);
    pen_arena_clear(&page->arena);
}

void pen_s3_page_release(struct pen_s3_page *page)
{
    if (page == NULL)
        return;
    free(page->entries);
    pen_arena_release(&page->arena);
    *page = (struct pen_s3_page){0};
}

enum pen_code s3_page_parse_new(struct pen_s3_page *page, struct s3_page_parse **ret_parse,
                                struct pen_error *err)
{
    PEN_CLEANUP(s3_page_parse_free_p) struct s3_page_parse *parse = calloc(1, sizeof *parse);
    if (parse == NULL)
        return pen_fail_nomem(err);
    s3_page_clear(page);
    parse->page = page;
    parse->entry = (struct pen_s3_entry){.etag = "", .storage_class = "STANDARD"};
    PEN_TRY(s3_xml_new(on_element, parse, &parse->xml, err));
    *ret_parse = PEN_TAKE(parse);
    return PEN_OK;
}

/* What can only be judged with the whole reply at hand. */
static enum pen_code check(struct s3_page_parse *parse, struct pen_error *err)
{
    struct pen_s3_page *page = parse->page;
    if (!parse->is_listing)
        return pen_fail(err, PEN_ERR_CORRUPT, "reply is no listing");
    for (size_t i = 0; parse->is_url_encoded && i < page->count; i++) {
        char *key = (char *)(uintptr_t)page->entries[i].key; /* in the page's own arena */
        if (!decode_key(key))
            return fail_value("encoded key", pen_slice_str(key), err);
    }
    if (!parse->is_truncated)
        page->continuation = NULL;
    else if (page->continuation == NULL || page->continuation[0] == '\0')
        return pen_fail(err, PEN_ERR_CORRUPT, "listing is cut but names no next page");
    return PEN_OK;
}

enum pen_code s3_page_parse_push(struct s3_page_parse *parse, struct pen_slice bytes, bool is_end,
                                 struct pen_error *err)
{
    PEN_TRY(s3_xml_push(parse->xml, bytes, is_end, err));
    return is_end ? check(parse, err) : PEN_OK;
}

void s3_page_parse_free(struct s3_page_parse *parse)
{
    if (parse == NULL)
        return;
    s3_xml_free(parse->xml);
    free(parse);
}
