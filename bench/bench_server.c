/* bench_server.c - serves a folder as a public S3 bucket over loopback HTTP, as fast as it can.
 *
 *     bench_server DIR     prints the port, serves DIR as bucket `bench` until stdin closes
 *
 * ListObjectsV2 (prefix, start-after, continuation-token, max-keys), HEAD and GET with Range; no
 * signatures, no encryption, no writing: for benchmarks only. One thread per connection; bodies go
 * out by sendfile. The folder is read once at start. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX    16384
#define PAGE_KEYS   1000
#define PAGE_BYTES  (PAGE_KEYS * 512)
#define BUCKET_PATH "/bench"

struct entry {
    char *key;
    uint64_t size;
    time_t modified;
};

static struct entry *entries;
static size_t entry_count, entry_cap, root_len;
static char *root;

static int add_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F)
        return 0;
    if (entry_count == entry_cap) {
        entry_cap = entry_cap == 0 ? 1024 : entry_cap * 2;
        entries = realloc(entries, entry_cap * sizeof *entries);
        if (entries == NULL)
            return -1;
    }
    entries[entry_count++] =
        (struct entry){strdup(path + root_len + 1), (uint64_t)info->st_size, info->st_mtim.tv_sec};
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* The first entry whose key is >= `key` (> when `after`). */
static size_t find(const char *key, bool after)
{
    size_t low = 0, high = entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(entries[middle].key, key);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static void percent_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '%' && hex(from[1]) >= 0 && hex(from[2]) >= 0) {
            *to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* Copies the value of a query parameter into `value` (empty when absent). */
static void parameter(const char *query, const char *name, char *value, size_t cap)
{
    size_t len = strlen(name);
    value[0] = '\0';
    for (const char *at = query; at != NULL && *at != '\0';) {
        const char *end = strchrnul(at, '&');
        if ((size_t)(end - at) > len && strncmp(at, name, len) == 0 && at[len] == '=') {
            size_t value_len = (size_t)(end - at) - len - 1;
            value_len = value_len < cap ? value_len : cap - 1;
            memcpy(value, at + len + 1, value_len);
            value[value_len] = '\0';
            percent_decode(value);
            return;
        }
        at = *end == '\0' ? end : end + 1;
    }
}

static bool send_all(int fd, const char *bytes, size_t len, int flags)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL | flags);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_text(int fd, int status, const char *type, const char *body, size_t len)
{
    char head[256];
    int head_len = snprintf(head, sizeof head,
                            "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                            status, type, len);
    return send_all(fd, head, (size_t)head_len, MSG_MORE) && send_all(fd, body, len, 0);
}

static bool send_list(int fd, const char *query)
{
    char prefix[1024], after[1024], token[1024], most[32];
    parameter(query, "prefix", prefix, sizeof prefix);
    parameter(query, "start-after", after, sizeof after);
    parameter(query, "continuation-token", token, sizeof token);
    parameter(query, "max-keys", most, sizeof most);
    size_t page = most[0] != '\0' ? strtoul(most, NULL, 10) : PAGE_KEYS;
    page = page < PAGE_KEYS ? page : PAGE_KEYS;
    const char *from = token[0] != '\0' ? token : after;
    size_t at = strcmp(from, prefix) >= 0 ? find(from, from[0] != '\0') : find(prefix, false);
    char *body = malloc(PAGE_BYTES + 4096);
    if (body == NULL)
        return false;
    size_t len =
        (size_t)sprintf(body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns="
                              "\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bench</Name>");
    size_t count = 0;
    for (; at < entry_count && count < page; at++, count++) {
        const struct entry *entry = &entries[at];
        if (strncmp(entry->key, prefix, strlen(prefix)) != 0)
            break;
        struct tm when;
        char stamp[32];
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.000Z",
                       gmtime_r(&entry->modified, &when));
        len += (size_t)sprintf(
            body + len,
            "<Contents><Key>%s</Key><LastModified>%s</LastModified><ETag>&quot;%llx-"
            "1&quot;</ETag><Size>%llu</Size><StorageClass>STANDARD</StorageClass>"
            "</Contents>",
            entry->key, stamp, (unsigned long long)entry->size, (unsigned long long)entry->size);
    }
    bool is_more = at < entry_count && strncmp(entries[at].key, prefix, strlen(prefix)) == 0;
    len += (size_t)sprintf(body + len,
                           "<KeyCount>%zu</KeyCount><MaxKeys>%zu</MaxKeys><IsTruncated>%s"
                           "</IsTruncated>",
                           count, page, is_more ? "true" : "false");
    if (is_more && count > 0)
        len += (size_t)sprintf(body + len, "<NextContinuationToken>%s</NextContinuationToken>",
                               entries[at - 1].key);
    len += (size_t)sprintf(body + len, "</ListBucketResult>");
    bool is_sent = send_text(fd, 200, "application/xml", body, len);
    free(body);
    return is_sent;
}

static bool send_object(int fd, const char *key, const char *head, bool has_body)
{
    static const char missing[] =
        "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>";
    char path[8192], reply[512];
    (void)snprintf(path, sizeof path, "%s/%s", root, key);
    size_t index = find(key, false);
    int file = index < entry_count && strcmp(entries[index].key, key) == 0
                   ? open(path, O_RDONLY | O_CLOEXEC)
                   : -1;
    if (file < 0)
        return send_text(fd, 404, "application/xml", missing, has_body ? sizeof missing - 1 : 0);
    uint64_t size = entries[index].size, first = 0, last = size - 1;
    const char *range = strcasestr(head, "\r\nrange: bytes=");
    if (range != NULL) {
        char *end;
        first = strtoull(range + 15, &end, 10);
        if (*end == '-' && end[1] >= '0' && end[1] <= '9')
            last = strtoull(end + 1, NULL, 10);
        last = last < size ? last : size - 1;
    }
    uint64_t left = size == 0 ? 0 : last - first + 1;
    int len = snprintf(
        reply, sizeof reply,
        "HTTP/1.1 %d X\r\nETag: \"%llx-1\"\r\nAccept-Ranges: bytes\r\nContent-Length: %llu\r\n",
        range != NULL ? 206 : 200, (unsigned long long)size, (unsigned long long)left);
    if (range != NULL)
        len += snprintf(reply + len, sizeof reply - (size_t)len,
                        "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)first,
                        (unsigned long long)last, (unsigned long long)size);
    len += snprintf(reply + len, sizeof reply - (size_t)len, "\r\n");
    bool is_sent = send_all(fd, reply, (size_t)len, has_body && left > 0 ? MSG_MORE : 0);
    off_t offset = (off_t)first;
    while (is_sent && has_body && left > 0) {
        ssize_t sent = sendfile(fd, file, &offset, left);
        is_sent = sent > 0;
        left -= is_sent ? (uint64_t)sent : 0;
    }
    (void)close(file);
    return is_sent;
}

/* One request whose head is complete and NUL-terminated. Returns whether to go on. */
static bool answer(int fd, char *head)
{
    char *method_end = strchr(head, ' ');
    char *target_end = method_end != NULL ? strchr(method_end + 1, ' ') : NULL;
    if (target_end == NULL)
        return false;
    bool is_head = strncmp(head, "HEAD ", 5) == 0;
    *target_end = '\0';
    char *target = method_end + 1;
    char *query = strchr(target, '?');
    if (query != NULL)
        *query++ = '\0';
    percent_decode(target);
    size_t bucket_len = strlen(BUCKET_PATH);
    if (strncmp(target, BUCKET_PATH, bucket_len) != 0)
        return send_text(fd, 404, "text/plain", "no such bucket", is_head ? 0 : 14);
    const char *key = target + bucket_len;
    key += *key == '/';
    if (*key == '\0')
        return send_list(fd, query != NULL ? query : "");
    return send_object(fd, key, target_end + 1, !is_head);
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument, one = 1;
    char head[HEAD_MAX + 1];
    size_t len = 0;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (;;) {
        head[len] = '\0';
        char *end = strstr(head, "\r\n\r\n");
        if (end == NULL) {
            ssize_t got = len < HEAD_MAX ? recv(fd, head + len, HEAD_MAX - len, 0) : 0;
            if (got <= 0)
                break;
            len += (size_t)got;
            continue;
        }
        size_t used = (size_t)(end - head) + 4;
        end[2] = '\0';
        if (!answer(fd, head))
            break;
        memmove(head, head + used, len - used);
        len -= used;
    }
    (void)close(fd);
    return NULL;
}

static void *wait_for_end(void *argument)
{
    (void)argument;
    while (getchar() != EOF) {
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 2 || (root = realpath(argv[1], NULL)) == NULL) {
        (void)fputs("usage: bench_server DIR\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    root_len = strlen(root);
    if (nftw(root, add_entry, 64, FTW_PHYS) != 0)
        return 1;
    qsort(entries, entry_count, sizeof *entries, by_key);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, address_len) != 0 ||
        listen(listener, 256) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &address_len) != 0) {
        perror("bench_server");
        return 1;
    }
    (void)printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
    pthread_t thread;
    (void)pthread_create(&thread, NULL, wait_for_end, NULL);
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            (void)pthread_detach(thread);
        else if (fd >= 0)
            (void)close(fd);
    }
}
