#include "unit.h"

#include "base/buf.h"
#include "log/log.h"

#include <sys/stat.h>
#include <unistd.h>

static char path[64];

/* Writes a line of every level for two components and one with awkward bytes; returns the file. */
static char *write_lines(const struct pen_log_options *options)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF((size_t)1 << 20);
    PEN_CLEANUP(pen_log_close_p) struct pen_log *log = NULL;
    (void)snprintf(path, sizeof path, "/tmp/penstock-log-%d", (int)getpid());
    (void)unlink(path); /* usually there is none */
    assert_ok(pen_log_open_file(path, options, &log, err));
    pen_log_write(log, PEN_LOG_ERROR, "run", "failed: %d", 7);
    pen_log_write(log, PEN_LOG_INFO, "run", "line\nend \"quoted\"");
    pen_log_write(log, PEN_LOG_DEBUG, "run", "not traced");
    pen_log_write(log, PEN_LOG_DEBUG, "s3", "traced");
    pen_log_write(NULL, PEN_LOG_ERROR, "run", "nowhere");
    assert_ok(pen_buf_read_file(&text, path, err));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(unlink(path), 0);
    return pen_buf_take(&text);
}

/* Time stamps differ from run to run: their digits become 0. */
static void blank_digits(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= '0' && *text <= '9')
            *text = '0';
}

static void log_writes_text_lines_by_level_and_trace(void **state)
{
    (void)state;
    const struct pen_log_options options = {.level = PEN_LOG_INFO, .trace = "csv,s3"};
    PEN_CLEANUP(pen_free_p) char *text = write_lines(&options);
    blank_digits(text);
    assert_string_equal(text, "0000-00-00T00:00:00.000Z error run: failed: 0\n"
                              "0000-00-00T00:00:00.000Z info  run: line end \"quoted\"\n"
                              "0000-00-00T00:00:00.000Z debug s0: traced\n");
}

static void log_writes_json_lines(void **state)
{
    (void)state;
    const struct pen_log_options options = {.format = PEN_LOG_JSON, .level = PEN_LOG_INFO};
    PEN_CLEANUP(pen_free_p) char *text = write_lines(&options);
    char *second = strchr(text, '\n') + 1;
    blank_digits(text);
    assert_string_equal(second, "{\"ts\":\"0000-00-00T00:00:00.000Z\",\"level\":\"info\","
                                "\"component\":\"run\",\"msg\":\"line\\u000aend "
                                "\\\"quoted\\\"\"}\n");
}

static void log_writes_plain_lines_for_people(void **state)
{
    (void)state;
    const struct pen_log_options options = {.level = PEN_LOG_ERROR, .is_plain = true};
    PEN_CLEANUP(pen_free_p) char *text = write_lines(&options);
    assert_string_equal(text, "failed: 7\n");
}

static void log_wants_traced_components_only(void **state)
{
    (void)state;
    const struct pen_log_options options = {.level = PEN_LOG_WARN, .trace = "s3,csv"};
    PEN_CLEANUP(pen_log_close_p) struct pen_log *log = NULL;
    assert_ok(pen_log_open_fd(2, &options, &log, err));
    assert_true(pen_log_wants(log, PEN_LOG_DEBUG, "s3"));
    assert_true(pen_log_wants(log, PEN_LOG_DEBUG, "csv"));
    assert_false(pen_log_wants(log, PEN_LOG_DEBUG, "s"));
    assert_false(pen_log_wants(log, PEN_LOG_INFO, "s3"));
    assert_true(pen_log_wants(log, PEN_LOG_WARN, "other"));
    assert_int_equal(pen_log_level_from_name("debug"), PEN_LOG_DEBUG);
    assert_int_equal(pen_log_level_from_name("odd"), PEN_LOG_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_writes_text_lines_by_level_and_trace),
        cmocka_unit_test(log_writes_json_lines),
        cmocka_unit_test(log_writes_plain_lines_for_people),
        cmocka_unit_test(log_wants_traced_components_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
