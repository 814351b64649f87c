/* Time zones by name, from data that is part of the program. Pure functions, any thread. */
#ifndef FD_LANG_ZONE_H
#define FD_LANG_ZONE_H

#include "base/str.h"

typedef struct fd_zone {
    const unsigned char *at; /* into the data */
} fd_zone;

/* False when there is no zone of that name; names are those of the IANA database, as written. */
bool fd_zone_find(fd_str name, fd_zone *out);
/* Seconds east of UTC at a moment, given in seconds since 1970. */
int32_t fd_zone_offset(const fd_zone *zone, int64_t seconds);
/* The release of the database, e.g. "2025b". */
const char *fd_zone_version(void);

#endif
