#include "s3/s3_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/http_date.h"
#include "s3/s3_internal.h"
#include "s3/s3_page.h"

#define DEFAULT_REGION "us-east-1"

struct s3_home {
    struct s3_home *next;
    char region[S3_REGION_TEXT];
    char bucket[]; /* NUL-terminated */
};

/* ---- the client ---- */

static enum pen_code set_region(struct pen_s3_client *client, const char *region,
                                struct pen_error *err)
{
    bool has_region = region != NULL && region[0] != '\0';
    if (has_region && !s3_is_region(region)) {
        enum pen_code code = pen_fail(err, PEN_ERR_CONFIG, "region '%.64s' is no region", region);
        pen_error_hint(err, "write the region's code, such as us-east-1 or eu-central-1");
        return code;
    }
    if (client->endpoint.is_aws) /* the endpoint wins, as the specification says */
        s3_region_of_host(pen_slice_str(client->endpoint.host), client->region);
    if (client->region[0] == '\0')
        (void)snprintf(client->region, sizeof client->region, "%s",
                       has_region ? region : DEFAULT_REGION);
    return PEN_OK;
}

enum pen_code pen_s3_client_new(const struct pen_s3_options *options,
                                struct pen_s3_client **ret_client, struct pen_error *err)
{
    PEN_CLEANUP(pen_s3_client_free_p) struct pen_s3_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return pen_fail_nomem(err);
    (void)pthread_mutex_init(&client->lock, NULL); /* cannot fail with default attributes */
    client->options = *options;
    if (options->endpoint != NULL && options->endpoint[0] != '\0')
        PEN_TRY(
            s3_endpoint_parse(options->endpoint, options->is_plain_http, &client->endpoint, err));
    else
        PEN_TRY(
            s3_endpoint_of_region(options->region, options->is_plain_http, &client->endpoint, err));
    PEN_TRY(set_region(client, options->region, err));
    client->options.endpoint = client->options.region = NULL;
    *ret_client = PEN_TAKE(client);
    return PEN_OK;
}

void pen_s3_client_free(struct pen_s3_client *client)
{
    if (client == NULL)
        return;
    while (client->homes != NULL) {
        struct s3_home *home = client->homes;
        client->homes = home->next;
        free(home);
    }
    (void)pthread_mutex_destroy(&client->lock);
    free(client);
}

/* ---- buckets in other regions ---- */

static struct s3_home *find_home(struct pen_s3_client *client, const char *bucket)
{
    for (struct s3_home *home = client->homes; home != NULL; home = home->next)
        if (strcmp(home->bucket, bucket) == 0)
            return home;
    return NULL;
}

void s3_client_home(struct pen_s3_client *client, const char *bucket,
                    char ret_region[S3_REGION_TEXT], struct s3_endpoint *ret_endpoint)
{
    (void)snprintf(ret_region, S3_REGION_TEXT, "%s", client->region);
    *ret_endpoint = client->endpoint;
    (void)pthread_mutex_lock(&client->lock);
    const struct s3_home *home = find_home(client, bucket);
    if (home != NULL)
        (void)snprintf(ret_region, S3_REGION_TEXT, "%s", home->region);
    (void)pthread_mutex_unlock(&client->lock);
    if (home == NULL || !client->endpoint.is_aws)
        return; /* an endpoint of one's own stays: only the signature's region changes */
    struct s3_endpoint regional;
    if (s3_endpoint_of_region(ret_region, client->endpoint.is_plain_http, &regional, NULL) ==
        PEN_OK)
        *ret_endpoint = regional;
}

enum pen_code s3_client_move(struct pen_s3_client *client, const char *bucket, const char *region,
                             struct pen_error *err)
{
    size_t len = strlen(bucket);
    struct s3_home *fresh = calloc(1, sizeof *fresh + len + 1);
    if (fresh == NULL)
        return pen_fail_nomem(err);
    memcpy(fresh->bucket, bucket, len);
    (void)pthread_mutex_lock(&client->lock);
    struct s3_home *home = find_home(client, bucket);
    if (home == NULL) {
        home = fresh;
        home->next = client->homes;
        client->homes = home;
        fresh = NULL;
    }
    (void)snprintf(home->region, sizeof home->region, "%s", region);
    (void)pthread_mutex_unlock(&client->lock);
    free(fresh);
    return PEN_OK;
}

/* ---- listing ---- */

static enum pen_code build_list(struct s3_exchange *x, const struct pen_s3_list_request *request,
                                struct pen_error *err)
{
    char max_keys[16];
    (void)snprintf(max_keys, sizeof max_keys, "%d",
                   request->max_keys > 0 ? request->max_keys : 1000);
    PEN_TRY(s3_exchange_query(x, "list-type", "2", err));
    PEN_TRY(s3_exchange_query(x, "encoding-type", "url", err));
    PEN_TRY(s3_exchange_query(x, "max-keys", max_keys, err));
    PEN_TRY(s3_exchange_query(x, "prefix", request->prefix == NULL ? "" : request->prefix, err));
    if (request->continuation != NULL)
        return s3_exchange_query(x, "continuation-token", request->continuation, err);
    if (request->start_after != NULL && request->start_after[0] != '\0')
        return s3_exchange_query(x, "start-after", request->start_after, err);
    return PEN_OK;
}

static enum pen_code read_page(struct pen_http_call *call, struct pen_s3_page *page,
                               struct pen_error *err)
{
    PEN_CLEANUP(s3_page_parse_free_p) struct s3_page_parse *parse = NULL;
    PEN_TRY(s3_page_parse_new(page, &parse, err));
    char bytes[16384];
    for (size_t len = 1; len > 0;) {
        PEN_TRY(pen_http_read(call, bytes, sizeof bytes, &len, err));
        PEN_TRY(s3_page_parse_push(parse, pen_slice(bytes, len), len == 0, err));
    }
    return PEN_OK;
}

/* A page whose body broke off is asked for again, as one whose request failed. */
static enum pen_code fetch_page(struct s3_exchange *x, struct pen_s3_page *page,
                                struct pen_error *err)
{
    struct pen_error failed = {0};
    int status = 0;
    do {
        PEN_TRY(s3_exchange_wait(x, &status, err));
        page->server_utc_us = 0; /* stays so when the reply has no Date that can be read */
        (void)pen_http_date_us(pen_http_header(x->call, "date"), &page->server_utc_us);
        if (read_page(x->call, page, &failed) == PEN_OK)
            return PEN_OK;
        s3_page_clear(page);
    } while (s3_exchange_again(x, &failed, 0));
    if (err != NULL)
        *err = failed;
    return failed.code;
}

enum pen_code pen_s3_list(struct pen_s3_client *client, const struct pen_s3_list_request *request,
                          struct pen_s3_page *page, struct pen_error *err)
{
    PEN_CLEANUP(s3_exchange_release) struct s3_exchange x = {0};
    enum pen_code code =
        s3_exchange_init(&x, client, "GET", request->bucket, NULL, "Listing objects", err);
    if (code == PEN_OK)
        code = build_list(&x, request, err); /* copies the continuation, which may be the page's */
    s3_page_clear(page);
    return code == PEN_OK ? fetch_page(&x, page, err) : code;
}
