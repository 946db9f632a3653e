/* routes_internal.h - the route tables of the routes_*.c files; each ends with method NULL. */
#ifndef PEN_API_ROUTES_INTERNAL_H
#define PEN_API_ROUTES_INTERNAL_H

#include "api/api.h"

extern const struct pen_api_route pen_routes_access[];
extern const struct pen_api_route pen_routes_connection[];
extern const struct pen_api_route pen_routes_console[];
extern const struct pen_api_route pen_routes_health[];
extern const struct pen_api_route pen_routes_issue[];
extern const struct pen_api_route pen_routes_job[];
extern const struct pen_api_route pen_routes_result[];
extern const struct pen_api_route pen_routes_schedule[];
extern const struct pen_api_route pen_routes_table[];
extern const struct pen_api_route pen_routes_user[];

#endif
