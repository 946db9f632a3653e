/* duck_session.h - a query session from the inside. Private to duck/. */
#ifndef PEN_DUCK_DUCK_SESSION_H
#define PEN_DUCK_DUCK_SESSION_H

#include "duck/duck_internal.h"
#include "duck/duck_query.h"

struct pen_duck_session {
    struct pen_duck *duck;
    duckdb_connection connection;
    struct pen_arena arena; /* texts of the views */
    struct pen_duck_view *views;
    bool *is_made; /* per view: it reads its files already */
    size_t view_count;
};

/* pen_duck_session_make_tables - the tables whose names the text holds become readable. */
PEN_MUST_USE enum pen_code pen_duck_session_make_tables(struct pen_duck_session *session,
                                                        struct pen_slice text,
                                                        struct pen_error *err);

#endif
