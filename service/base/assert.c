/* The one way out of a broken invariant. Any thread. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void fd_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "fraudd: assertion failed: %s:%d: %s\n", file, line, what);
    abort();
}
