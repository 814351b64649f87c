/* What a place knows, in memory; see place.h. */
#include "app/archive/place.h"

#include <stdlib.h>

#include "base/assert.h"

static char *copy_of(fd_str s)
{
    char *own = strndup(s.p == NULL ? "" : s.p, s.n);
    FD_ALLOCATED(own);
    return own;
}

void fd_archive_index_add(fd_archive_index *index, fd_str name, fd_str json)
{
    index->sets = realloc(index->sets, (index->n_sets + 1) * sizeof *index->sets);
    FD_ALLOCATED(index->sets);
    index->sets[index->n_sets++] = (fd_kv){.key = copy_of(name), .value = copy_of(json)};
}

void fd_archive_index_free(fd_archive_index *index)
{
    for (size_t i = 0; i < index->n_sets; i++) {
        free((void *)(uintptr_t)index->sets[i].key);
        free((void *)(uintptr_t)index->sets[i].value);
    }
    free(index->sets);
    fd_strbuf_free(&index->log);
    *index = (fd_archive_index){0};
}
