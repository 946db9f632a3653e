/* api_routes.c - the list of route tables: a new file of routes = one line here. */
#include "api/routes_internal.h"

const struct pen_api_route *const pen_api_route_groups[] = {
    pen_routes_access,
    pen_routes_connection,
    pen_routes_console,
    pen_routes_health,
    pen_routes_issue,
    pen_routes_job,
    pen_routes_result,
    pen_routes_schedule,
    pen_routes_table,
    pen_routes_user,
    NULL,
};
