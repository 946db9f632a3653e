#include "unit.h"

#include <stdlib.h>

#include "conf/tree.h"
#include "source/discover.h"

/* A source without a world: its configuration and what it says. */
struct rig {
    struct pen_arena arena;
    struct pen_warnings warnings;
    struct pen_source source;
    struct state {
        struct pen_discover discover;
    } state;
    char log[4096];          /* "level: text\n" ... */
    char keys[8192];         /* accepted keys, each followed by a space */
    enum pen_code fail_with; /* what the object function answers */
};

static const struct pen_option table[] = {
    PEN_DISCOVER_OPTIONS(state),
    {.key = "skip_glacier_objects",
     .kind = PEN_OPTION_BOOL,
     .offset = PEN_DISCOVER_AT(state, skip_glacier_objects)},
    {.key = NULL},
};

static void take_log(void *context, const char *level, const char *text)
{
    struct rig *rig = context;
    size_t len = strlen(rig->log);
    (void)snprintf(rig->log + len, sizeof rig->log - len, "%s: %s\n", level, text);
}

static enum pen_code take_object(void *context, const struct pen_object *object,
                                 struct pen_error *err)
{
    struct rig *rig = context;
    size_t len = strlen(rig->keys);
    (void)snprintf(rig->keys + len, sizeof rig->keys - len, "%s ", object->key);
    return rig->fail_with == PEN_OK ? PEN_OK : pen_fail(err, rig->fail_with, "as asked");
}

static enum pen_code rig_open(struct rig *rig, const char *yaml, struct pen_error *err)
{
    memset(rig, 0, sizeof *rig);
    rig->arena = PEN_ARENA((size_t)1 << 20);
    rig->warnings.text = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_node *root = NULL;
    PEN_TRY(pen_tree_parse(pen_slice_str(yaml), "load.yml", &rig->arena, &root, err));
    rig->source.env = (struct pen_source_env){
        .bind = {"load.yml", &rig->arena, &rig->warnings}, .log = take_log, .log_context = rig};
    rig->source.config = root;
    PEN_TRY(pen_options_bind(table, root, "in", NULL, &rig->state, &rig->source.env.bind, err));
    return pen_discover_open(&rig->state.discover, &rig->source, "s3://b/", err);
}

static void rig_close(struct rig *rig)
{
    pen_discover_close(&rig->state.discover);
    pen_buf_release(&rig->warnings.text);
    pen_arena_release(&rig->arena);
}

/* A listing as a table; */
struct row {
    const char *key;
    uint64_t size;
    const char *storage_class;
    int64_t modified_us;
};

struct table_lister {
    const struct row *rows; /* ends with key NULL */
    size_t page_size, at;
    int64_t server_us;
    unsigned pages, restarts;
    int64_t next_server_us; /* after a restart; 0: as before */
    char start_after[64];
    char keys[16][64];
    struct pen_list_entry entries[16];
};

static enum pen_code table_page(void *context, const char *start_after, struct pen_list_page *page,
                                struct pen_error *err)
{
    (void)err;
    struct table_lister *lister = context;
    (void)snprintf(lister->start_after, sizeof lister->start_after, "%s", start_after);
    lister->pages++;
    size_t n = 0;
    for (; n < lister->page_size && lister->rows[lister->at].key != NULL; n++, lister->at++) {
        const struct row *row = &lister->rows[lister->at];
        (void)snprintf(lister->keys[n], sizeof lister->keys[n], "%s", row->key);
        lister->entries[n] =
            (struct pen_list_entry){.object = {.key = lister->keys[n],
                                               .size_bytes = row->size,
                                               .modified_us = row->modified_us},
                                    .storage_class = pen_slice_str(row->storage_class)};
    }
    *page = (struct pen_list_page){lister->entries, n, lister->rows[lister->at].key == NULL,
                                   lister->server_us};
    return PEN_OK;
}

static enum pen_code table_restart(void *context, int64_t wait_ms, struct pen_error *err)
{
    (void)err;
    struct table_lister *lister = context;
    assert_true(wait_ms >= 1000); /* the servers' clocks show whole seconds */
    lister->at = 0;
    lister->restarts++;
    if (lister->next_server_us != 0)
        lister->server_us = lister->next_server_us;
    return PEN_OK;
}

static enum pen_code run(struct rig *rig, const struct row *rows, size_t page_size,
                         unsigned *ret_pages, struct pen_error *err)
{
    struct table_lister lister = {.rows = rows, .page_size = page_size, .server_us = 5000000};
    struct pen_lister interface = {&lister, table_page, table_restart};
    rig->keys[0] = '\0';
    enum pen_code code = pen_discover_list(&rig->state.discover, &interface, take_object, rig, err);
    if (ret_pages != NULL)
        *ret_pages = lister.pages;
    return code;
}

/* lists `rows` with the configuration and compares the accepted keys */
static void assert_lists(const char *yaml, const struct row *rows, const char *expected)
{
    for (size_t page_size = 1; page_size <= 4; page_size++) {
        struct rig rig;
        assert_ok(rig_open(&rig, yaml, err));
        assert_ok(run(&rig, rows, page_size, NULL, err));
        assert_string_equal(rig.keys, expected);
        rig_close(&rig);
    }
}

static const struct row plain[] = {{"d/", 0, "STANDARD", 1000000},
                                   {"d/a.csv", 5, NULL, 2000000},
                                   {"d/b.csv", 0, "STANDARD", 3000000},
                                   {"d/c.txt", 7, "STANDARD", 4000000},
                                   {"d/e.csv", 9, "GLACIER_IR", 4999000},
                                   {"d/f.csv", 1, "STANDARD", 5000000},
                                   {NULL, 0, NULL, 0}};

static void discover_skips_empty_objects_and_takes_the_rest_in_key_order(void **state)
{
    (void)state;
    assert_lists("path_prefix: d/", plain, "d/a.csv d/c.txt d/e.csv d/f.csv ");
    assert_lists("{path_prefix: '', path_match_pattern: \\.csv$}", plain,
                 "d/a.csv d/e.csv d/f.csv ");
}

static void discover_takes_only_keys_after_last_path(void **state)
{
    (void)state;
    assert_lists("{path_prefix: d/, last_path: d/c.txt}", plain, "d/e.csv d/f.csv ");
    assert_lists("{path_prefix: d/, last_path: d/c}", plain, "d/c.txt d/e.csv d/f.csv ");
    assert_lists("{path_prefix: d/, last_path: a}", plain, "d/a.csv d/c.txt d/e.csv d/f.csv ");
    assert_lists("{path_prefix: d/, last_path: ''}", plain, "d/a.csv d/c.txt d/e.csv d/f.csv ");
    assert_lists("{path_prefix: d/, last_path: z}", plain, "");
}

static void discover_asks_the_server_to_start_after_last_path_only_in_name_mode(void **state)
{
    (void)state;
    struct rig rig;
    struct table_lister lister = {.rows = plain, .page_size = 9, .server_us = 1};
    struct pen_lister interface = {&lister, table_page, table_restart};
    assert_ok(rig_open(&rig, "{path_prefix: d/, last_path: d/b}", err));
    assert_ok(pen_discover_list(&rig.state.discover, &interface, take_object, &rig, err));
    assert_string_equal(lister.start_after, "d/b");
    rig_close(&rig);
    assert_ok(rig_open(&rig, "{path_prefix: d/, last_path: d/b, use_modified_time: true}", err));
    lister.at = 0;
    assert_ok(pen_discover_list(&rig.state.discover, &interface, take_object, &rig, err));
    assert_string_equal(lister.start_after, "");
    rig_close(&rig);
}

static void discover_keeps_times_from_inclusive_to_the_servers_clock_exclusive(void **state)
{
    (void)state;
    /* the server's clock is 1970-01-01T00:00:05Z */
    assert_lists("{path_prefix: d/, use_modified_time: true}", plain, "d/a.csv d/c.txt d/e.csv ");
    assert_lists("{path_prefix: d/, use_modified_time: true, last_path: d/z, "
                 "last_modified_time: '1970-01-01T00:00:04.000Z'}",
                 plain, "d/c.txt d/e.csv ");
    assert_lists("{path_prefix: d/, use_modified_time: true, "
                 "last_modified_time: '1970-01-01T00:00:04.001Z'}",
                 plain, "d/e.csv ");
    assert_lists("{path_prefix: d/, use_modified_time: true, "
                 "last_modified_time: '1970-01-01T00:00:05.000Z'}",
                 plain, "");
}

/* lists `plain` by time with such pages; the second reading of the clock is one second later */
static unsigned count_restarts(const char *yaml, size_t page_size, int64_t server_us,
                               const char *expected)
{
    struct rig rig;
    struct table_lister lister = {.rows = plain,
                                  .page_size = page_size,
                                  .server_us = server_us,
                                  .next_server_us = server_us + 1000000};
    struct pen_lister interface = {&lister, table_page, table_restart};
    assert_ok(rig_open(&rig, yaml, err));
    assert_ok(pen_discover_list(&rig.state.discover, &interface, take_object, &rig, err));
    assert_string_equal(rig.keys, expected);
    rig_close(&rig);
    return lister.restarts;
}

static void discover_waits_for_the_next_second_when_objects_of_this_one_may_exist(void **state)
{
    (void)state;
    const char *by_time = "{path_prefix: d/, use_modified_time: true}";
    const char *all = "d/a.csv d/c.txt d/e.csv d/f.csv ";
    assert_int_equal(count_restarts(by_time, 9, 5000000, all), 1); /* d/f.csv is of this second */
    assert_int_equal(count_restarts(by_time, 2, 5000000, all), 1); /* nobody knows what follows */
    assert_int_equal(count_restarts(by_time, 9, 6000000, all), 0);
    assert_int_equal(count_restarts("path_prefix: d/", 2, 5000000, all), 0);
}

static void discover_stops_at_the_limit_with_a_warning(void **state)
{
    (void)state;
    struct rig rig;
    unsigned pages = 0;
    assert_ok(rig_open(&rig, "{path_prefix: d/, total_file_count_limit: 1}", err));
    assert_ok(run(&rig, plain, 1, &pages, err));
    assert_string_equal(rig.keys, "d/a.csv ");
    assert_int_equal(pages, 2); /* later pages are not asked for */
    assert_string_equal(rig.log, "info: Start listing file with prefix [d/]\n"
                                 "warn: Too many files matched, stop listing file\n"
                                 "info: Found total [1] files\n");
    rig_close(&rig);
    assert_ok(rig_open(&rig, "{path_prefix: d/, total_file_count_limit: 0}", err));
    assert_ok(run(&rig, plain, 1, &pages, err));
    assert_string_equal(rig.keys, "");
    assert_int_equal(pages, 2);
    assert_non_null(strstr(rig.log, "warn: Too many files matched, stop listing file\n"));
    rig_close(&rig);
    assert_lists("{path_prefix: d/, total_file_count_limit: '2', path_match_pattern: csv}", plain,
                 "d/a.csv d/e.csv ");
}

static const struct row glacier[] = {{"a", 1, "STANDARD", 1000000},
                                     {"b", 0, "GLACIER", 2000000},
                                     {"c", 1, "DEEP_ARCHIVE", 3000000},
                                     {"d", 1, "STANDARD", 4000000},
                                     {NULL, 0, NULL, 0}};

static void discover_skips_glacier_objects_when_told_to(void **state)
{
    (void)state;
    struct rig rig;
    assert_ok(rig_open(&rig, "{path_prefix: '', skip_glacier_objects: true}", err));
    assert_ok(run(&rig, glacier, 4, NULL, err));
    assert_string_equal(rig.keys, "a d ");
    assert_non_null(strstr(rig.log, "warn: Skipped \"s3://b/b\" that stored at Glacier.\n"
                                    "warn: Skipped \"s3://b/c\" that stored at Glacier.\n"));
    rig_close(&rig);
}

static void assert_glacier_fails(const char *yaml, const char *where)
{
    struct rig rig;
    struct pen_error failed = {0};
    assert_ok(rig_open(&rig, yaml, err));
    assert_int_equal(run(&rig, glacier, 4, NULL, &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.message,
                        "Detected an object stored at Glacier. Set \"skip_glacier_objects\" option "
                        "to \"true\" to skip this.");
    assert_string_equal(failed.where, where);
    rig_close(&rig);
}

static void
discover_fails_on_glacier_before_size_and_pattern_but_after_time_and_marker(void **state)
{
    (void)state;
    assert_glacier_fails("{path_prefix: '', path_match_pattern: nothing}", "s3://b/b");
    assert_glacier_fails("{path_prefix: '', last_path: b}", "s3://b/c");
    assert_lists("{path_prefix: '', last_path: c}", glacier, "d ");
    assert_lists("{path_prefix: '', use_modified_time: true, "
                 "last_modified_time: '1970-01-01T00:00:04.000Z'}",
                 glacier, "d ");
}

static void discover_fails_when_a_listing_repeats_or_goes_backwards(void **state)
{
    (void)state;
    static const struct row repeats[] = {
        {"a", 1, "", 0}, {"b", 1, "", 0}, {"b", 1, "", 0}, {NULL, 0, NULL, 0}};
    static const struct row backwards[] = {
        {"b", 0, "", 0}, {"a\xff", 1, "", 0}, {NULL, 0, NULL, 0}};
    static const struct row foreign[] = {{"other/a", 1, "", 0}, {NULL, 0, NULL, 0}};
    for (size_t page_size = 1; page_size < 4; page_size++) {
        struct rig rig;
        struct pen_error failed = {0};
        assert_ok(rig_open(&rig, "path_prefix: ''", err));
        assert_int_equal(run(&rig, repeats, page_size, NULL, &failed), PEN_ERR_CORRUPT);
        assert_non_null(strstr(failed.message, "'b' came after 'b'"));
        assert_int_equal(run(&rig, backwards, page_size, NULL, &failed), PEN_ERR_CORRUPT);
        rig_close(&rig);
        assert_ok(rig_open(&rig, "path_prefix: d/", err));
        assert_int_equal(run(&rig, foreign, page_size, NULL, &failed), PEN_ERR_CORRUPT);
        rig_close(&rig);
    }
}

static enum pen_code empty_page(void *context, const char *start_after, struct pen_list_page *page,
                                struct pen_error *err)
{
    (void)start_after, (void)err;
    ++*(unsigned *)context;
    *page = (struct pen_list_page){NULL, 0, false, 1};
    return PEN_OK;
}

static void discover_ends_with_an_error_when_pages_stay_empty_for_ever(void **state)
{
    (void)state;
    struct rig rig;
    unsigned pages = 0;
    struct pen_lister interface = {&pages, empty_page, table_restart};
    assert_ok(rig_open(&rig, "path_prefix: ''", err));
    assert_int_equal(pen_discover_list(&rig.state.discover, &interface, take_object, &rig, NULL),
                     PEN_ERR_CORRUPT);
    assert_in_range(pages, 2, 5000);
    rig_close(&rig);
}

static void discover_counts_list_requests_and_advises_from_ten_on(void **state)
{
    (void)state;
    struct row rows[12] = {{0}};
    char keys[12][4];
    for (int i = 0; i < 10; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%d", i);
        rows[i] = (struct row){keys[i], 1, "", 0};
    }
    struct rig rig;
    assert_ok(rig_open(&rig, "{path_prefix: '', use_modified_time: true}", err));
    assert_ok(run(&rig, rows, 1, NULL, err));
    assert_non_null(
        strstr(rig.log, "info: The total number of LIST requests is 10. Clean up your s3 bucket "
                        "to reduce the number of requests and improve the ingesting performance"));
    assert_non_null(strstr(rig.log, "info: Found total [10] files\n"));
    rig.log[0] = '\0';
    assert_ok(run(&rig, rows, 2, NULL, err));
    assert_non_null(strstr(rig.log, "info: The total number of LIST requests is 5.\n"));
    rig_close(&rig);
}

static void discover_hands_on_what_the_receiver_of_objects_says(void **state)
{
    (void)state;
    struct rig rig;
    assert_ok(rig_open(&rig, "path_prefix: ''", err));
    rig.fail_with = PEN_ERR_CANCELLED;
    assert_int_equal(run(&rig, plain, 4, NULL, NULL), PEN_ERR_CANCELLED);
    assert_string_equal(rig.keys, "d/a.csv ");
    rig_close(&rig);
}

static void discover_fails_when_nothing_is_found_and_that_is_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    struct pen_error failed = {0};
    assert_ok(rig_open(&rig, "{path_prefix: d/zz, stop_when_file_not_found: true}", err));
    static const struct row none[] = {{NULL, 0, NULL, 0}};
    assert_int_equal(run(&rig, none, 1, NULL, &failed), PEN_ERR_NOT_FOUND);
    assert_string_equal(failed.where, "s3://b/d/zz");
    assert_non_null(strstr(rig.log, "info: Found total [0] files\n"));
    rig_close(&rig);
    assert_lists("path_prefix: d/zz", none, "");
}

/* `next` after a listing, as JSON */
static void assert_next(const char *yaml, const struct row *rows, const char *expected)
{
    struct rig rig;
    assert_ok(rig_open(&rig, yaml, err));
    if (rig.state.discover.mode == PEN_DISCOVER_PATH) {
        char key[] = "p.csv";
        struct pen_object object = {.key = key};
        assert_ok(pen_discover_begin(&rig.state.discover, 0, take_object, &rig, err));
        assert_ok(pen_discover_add(&rig.state.discover, &object, err));
        assert_ok(pen_discover_end(&rig.state.discover, err));
    } else {
        assert_ok(run(&rig, rows, 3, NULL, err));
    }
    struct pen_node *into = pen_node_new_map(&rig.arena);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(4096);
    assert_ok(pen_discover_next(&rig.state.discover, &rig.arena, into, err));
    assert_ok(pen_tree_write_json(into, false, &json, err));
    assert_string_equal(json.ptr, expected);
    rig_close(&rig);
}

static void discover_tells_the_next_run_where_this_one_ended(void **state)
{
    (void)state;
    assert_next("path_prefix: d/", plain, "{\"last_path\":\"d/f.csv\"}");
    assert_next("{path_prefix: d/, path_match_pattern: a}", plain, "{\"last_path\":\"d/a.csv\"}");
    assert_next("{path_prefix: d/, total_file_count_limit: 2}", plain,
                "{\"last_path\":\"d/c.txt\"}");
    assert_next("{path_prefix: d/, last_path: x}", plain, "{\"last_path\":\"x\"}");
    assert_next("{path_prefix: d/, path_match_pattern: nothing}", plain, "{\"last_path\":null}");
    assert_next("{path_prefix: d/, incremental: false}", plain, "{}");
    assert_next("{path_prefix: d/, use_modified_time: true, incremental: 'false'}", plain, "{}");
    assert_next("{path_prefix: d/, use_modified_time: true}", plain,
                "{\"last_modified_time\":\"1970-01-01T00:00:05.000Z\"}");
    assert_next("{path_prefix: d/, use_modified_time: true, path_match_pattern: nothing}", plain,
                "{\"last_modified_time\":\"1970-01-01T00:00:05.000Z\"}");
    assert_next("path: p.csv", NULL, "{\"last_path\":\"p.csv\"}");
    assert_next("{path: p.csv, path_prefix: ignored}", NULL, "{\"last_path\":\"p.csv\"}");
    assert_next("{path: p.csv, path_match_pattern: q}", NULL, "{\"last_path\":null}");
    assert_next("{path: p.csv, path_match_pattern: q, last_path: o}", NULL,
                "{\"last_path\":\"o\"}");
}

static void discover_logs_last_path_for_the_next_run(void **state)
{
    (void)state;
    struct rig rig;
    assert_ok(rig_open(&rig, "path_prefix: d/", err));
    assert_ok(run(&rig, plain, 3, NULL, err));
    rig.log[0] = '\0';
    struct pen_node *into = pen_node_new_map(&rig.arena);
    assert_ok(pen_discover_next(&rig.state.discover, &rig.arena, into, err));
    assert_string_equal(rig.log, "info: Incremental job, setting last_path to [d/f.csv]\n");
    rig_close(&rig);
    assert_ok(rig_open(&rig, "{path_prefix: d/, path_match_pattern: nothing}", err));
    assert_ok(run(&rig, plain, 3, NULL, err));
    rig.log[0] = '\0';
    into = pen_node_new_map(&rig.arena);
    assert_ok(pen_discover_next(&rig.state.discover, &rig.arena, into, err));
    assert_string_equal(rig.log, "info: Incremental job, setting last_path to []\n");
    rig_close(&rig);
}

static void discover_takes_an_empty_single_object_whatever_its_class(void **state)
{
    (void)state;
    struct rig rig;
    char key[] = "p.csv";
    struct pen_object object = {.key = key};
    assert_ok(rig_open(&rig, "{path: p.csv, use_modified_time: true}", err));
    assert_ok(pen_discover_begin(&rig.state.discover, 0, take_object, &rig, err));
    assert_ok(pen_discover_add(&rig.state.discover, &object, err));
    assert_ok(pen_discover_end(&rig.state.discover, err));
    assert_string_equal(rig.keys, "p.csv ");
    assert_string_equal(rig.log, "info: Start getting object with path: [p.csv]\n"
                                 "info: Found total [1] files\n");
    struct pen_node *into = pen_node_new_map(&rig.arena);
    int64_t before = pen_now_us(), at = 0;
    assert_ok(pen_discover_next(&rig.state.discover, &rig.arena, into, err));
    const struct pen_node *node = pen_node_get(into, "last_modified_time");
    assert_non_null(node);
    assert_true(pen_modified_time_parse(node->text, &at));
    assert_in_range(at, before - 1000, pen_now_us());
    rig_close(&rig);
}

static void assert_open_fails(const char *yaml, const char *message, const char *where)
{
    struct rig rig;
    struct pen_error failed = {0};
    assert_int_equal(rig_open(&rig, yaml, &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.message, message);
    assert_string_equal(failed.where, where);
    rig_close(&rig);
}

static void discover_refuses_wrong_options_with_their_place(void **state)
{
    (void)state;
    assert_open_fails("incremental: true", "Either path or path_prefix is required",
                      "load.yml:1:1");
    assert_open_fails("path_prefix: null", "Either path or path_prefix is required",
                      "load.yml:1:1");
    assert_open_fails("path_prefix: a\n__end_modified_time: x",
                      "'__end_modified_time' must not be set.", "load.yml:2:1");
    assert_open_fails("path_prefix: a\nuse_modified_time: true\n"
                      "last_modified_time: '2019-06-03T10:30:19Z'",
                      "Unsupported DateTime value: '2019-06-03T10:30:19Z', supported formats: "
                      "[yyyy-MM-dd'T'HH:mm:ss.SSS'Z']",
                      "load.yml:3:1");
    assert_open_fails("path_prefix: a\npath_match_pattern: a(b",
                      "path_match_pattern: bad regular expression 'a(b' near index 3: missing "
                      "closing parenthesis",
                      "load.yml:2:1");
}

static void discover_accepts_a_bad_last_modified_time_where_it_is_not_used(void **state)
{
    (void)state;
    assert_lists("{path_prefix: d/, last_modified_time: whatever, path_match_pattern: a}", plain,
                 "d/a.csv ");
}

static void discover_names_key_and_place_when_the_pattern_explodes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", 1, "", 0}, {NULL, 0, NULL, 0}};
    struct rig rig;
    struct pen_error failed = {0};
    assert_ok(rig_open(&rig, "path_prefix: a\npath_match_pattern: ^(a+)+$", err));
    assert_int_equal(run(&rig, rows, 1, NULL, &failed), PEN_ERR_CONFIG);
    assert_non_null(strstr(failed.message, "aaaa!"));
    assert_string_equal(failed.where, "load.yml:2:1");
    rig_close(&rig);
}

static void discover_tells_the_engine_its_wishes(void **state)
{
    (void)state;
    struct rig rig;
    assert_ok(rig_open(&rig, "path_prefix: a", err));
    assert_int_equal(rig.source.min_task_size_bytes, -1);
    assert_false(rig.source.skip_loaded_objects);
    rig_close(&rig);
    assert_ok(
        rig_open(&rig, "{path_prefix: a, min_task_size: -5, skip_loaded_objects: true}", err));
    assert_int_equal(rig.source.min_task_size_bytes, 0);
    assert_true(rig.source.skip_loaded_objects);
    rig_close(&rig);
    assert_ok(rig_open(&rig, "{path_prefix: a, min_task_size: 268435456}", err));
    assert_int_equal(rig.source.min_task_size_bytes, 268435456);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discover_skips_empty_objects_and_takes_the_rest_in_key_order),
        cmocka_unit_test(discover_takes_only_keys_after_last_path),
        cmocka_unit_test(discover_asks_the_server_to_start_after_last_path_only_in_name_mode),
        cmocka_unit_test(discover_keeps_times_from_inclusive_to_the_servers_clock_exclusive),
        cmocka_unit_test(discover_waits_for_the_next_second_when_objects_of_this_one_may_exist),
        cmocka_unit_test(discover_stops_at_the_limit_with_a_warning),
        cmocka_unit_test(discover_skips_glacier_objects_when_told_to),
        cmocka_unit_test(
            discover_fails_on_glacier_before_size_and_pattern_but_after_time_and_marker),
        cmocka_unit_test(discover_fails_when_a_listing_repeats_or_goes_backwards),
        cmocka_unit_test(discover_ends_with_an_error_when_pages_stay_empty_for_ever),
        cmocka_unit_test(discover_counts_list_requests_and_advises_from_ten_on),
        cmocka_unit_test(discover_hands_on_what_the_receiver_of_objects_says),
        cmocka_unit_test(discover_fails_when_nothing_is_found_and_that_is_asked_for),
        cmocka_unit_test(discover_tells_the_next_run_where_this_one_ended),
        cmocka_unit_test(discover_logs_last_path_for_the_next_run),
        cmocka_unit_test(discover_takes_an_empty_single_object_whatever_its_class),
        cmocka_unit_test(discover_refuses_wrong_options_with_their_place),
        cmocka_unit_test(discover_accepts_a_bad_last_modified_time_where_it_is_not_used),
        cmocka_unit_test(discover_names_key_and_place_when_the_pattern_explodes),
        cmocka_unit_test(discover_tells_the_engine_its_wishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
