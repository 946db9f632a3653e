#include "unit.h"

#include "temp_folder.h"
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PURPOSE  "test value"
#define OVERHEAD 41

static char home[300];

static int make_home(void **state)
{
    static int number;
    (void)state;
    snprintf(home, sizeof home, "%s/home%d", temp_folder, ++number);
    return mkdir(home, 0700);
}

static const char *key_path(void)
{
    static char path[320];
    snprintf(path, sizeof path, "%s/secret.key", home);
    return path;
}

static struct pen_vault *open_vault(void)
{
    struct pen_vault *vault = NULL;
    assert_ok(pen_vault_open(home, &vault, err));
    return vault;
}

static struct pen_buf seal(const struct pen_vault *vault, struct pen_slice plain)
{
    struct pen_buf sealed = PEN_BUF((size_t)1 << 20);
    assert_ok(pen_vault_seal(vault, PURPOSE, plain, &sealed, err));
    return sealed;
}

static void key_is_made_once_and_only_for_its_owner(void **state)
{
    (void)state;
    pen_vault_free(open_vault());
    struct stat info;
    assert_int_equal(stat(key_path(), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, 32);
    char first[32], second[32];
    int fd = open(key_path(), O_RDONLY);
    assert_int_equal(read(fd, first, 32), 32);
    pen_vault_free(open_vault());
    assert_int_equal(pread(fd, second, 32, 0), 32);
    close(fd);
    assert_memory_equal(first, second, 32);
}

static void key_that_others_can_read_is_refused_with_advice(void **state)
{
    (void)state;
    pen_vault_free(open_vault());
    static const mode_t modes[] = {0640, 0604, 0620, 0601, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct pen_vault *vault = NULL;
        struct pen_error err = {0};
        assert_int_equal(chmod(key_path(), modes[i]), 0);
        assert_int_equal(pen_vault_open(home, &vault, &err), PEN_ERR_AUTH);
        assert_null(vault);
        assert_string_equal(err.message, "the key file can be read by others");
        assert_string_equal(err.where, key_path());
        assert_non_null(strstr(err.hint, "chmod 600"));
    }
    assert_int_equal(chmod(key_path(), 0400), 0);
    pen_vault_free(open_vault());
}

static void key_of_another_length_or_behind_a_link_is_refused(void **state)
{
    (void)state;
    struct pen_vault *vault = NULL;
    static const off_t sizes[] = {0, 31, 33};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int fd = open(key_path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(ftruncate(fd, sizes[i]), 0);
        close(fd);
        assert_int_equal(pen_vault_open(home, &vault, NULL), PEN_ERR_CORRUPT);
    }
    char elsewhere[340];
    snprintf(elsewhere, sizeof elsewhere, "%s.real", key_path());
    assert_int_equal(truncate(key_path(), 32), 0);
    assert_int_equal(rename(key_path(), elsewhere), 0);
    assert_int_equal(symlink(elsewhere, key_path()), 0);
    assert_int_equal(pen_vault_open(home, &vault, NULL), PEN_ERR_IO);
}

static void sealed_bytes_come_back_whatever_they_are(void **state)
{
    (void)state;
    struct pen_vault *vault = open_vault();
    static char bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 + (i >> 8));
    static const size_t lengths[] = {0, 1, 16, 17, 4096, sizeof bytes};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct pen_buf sealed = seal(vault, pen_slice(bytes, lengths[i]));
        struct pen_buf plain = PEN_BUF((size_t)1 << 20);
        assert_int_equal(sealed.len, lengths[i] + OVERHEAD);
        assert_int_equal(sealed.ptr[0], 1);
        assert_ok(pen_vault_unseal(vault, PURPOSE, pen_buf_slice(&sealed), &plain, err));
        assert_true(pen_slice_equal(pen_buf_slice(&plain), pen_slice(bytes, lengths[i])));
        pen_vault_wipe(&plain);
        assert_null(plain.ptr);
        pen_buf_release(&sealed);
    }
    pen_vault_free(vault);
}

static void same_bytes_sealed_twice_differ_and_hide_their_content(void **state)
{
    (void)state;
    struct pen_vault *vault = open_vault();
    struct pen_slice plain = pen_slice_str("secret_access_key: hunter2 hunter2");
    struct pen_buf a = seal(vault, plain), b = seal(vault, plain);
    assert_false(pen_slice_equal(pen_buf_slice(&a), pen_buf_slice(&b)));
    assert_null(memmem(a.ptr, a.len, "hunter2", 7));
    pen_buf_release(&a);
    pen_buf_release(&b);
    pen_vault_free(vault);
}

static void assert_closed(const struct pen_vault *vault, const char *purpose,
                          struct pen_slice sealed)
{
    struct pen_buf plain = PEN_BUF((size_t)1 << 20);
    assert_int_equal(pen_vault_unseal(vault, purpose, sealed, &plain, NULL), PEN_ERR_CORRUPT);
    assert_int_equal(plain.len, 0);
    pen_buf_release(&plain);
}

static void every_changed_bit_and_every_cut_is_noticed(void **state)
{
    (void)state;
    struct pen_vault *vault = open_vault();
    struct pen_buf sealed = seal(vault, pen_slice_str("some text"));
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.ptr[bit / 8] = (char)(sealed.ptr[bit / 8] ^ (1 << (bit % 8)));
        assert_closed(vault, PURPOSE, pen_buf_slice(&sealed));
        sealed.ptr[bit / 8] = (char)(sealed.ptr[bit / 8] ^ (1 << (bit % 8)));
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_closed(vault, PURPOSE, pen_slice(sealed.ptr, len));
    assert_closed(vault, "another purpose", pen_buf_slice(&sealed));
    pen_buf_release(&sealed);
    pen_vault_free(vault);
}

static void another_key_does_not_open_it_and_the_error_says_why(void **state)
{
    (void)state;
    struct pen_vault *vault = open_vault();
    struct pen_buf sealed = seal(vault, pen_slice_str("some text"));
    pen_vault_free(vault);
    assert_int_equal(unlink(key_path()), 0);
    vault = open_vault();
    struct pen_buf plain = PEN_BUF((size_t)1 << 20);
    struct pen_error err = {0};
    assert_int_equal(pen_vault_unseal(vault, PURPOSE, pen_buf_slice(&sealed), &plain, &err),
                     PEN_ERR_CORRUPT);
    assert_string_equal(err.message, "the sealed test value cannot be opened");
    assert_non_null(strstr(err.hint, "secret.key"));
    pen_buf_release(&sealed);
    pen_buf_release(&plain);
    pen_vault_free(vault);
}

/* Each child seals with the key it got; the parent's key opens all of it. */
static void many_processes_at_once_get_one_key(void **state)
{
    (void)state;
    enum { CHILDREN = 8 };
    int pipes[CHILDREN][2], gate[2];
    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child != 0)
            continue;
        char go;
        close(gate[1]);
        (void)!read(gate[0], &go, 1); /* ends when the parent closes the gate */
        struct pen_vault *vault = NULL;
        struct pen_buf sealed = PEN_BUF((size_t)1 << 20);
        bool is_done =
            pen_vault_open(home, &vault, NULL) == PEN_OK &&
            pen_vault_seal(vault, PURPOSE, pen_slice_str("x"), &sealed, NULL) == PEN_OK &&
            write(pipes[i][1], sealed.ptr, sealed.len) == (ssize_t)sealed.len;
        _exit(is_done ? 0 : 1);
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct pen_vault *vault = open_vault();
    for (int i = 0; i < CHILDREN; i++) {
        char sealed[1 + OVERHEAD];
        struct pen_buf plain = PEN_BUF(100);
        assert_int_equal(read(pipes[i][0], sealed, sizeof sealed), sizeof sealed);
        assert_ok(pen_vault_unseal(vault, PURPOSE, pen_slice(sealed, sizeof sealed), &plain, err));
        pen_buf_release(&plain);
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
    pen_vault_free(vault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(key_is_made_once_and_only_for_its_owner, make_home),
        cmocka_unit_test_setup(key_that_others_can_read_is_refused_with_advice, make_home),
        cmocka_unit_test_setup(key_of_another_length_or_behind_a_link_is_refused, make_home),
        cmocka_unit_test_setup(sealed_bytes_come_back_whatever_they_are, make_home),
        cmocka_unit_test_setup(same_bytes_sealed_twice_differ_and_hide_their_content, make_home),
        cmocka_unit_test_setup(every_changed_bit_and_every_cut_is_noticed, make_home),
        cmocka_unit_test_setup(another_key_does_not_open_it_and_the_error_says_why, make_home),
        cmocka_unit_test_setup(many_processes_at_once_get_one_key, make_home),
    };
    return cmocka_run_group_tests_name("vault", tests, temp_folder_make, temp_folder_remove);
}
