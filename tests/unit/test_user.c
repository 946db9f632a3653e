#include "unit.h"

#include "db_rig.h"
#include "meta/audit.h"
#include "meta/user.h"
#include "vault/password.h"

static int64_t add_user(const char *name, enum pen_role role)
{
    int64_t id = 0;
    struct pen_user user = {.name = name, .role = role, .password_hash = "h", .created_us = 5};
    assert_ok(pen_user_create(db, &user, &id, err));
    return id;
}

static struct pen_slice digest_of(const char *token)
{
    static uint8_t digest[PEN_TOKEN_DIGEST];
    pen_token_digest(pen_slice_str(token), digest);
    return pen_slice((const char *)digest, sizeof digest);
}

static int64_t add_token(const char *text, enum pen_token_kind kind, int64_t user_id,
                         int64_t expires_us)
{
    int64_t id = 0;
    struct pen_token token = {.kind = kind,
                              .user_id = user_id,
                              .digest = digest_of(text),
                              .label = "laptop",
                              .hint = "pen_ab",
                              .created_us = 10,
                              .expires_us = expires_us};
    assert_ok(pen_token_add(db, &token, &id, err));
    return id;
}

static bool finds(const char *text, int64_t now_us, struct pen_token *ret_token)
{
    bool is_found = false;
    assert_ok(pen_token_find(db, digest_of(text), now_us, &arena, ret_token, &is_found, err));
    return is_found;
}

static void users_have_names_and_roles(void **state)
{
    (void)state;
    struct pen_user user = {0}, *list = NULL;
    size_t count = 0;
    assert_int_equal(add_user("zoe", PEN_ROLE_ADMIN), 1);
    assert_int_equal(add_user("adam", PEN_ROLE_VIEWER), 2);
    assert_ok(pen_user_get(db, "zoe", &arena, &user, err));
    assert_int_equal(user.role, PEN_ROLE_ADMIN);
    assert_string_equal(user.password_hash, "h");
    assert_int_equal(user.created_us, 5);
    assert_ok(pen_user_list(db, &arena, &list, &count, err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "adam");
    assert_int_equal(pen_user_get(db, "eve", &arena, &user, NULL), PEN_ERR_NOT_FOUND);
}

static void user_is_refused_when_name_is_taken_or_odd(void **state)
{
    (void)state;
    static const char *const odd[] = {"", "a b", "a/b", "a\nb", "\xc3\xa9", "a'b"};
    add_user("zoe", PEN_ROLE_ADMIN);
    struct pen_user twin = {.name = "zoe", .role = PEN_ROLE_VIEWER};
    assert_int_equal(pen_user_create(db, &twin, NULL, NULL), PEN_ERR_CONFLICT);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct pen_user user = {.name = odd[i], .role = PEN_ROLE_VIEWER};
        assert_int_equal(pen_user_create(db, &user, NULL, NULL), PEN_ERR_CONFIG);
    }
}

static void last_admin_stays(void **state)
{
    (void)state;
    struct pen_user_change demote = {.role = PEN_ROLE_VIEWER, .is_disabled = -1};
    struct pen_user_change disable = {.is_disabled = 1};
    add_user("zoe", PEN_ROLE_ADMIN);
    add_user("adam", PEN_ROLE_OPERATOR);
    assert_int_equal(pen_user_update(db, "zoe", &demote, NULL), PEN_ERR_CONFLICT);
    assert_int_equal(pen_user_update(db, "zoe", &disable, NULL), PEN_ERR_CONFLICT);
    assert_int_equal(pen_user_delete(db, "zoe", NULL), PEN_ERR_CONFLICT);
    struct pen_user user = {0};
    assert_ok(pen_user_get(db, "zoe", &arena, &user, err));
    assert_int_equal(user.role, PEN_ROLE_ADMIN);
    assert_false(user.is_disabled);
    struct pen_user_change promote = {.role = PEN_ROLE_ADMIN, .is_disabled = -1};
    assert_ok(pen_user_update(db, "adam", &promote, err));
    assert_ok(pen_user_delete(db, "zoe", err));
}

static void token_stands_for_its_user_until_it_ends(void **state)
{
    (void)state;
    struct pen_token token = {0};
    int64_t zoe = add_user("zoe", PEN_ROLE_ADMIN), adam = add_user("adam", PEN_ROLE_VIEWER);
    add_token("key of zoe", PEN_TOKEN_KEY, zoe, 0);
    add_token("session of adam", PEN_TOKEN_SESSION, adam, 100);
    assert_true(finds("key of zoe", 1000000, &token));
    assert_string_equal(token.user_name, "zoe");
    assert_int_equal(token.role, PEN_ROLE_ADMIN);
    assert_int_equal(token.kind, PEN_TOKEN_KEY);
    assert_true(finds("session of adam", 99, &token));
    assert_int_equal(token.kind, PEN_TOKEN_SESSION);
    assert_false(finds("session of adam", 100, &token));
    assert_false(finds("key of zo", 50, &token));
    assert_ok(pen_token_touch(db, token.token_id, 60, 500, err));
    assert_true(finds("session of adam", 400, &token));
    assert_int_equal(token.used_us, 60);
}

static void tokens_end_with_their_users_rights(void **state)
{
    (void)state;
    struct pen_token token = {0};
    add_user("zoe", PEN_ROLE_ADMIN);
    int64_t adam = add_user("adam", PEN_ROLE_VIEWER);
    struct pen_user_change password = {.password_hash = "new", .is_disabled = -1};
    struct pen_user_change disable = {.is_disabled = 1}, enable = {.is_disabled = 0};
    add_token("k", PEN_TOKEN_KEY, adam, 0);
    add_token("s", PEN_TOKEN_SESSION, adam, 1000);
    assert_ok(pen_user_update(db, "adam", &password, err));
    assert_false(finds("s", 1, &token));
    assert_true(finds("k", 1, &token));
    assert_ok(pen_user_update(db, "adam", &disable, err));
    assert_false(finds("k", 1, &token));
    assert_ok(pen_user_update(db, "adam", &enable, err));
    assert_true(finds("k", 1, &token));
    assert_ok(pen_user_delete(db, "adam", err));
    assert_false(finds("k", 1, &token));
}

static void link_works_once_and_not_for_ever(void **state)
{
    (void)state;
    struct pen_token token = {0};
    bool is_valid = false;
    add_token("older", PEN_TOKEN_LINK, 0, 100);
    add_token("l", PEN_TOKEN_LINK, 0, 100);
    assert_ok(pen_token_take(db, digest_of("older"), 1, &is_valid, err));
    assert_false(is_valid);
    assert_false(finds("l", 1, &token)); /* a link is no key */
    assert_ok(pen_token_take(db, digest_of("l"), 100, &is_valid, err));
    assert_false(is_valid);
    assert_ok(pen_token_take(db, digest_of("l"), 99, &is_valid, err));
    assert_true(is_valid);
    assert_ok(pen_token_take(db, digest_of("l"), 99, &is_valid, err));
    assert_false(is_valid);
}

static void keys_are_listed_and_deleted_by_their_owner(void **state)
{
    (void)state;
    struct pen_token *list = NULL;
    size_t count = 0;
    int64_t zoe = add_user("zoe", PEN_ROLE_ADMIN), adam = add_user("adam", PEN_ROLE_VIEWER);
    int64_t key = add_token("a", PEN_TOKEN_KEY, adam, 0);
    add_token("b", PEN_TOKEN_KEY, zoe, 0);
    add_token("c", PEN_TOKEN_SESSION, adam, 100);
    assert_ok(pen_token_list(db, 0, &arena, &list, &count, err));
    assert_int_equal(count, 2);
    assert_ok(pen_token_list(db, adam, &arena, &list, &count, err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].label, "laptop");
    assert_string_equal(list[0].hint, "pen_ab");
    assert_int_equal(pen_token_delete(db, key, zoe, NULL), PEN_ERR_NOT_FOUND);
    assert_ok(pen_token_delete(db, key, adam, err));
    assert_ok(pen_token_sweep(db, 100, err));
    assert_ok(pen_token_list(db, adam, &arena, &list, &count, err));
    assert_int_equal(count, 0);
}

static void add_login(const char *name, const char *peer, int64_t at_us, int64_t status)
{
    struct pen_audit entry = {.at_us = at_us,
                              .user_name = "",
                              .action = "login",
                              .subject = name,
                              .peer = peer,
                              .status = status};
    assert_ok(pen_audit_add(db, &entry, err));
}

static void failed_logins_are_counted_by_name_and_address(void **state)
{
    (void)state;
    int64_t of_name = 0, of_peer = 0;
    add_login("zoe", "10.0.0.1", 10, 401);
    add_login("zoe", "10.0.0.2", 20, 401);
    add_login("adam", "10.0.0.2", 30, 401);
    add_login("zoe", "10.0.0.2", 40, 200);
    assert_ok(pen_audit_failed_logins(db, "zoe", "10.0.0.2", 15, &of_name, &of_peer, err));
    assert_int_equal(of_name, 1);
    assert_int_equal(of_peer, 2);
}

static void audit_is_read_newest_first_in_pages(void **state)
{
    (void)state;
    struct pen_audit *list = NULL;
    size_t count = 0;
    for (int i = 1; i <= 5; i++)
        add_login("zoe", "p", i, 200);
    struct pen_audit_filter filter = {.max = 2};
    assert_ok(pen_audit_list(db, &filter, &arena, &list, &count, err));
    assert_int_equal(count, 2);
    assert_int_equal(list[0].at_us, 5);
    filter.before_id = list[1].audit_id;
    assert_ok(pen_audit_list(db, &filter, &arena, &list, &count, err));
    assert_int_equal(list[0].at_us, 3);
    assert_string_equal(list[0].subject, "zoe");
}

static void password_fits_only_itself(void **state)
{
    (void)state;
    char hash[PEN_PASSWORD_HASH], again[PEN_PASSWORD_HASH];
    assert_ok(pen_password_hash(PEN_LIT("correct horse"), hash, err));
    assert_ok(pen_password_hash(PEN_LIT("correct horse"), again, err));
    assert_string_not_equal(hash, again);
    assert_null(strstr(hash, "horse"));
    assert_non_null(strstr(hash, "$argon2id$"));
    assert_true(pen_password_fits(hash, PEN_LIT("correct horse")));
    assert_false(pen_password_fits(hash, PEN_LIT("correct horsE")));
    assert_false(pen_password_fits(hash, PEN_LIT("")));
    assert_false(pen_password_fits("", PEN_LIT("correct horse")));
    assert_false(pen_password_fits(NULL, PEN_LIT("")));
    assert_int_equal(pen_password_hash(PEN_LIT("short"), hash, NULL), PEN_ERR_CONFIG);
    assert_int_equal(pen_password_hash(PEN_LIT("\xff\xfe\xfd 89012345"), hash, NULL),
                     PEN_ERR_CONFIG);
}

static void tokens_differ_and_derive(void **state)
{
    (void)state;
    char a[PEN_TOKEN_TEXT], b[PEN_TOKEN_TEXT], of_a[PEN_TOKEN_TEXT], again[PEN_TOKEN_TEXT];
    pen_token_make(a);
    pen_token_make(b);
    assert_int_equal(strlen(a), PEN_TOKEN_TEXT - 1);
    assert_string_not_equal(a, b);
    pen_token_derive(pen_slice_str(a), "csrf", of_a);
    pen_token_derive(pen_slice_str(a), "csrf", again);
    assert_string_equal(of_a, again);
    assert_string_not_equal(of_a, a);
    pen_token_derive(pen_slice_str(b), "csrf", again);
    assert_string_not_equal(of_a, again);
    pen_token_derive(pen_slice_str(a), "other", again);
    assert_string_not_equal(of_a, again);
    assert_true(pen_secret_equal(pen_slice_str(a), pen_slice_str(a)));
    assert_false(pen_secret_equal(pen_slice_str(a), pen_slice_str(b)));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(users_have_names_and_roles),
        CASE(user_is_refused_when_name_is_taken_or_odd),
        CASE(last_admin_stays),
        CASE(token_stands_for_its_user_until_it_ends),
        CASE(tokens_end_with_their_users_rights),
        CASE(link_works_once_and_not_for_ever),
        CASE(keys_are_listed_and_deleted_by_their_owner),
        CASE(failed_logins_are_counted_by_name_and_address),
        CASE(audit_is_read_newest_first_in_pages),
        cmocka_unit_test(password_fits_only_itself),
        cmocka_unit_test(tokens_differ_and_derive),
    };
    return cmocka_run_group_tests_name("user", tests, temp_folder_make, temp_folder_remove);
}
