/* replay.c - runs a fuzz target over a folder of inputs, each also cut short; speaks TAP. */
#include "fuzz.h"

#include <dirent.h>

#include "base/buf.h"

static int compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool run_file(const char *folder, const char *name)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (pen_buf_addf(&path, NULL, "%s/%s", folder, name) != PEN_OK ||
        pen_buf_read_file(&text, path.ptr, NULL) != PEN_OK)
        return false;
    for (size_t cut = text.len; cut > 0; cut -= cut / 8 + 1) {
        /* memory of exactly this length, so that a sanitizer sees a read past its end */
        uint8_t *copy = malloc(cut);
        if (copy == NULL)
            return false;
        memcpy(copy, text.ptr, cut);
        (void)LLVMFuzzerTestOneInput(copy, cut);
        free(copy);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int count = argc == 2 ? scandir(argv[1], &entries, visible, compare) : -1;
    if (count <= 0) {
        (void)fprintf(stderr, "usage: %s FOLDER-WITH-INPUTS\n", argv[0]);
        return 1;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        bool is_ok = run_file(argv[1], entries[i]->d_name);
        printf("%s %d - %s\n", is_ok ? "ok" : "not ok", i + 1, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}
