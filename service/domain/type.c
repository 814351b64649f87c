/* Look-ups in the event catalogue; see type.h. Any thread. */
#include "domain/type.h"

#include "base/assert.h"

const char *fd_kind_name(fd_kind k)
{
    static const char *const names[] = {
        [FD_NULL] = "null",
        [FD_BOOL] = "bool",
        [FD_INT] = "int",
        [FD_DOUBLE] = "double",
        [FD_STRING] = "string",
        [FD_BYTES] = "bytes",
        [FD_TIMESTAMP] = "timestamp",
        [FD_DURATION] = "duration",
        [FD_LIST] = "list",
        [FD_MAP] = "map",
        [FD_RECORD] = "record",
        [FD_UNION] = "union",
        [FD_OPAQUE] = "opaque",
    };
    FD_ASSERT((size_t)k < sizeof names / sizeof names[0]);
    return names[k];
}

const fd_field *fd_type_field(const fd_type *record, fd_str name, uint32_t *index)
{
    FD_ASSERT(record->kind == FD_RECORD);
    for (uint32_t i = 0; i < record->n_fields; i++) {
        if (!fd_str_eq_c(name, record->fields[i].name))
            continue;
        if (index != NULL)
            *index = i;
        return &record->fields[i];
    }
    return NULL;
}

const fd_type *fd_type_path(const fd_type *record, fd_str path)
{
    const fd_type *t = record;
    while (path.n != 0) {
        if (t->kind != FD_RECORD)
            return NULL;
        const char *dot = memchr(path.p, '.', path.n);
        fd_str step = {path.p, dot == NULL ? path.n : (uint32_t)(dot - path.p)};
        const fd_field *f = fd_type_field(t, step, NULL);
        if (f == NULL)
            return NULL;
        t = f->type;
        uint32_t skip = dot == NULL ? path.n : step.n + 1;
        path = (fd_str){path.p + skip, path.n - skip};
    }
    return t;
}
