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

uint32_t fd_type_columns(const fd_type *t)
{
    uint32_t n = 1;
    if (t->kind == FD_RECORD || t->kind == FD_UNION) {
        for (uint32_t i = 0; i < t->n_fields; i++)
            n += fd_type_columns(t->fields[i].type);
    } else if (t->kind == FD_LIST) {
        n += fd_type_columns(t->elem);
    } else if (t->kind == FD_MAP) {
        n += 1 + fd_type_columns(t->elem);
    }
    return n;
}

/* One step down a path: the type, or NULL; *column moves from the record's to the field's. */
static const fd_type *step_down(const fd_type *record, fd_str *path, uint32_t *column)
{
    if (record->kind != FD_RECORD)
        return NULL;
    const char *dot = memchr(path->p, '.', path->n);
    fd_str step = {path->p, dot == NULL ? path->n : (uint32_t)(dot - path->p)};
    uint32_t index;
    const fd_field *f = fd_type_field(record, step, &index);
    if (f == NULL)
        return NULL;
    *column += 1;
    for (uint32_t i = 0; i < index; i++)
        *column += fd_type_columns(record->fields[i].type);
    uint32_t skip = dot == NULL ? path->n : step.n + 1;
    *path = (fd_str){path->p + skip, path->n - skip};
    return f->type;
}

const fd_type *fd_type_path(const fd_type *record, fd_str path)
{
    uint32_t column = 0;
    const fd_type *t = record;
    while (path.n != 0 && t != NULL)
        t = step_down(t, &path, &column);
    return t;
}

bool fd_type_column(const fd_type *record, fd_str path, uint32_t *column)
{
    const fd_type *t = record;
    *column = 0;
    while (path.n != 0 && t != NULL)
        t = step_down(t, &path, column);
    return t != NULL;
}
