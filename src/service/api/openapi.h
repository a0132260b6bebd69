/* doc/openapi.json, compiled in by tool/embed. */
#ifndef SLUICE_SERVICE_API_OPENAPI_H
#define SLUICE_SERVICE_API_OPENAPI_H

#include <stddef.h>

extern const unsigned char openapi_json[];
extern const size_t openapi_json_len;

#endif
