#include "base/arena.h"
#include "db/db.h"

enum pen_code pen_stmt_list(struct pen_stmt *stmt, const struct pen_row_reader *reader,
                            struct pen_arena *arena, void *ret_items, size_t *ret_count,
                            struct pen_error *err)
{
    void *items = NULL;
    size_t count = 0;
    for (;;) {
        bool has_row = false;
        PEN_TRY(pen_stmt_step(stmt, &has_row, err));
        if (!has_row)
            break;
        PEN_TRY(pen_arena_grow(arena, &items, count, reader->item_bytes, err));
        void *item = (char *)items + count++ * reader->item_bytes;
        PEN_TRY(reader->read(stmt, arena, reader->context, item, err));
    }
    memcpy(ret_items, &items, sizeof items);
    *ret_count = count;
    return PEN_OK;
}
