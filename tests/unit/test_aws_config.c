#include "unit.h"

#include <stdlib.h>

#include "aws/aws_config.h"
#include "temp_folder.h"

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(temp_path(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int start(void **state)
{
    static const char *const names[] = {"AWS_PROFILE",
                                        "AWS_DEFAULT_PROFILE",
                                        "AWS_REGION",
                                        "AWS_DEFAULT_REGION",
                                        "AWS_ENDPOINT_URL",
                                        "AWS_ENDPOINT_URL_S3",
                                        "AWS_CONFIG_FILE",
                                        "AWS_SHARED_CREDENTIALS_FILE",
                                        "AWS_CREDENTIAL_PROFILES_FILE",
                                        "AWS_ENDPOINT_URL_STS",
                                        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unsetenv(names[i]);
    return temp_folder_make(state);
}

static struct pen_aws_files *read_files(void)
{
    struct pen_aws_files *files = NULL;
    (void)setenv("AWS_SHARED_CREDENTIALS_FILE", temp_path("credentials"), 1);
    (void)setenv("AWS_CONFIG_FILE", temp_path("config"), 1);
    assert_ok(pen_aws_files_read(NULL, &files, err));
    return files;
}

static void files_join_both_files_and_the_credentials_file_wins(void **state)
{
    (void)state;
    write_file("credentials",
               "\xef\xbb\xbf; comment\r\n[default]\r\naws_access_key_id = A#1 ; note\r\n"
               "AWS_Secret_Access_Key=s=e/c+r\r\n\r\n[other]\naws_access_key_id=B\n");
    write_file("config", "[default]\nregion = eu-west-1\naws_access_key_id = LOSES\n"
                         "[profile other]\nregion=ap-northeast-1 # Tokyo\n"
                         "[bare]\nregion = x\n[profile \"with space\"]\nregion = y\n");
    PEN_CLEANUP(pen_aws_files_free_p) struct pen_aws_files *files = read_files();
    assert_string_equal(pen_aws_files_get(files, "default", "aws_access_key_id"), "A#1");
    assert_string_equal(pen_aws_files_get(files, "default", "aws_secret_access_key"), "s=e/c+r");
    assert_string_equal(pen_aws_files_get(files, "default", "region"), "eu-west-1");
    assert_string_equal(pen_aws_files_get(files, "other", "aws_access_key_id"), "B");
    assert_string_equal(pen_aws_files_get(files, "other", "region"), "ap-northeast-1");
    assert_string_equal(pen_aws_files_get(files, "with space", "region"), "y");
    assert_false(pen_aws_files_has(files, "bare"));
    assert_true(pen_aws_files_has(files, "other"));
    assert_null(pen_aws_files_get(files, "none", "region"));
}

static void files_are_empty_when_the_usual_ones_do_not_exist(void **state)
{
    (void)state;
    (void)remove(temp_path("credentials"));
    (void)remove(temp_path("config"));
    PEN_CLEANUP(pen_aws_files_free_p) struct pen_aws_files *files = read_files();
    assert_false(pen_aws_files_has(files, "default"));
    assert_non_null(strstr(pen_aws_files_paths(files), "/credentials and "));
}

static void files_fail_with_place_when_a_line_makes_no_sense(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"[default]\nregion = x\nnonsense\n", "bad:3"},
        {"key = 1\n", "bad:1"},
        {"[default\n", "bad:1"},
        {"[default]\n= 1\n", "bad:2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("bad", cases[i].text);
        struct pen_aws_files *files = NULL;
        struct pen_error failed = {0};
        assert_int_equal(pen_aws_files_read(temp_path("bad"), &files, &failed), PEN_ERR_CONFIG);
        assert_non_null(strstr(failed.where, cases[i].place));
    }
    struct pen_aws_files *files = NULL;
    assert_int_equal(pen_aws_files_read(temp_path("missing"), &files, NULL), PEN_ERR_NOT_FOUND);
}

static void region_is_option_then_environment_then_profile(void **state)
{
    (void)state;
    write_file("credentials", "");
    write_file("config", "[profile p]\nregion = from-profile\n");
    PEN_CLEANUP(pen_aws_files_free_p) struct pen_aws_files *files = read_files();
    assert_null(pen_aws_region(NULL, files, "default"));
    assert_string_equal(pen_aws_region(NULL, files, "p"), "from-profile");
    (void)setenv("AWS_DEFAULT_REGION", "from-default", 1);
    assert_string_equal(pen_aws_region(NULL, files, "p"), "from-default");
    (void)setenv("AWS_REGION", "from-env", 1);
    assert_string_equal(pen_aws_region(NULL, files, "p"), "from-env");
    assert_string_equal(pen_aws_region("explicit", files, "p"), "explicit");
    (void)unsetenv("AWS_REGION");
    (void)unsetenv("AWS_DEFAULT_REGION");
}

static void endpoint_is_service_then_global_then_services_section_then_profile(void **state)
{
    (void)state;
    write_file("credentials", "");
    write_file("config", "[profile p]\nservices = local\nendpoint_url = http://profile\n"
                         "[profile q]\nendpoint_url = http://q\n"
                         "[profile r]\nendpoint_url = http://r\n"
                         "ignore_configured_endpoint_urls = true\n"
                         "[services local]\ns3 =\n  endpoint_url = http://s3-section\n"
                         "  other = 1\nsts =\n  endpoint_url = http://sts-section\n");
    PEN_CLEANUP(pen_aws_files_free_p) struct pen_aws_files *files = read_files();
    assert_null(pen_aws_endpoint("s3", files, "default"));
    assert_string_equal(pen_aws_endpoint("s3", files, "p"), "http://s3-section");
    assert_string_equal(pen_aws_endpoint("sts", files, "p"), "http://sts-section");
    assert_string_equal(pen_aws_endpoint("s3", files, "q"), "http://q");
    assert_null(pen_aws_endpoint("s3", files, "r"));
    (void)setenv("AWS_ENDPOINT_URL", "http://all", 1);
    assert_string_equal(pen_aws_endpoint("s3", files, "p"), "http://all");
    (void)setenv("AWS_ENDPOINT_URL_S3", "http://s3", 1);
    assert_string_equal(pen_aws_endpoint("s3", NULL, NULL), "http://s3");
    assert_string_equal(pen_aws_endpoint("sts", NULL, NULL), "http://all");
    (void)setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
    assert_null(pen_aws_endpoint("s3", files, "p"));
    (void)unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    (void)unsetenv("AWS_ENDPOINT_URL");
    (void)unsetenv("AWS_ENDPOINT_URL_S3");
}

static void profile_name_is_option_then_environment_then_default(void **state)
{
    (void)state;
    assert_string_equal(pen_aws_profile_name(NULL), "default");
    (void)setenv("AWS_PROFILE", "from-env", 1);
    assert_string_equal(pen_aws_profile_name(NULL), "from-env");
    assert_string_equal(pen_aws_profile_name("mine"), "mine");
    (void)unsetenv("AWS_PROFILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_join_both_files_and_the_credentials_file_wins),
        cmocka_unit_test(files_are_empty_when_the_usual_ones_do_not_exist),
        cmocka_unit_test(files_fail_with_place_when_a_line_makes_no_sense),
        cmocka_unit_test(region_is_option_then_environment_then_profile),
        cmocka_unit_test(endpoint_is_service_then_global_then_services_section_then_profile),
        cmocka_unit_test(profile_name_is_option_then_environment_then_default),
    };
    return cmocka_run_group_tests(tests, start, temp_folder_remove);
}
