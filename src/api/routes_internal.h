/* routes_internal.h - the route tables of the routes_*.c files; each ends with method NULL. */
#ifndef PEN_API_ROUTES_INTERNAL_H
#define PEN_API_ROUTES_INTERNAL_H

#include "api/api.h"

extern const struct pen_api_route pen_routes_access[];
extern const struct pen_api_route pen_routes_connection[];
extern const struct pen_api_route pen_routes_health[];
extern const struct pen_api_route pen_routes_user[];

#endif
