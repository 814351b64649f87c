/* Rows of JSON lines, CSV and container files as Avro bytes; see container.h. CSV is as RFC 4180
 * has it: quotes double, quoted cells may span lines. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "base/assert.h"
#include "codec/container_int.h"
#include "codec/json_int.h"

enum { ROWS_MAGIC = 0x5c4e3a07, MAX_LINE = 1 << 26 };

typedef struct csv_column {
    char *path;          /* dotted */
    const fd_node *node; /* of the field */
    bool has_default;
} csv_column;

struct fd_rows {
    uint32_t magic;
    fd_rows_format format;
    FILE *f;
    char *name;
    const fd_schema *schema;
    fd_container_reader *container;
    csv_column *cols;
    size_t n_cols;
    fd_strbuf line, record;
    uint64_t n; /* records given or refused */
};

static void *refuse(fd_diags *diags, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void *refuse(fd_diags *diags, const char *name, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_diags_add(diags, &(fd_diag){.severity = FD_ERROR, .file = name, .text = text, .width = 1});
    return NULL;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static fd_rows_format format_of(const char *path)
{
    if (ends_with(path, ".avro"))
        return FD_ROWS_AVRO;
    if (ends_with(path, ".jsonl") || ends_with(path, ".json") || ends_with(path, ".ndjson"))
        return FD_ROWS_JSONL;
    return ends_with(path, ".csv") ? FD_ROWS_CSV : FD_ROWS_AUTO;
}

/* --- lines --- */

/* A line without its end into r->line. False at the end of the file. */
static bool read_line(fd_rows *r)
{
    fd_strbuf_reset(&r->line);
    for (;;) {
        int c = getc(r->f);
        if (c == EOF)
            return r->line.n > 0;
        if (c == '\n')
            break;
        if (r->line.n < MAX_LINE)
            fd_strbuf_putc(&r->line, (char)c);
    }
    if (r->line.n > 0 && r->line.p[r->line.n - 1] == '\r')
        r->line.p[--r->line.n] = '\0';
    return true;
}

static bool is_blank(const fd_strbuf *b)
{
    for (size_t i = 0; i < b->n; i++) {
        if (b->p[i] != ' ' && b->p[i] != '\t')
            return false;
    }
    return true;
}

/* --- CSV --- */

/* One cell; *more: another follows in this row. False at the end of the file, before any byte. */
static bool read_cell(fd_rows *r, fd_strbuf *cell, bool *quoted, bool *more)
{
    fd_strbuf_reset(cell);
    *quoted = *more = false;
    int c = getc(r->f);
    if (c == EOF)
        return false;
    bool inside = c == '"';
    *quoted = inside;
    if (!inside)
        ungetc(c, r->f);
    for (c = getc(r->f); c != EOF; c = getc(r->f)) {
        if (inside && c == '"') {
            c = getc(r->f);
            if (c != '"') {
                inside = false;
                ungetc(c, r->f);
                continue;
            }
        } else if (!inside && (c == ',' || c == '\n')) {
            *more = c == ',';
            break;
        }
        if (cell->n < MAX_LINE)
            fd_strbuf_putc(cell, (char)c);
    }
    if (!*more && cell->n > 0 && cell->p[cell->n - 1] == '\r')
        cell->p[--cell->n] = '\0';
    return true;
}

static const fd_node *without_null(const fd_node *n)
{
    if (n->kind != FD_AVRO_UNION)
        return n;
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->branches[i]->kind != FD_AVRO_NULL)
            return n->branches[i];
    }
    return n->branches[0];
}

static bool is_nullable(const fd_node *n)
{
    for (uint32_t i = 0; n->kind == FD_AVRO_UNION && i < n->n; i++) {
        if (n->branches[i]->kind == FD_AVRO_NULL)
            return true;
    }
    return n->kind == FD_AVRO_NULL;
}

static const fd_node_field *find_field(const fd_node *record, const char *name)
{
    for (uint32_t i = 0; record->kind == FD_AVRO_RECORD && i < record->n; i++) {
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    }
    return NULL;
}

static bool add_column(fd_rows *r, const char *path, fd_diags *diags)
{
    const fd_node *n = r->schema->node;
    const fd_node_field *f = NULL;
    char step[256];
    for (const char *at = path;;) {
        const char *dot = strchr(at, '.');
        size_t len = dot == NULL ? strlen(at) : (size_t)(dot - at);
        f = NULL;
        if (len >= sizeof step)
            break;
        memcpy(step, at, len);
        step[len] = '\0';
        f = find_field(without_null(n), step);
        if (f == NULL || dot == NULL)
            break;
        n = f->node;
        at = dot + 1;
    }
    if (f == NULL)
        return refuse(diags, r->name, "the column '%s' is no field of %s", path,
                      fd_schema_name(r->schema)) != NULL;
    r->cols = realloc(r->cols, (r->n_cols + 1) * sizeof *r->cols);
    FD_ALLOCATED(r->cols);
    char *copy = strdup(path);
    FD_ALLOCATED(copy);
    r->cols[r->n_cols++] = (csv_column){copy, f->node, f->def != NULL};
    return true;
}

static bool read_csv_header(fd_rows *r, fd_diags *diags)
{
    bool quoted, more = true, ok = true;
    fd_strbuf cell = {0};
    while (more && ok && read_cell(r, &cell, &quoted, &more)) {
        const char *path = cell.n == 0 ? "" : cell.p;
        if (r->n_cols == 0 && strncmp(path, "\xef\xbb\xbf", 3) == 0)
            path += 3; /* a byte order mark, as spreadsheets write it */
        ok = add_column(r, path, diags);
    }
    fd_strbuf_free(&cell);
    if (ok && r->n_cols == 0)
        ok = refuse(diags, r->name, "no header: its first line must name the fields") != NULL;
    return ok;
}

/* A cell as the JSON value its field takes. NULL: leave it out. */
static json_t *cell_value(const csv_column *c, const fd_strbuf *cell, bool quoted)
{
    const fd_node *n = without_null(c->node);
    const char *text = cell->n == 0 ? "" : cell->p;
    if (cell->n == 0 && !quoted)
        return is_nullable(c->node) ? json_null() : c->has_default ? NULL : json_string("");
    switch (n->kind) {
    case FD_AVRO_BOOLEAN:
        if (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0)
            return json_true();
        if (strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0)
            return json_false();
        break;
    case FD_AVRO_INT:
    case FD_AVRO_LONG:
    case FD_AVRO_FLOAT:
    case FD_AVRO_DOUBLE:
    case FD_AVRO_ARRAY:
    case FD_AVRO_MAP:
    case FD_AVRO_RECORD: {
        /* a cell may hold any JSON: numbers, and lists in quotes */
        json_t *v = json_loadb(text, cell->n, JSON_DECODE_ANY, NULL);
        if (v != NULL)
            return v;
        break;
    }
    default:
        break;
    }
    return json_stringn(text, cell->n);
}

/* Puts a value at a dotted path, making the objects on the way. */
static void put_at(json_t *record, const char *path, json_t *value)
{
    char step[256];
    for (;;) {
        const char *dot = strchr(path, '.');
        size_t len = dot == NULL ? strlen(path) : (size_t)(dot - path);
        memcpy(step, path, len);
        step[len] = '\0';
        if (dot == NULL)
            break;
        json_t *inner = json_object_get(record, step);
        if (!json_is_object(inner)) {
            inner = json_object();
            json_object_set_new(record, step, inner);
        }
        record = inner;
        path = dot + 1;
    }
    json_object_set_new(record, step, value);
}

/* An object of nulls only, where the record may be null: null. */
static void fold_nulls(json_t *object, const fd_node *record)
{
    for (uint32_t i = 0; i < record->n; i++) {
        const fd_node_field *f = &record->fields[i];
        const fd_node *inner = without_null(f->node);
        json_t *v = json_object_get(object, f->name);
        if (inner->kind != FD_AVRO_RECORD || !json_is_object(v))
            continue;
        fold_nulls(v, inner);
        bool all_null = is_nullable(f->node);
        const char *key;
        json_t *one;
        json_object_foreach(v, key, one) all_null &= json_is_null(one);
        if (all_null)
            json_object_set_new(object, f->name, json_null());
    }
}

static int next_csv(fd_rows *r, fd_diags *diags)
{
    bool quoted = false, more = true, any = false;
    size_t n = 0;
    json_t *record = json_object();
    FD_ALLOCATED(record);
    while (more && read_cell(r, &r->line, &quoted, &more)) {
        any = true;
        if (n < r->n_cols) {
            json_t *v = cell_value(&r->cols[n], &r->line, quoted);
            if (v != NULL)
                put_at(record, r->cols[n].path, v);
        }
        n++;
    }
    int got = any ? 1 : 0;
    bool blank = n == 1 && r->n_cols > 1 && r->line.n == 0;
    if (any && !blank && n != r->n_cols) {
        refuse(diags, r->name, "record %llu: %zu cells where the header has %zu",
               (unsigned long long)r->n + 1, n, r->n_cols);
        got = -1;
        r->n++;
    } else if (blank) {
        got = 2; /* an empty line */
    } else if (any) {
        fold_nulls(record, r->schema->node);
        if (!fd_jansson_to_avro(r->schema, record, ++r->n, &r->record, diags))
            got = -1;
    }
    json_decref(record);
    return got;
}

static int next_jsonl(fd_rows *r, fd_diags *diags)
{
    do {
        if (!read_line(r))
            return 0;
    } while (is_blank(&r->line));
    return fd_json_to_avro(r->schema, r->line.p, r->line.n, ++r->n, &r->record, diags) ? 1 : -1;
}

/* --- the public part --- */

fd_rows *fd_rows_open(const char *path, const fd_schema *schema, fd_rows_format format,
                      fd_diags *diags)
{
    bool is_stdin = strcmp(path, "-") == 0;
    if (format == FD_ROWS_AUTO)
        format = format_of(path);
    if (format == FD_ROWS_AUTO)
        return refuse(diags, path, "its name does not tell the format: say avro, jsonl or csv");
    if (schema == NULL && format != FD_ROWS_AVRO)
        return refuse(diags, path, "a schema is needed to read it");
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    if (f == NULL)
        return refuse(diags, path, "cannot read the file: %s", strerror(errno));
    fd_rows *r = calloc(1, sizeof *r);
    FD_ALLOCATED(r);
    r->magic = ROWS_MAGIC;
    r->format = format;
    r->schema = schema;
    r->name = strdup(is_stdin ? "standard input" : path);
    FD_ALLOCATED(r->name);
    bool ok = true;
    if (format == FD_ROWS_AVRO) {
        r->container = fd_container_open(f, r->name, diags);
        ok = r->container != NULL;
    } else {
        r->f = f;
        ok = format != FD_ROWS_CSV || read_csv_header(r, diags);
    }
    if (ok)
        return r;
    fd_rows_close(r);
    return NULL;
}

void fd_rows_close(fd_rows *r)
{
    if (r == NULL)
        return;
    FD_CHECK_MAGIC(r, ROWS_MAGIC);
    if (r->f != NULL && r->f != stdin)
        fclose(r->f);
    fd_container_close(r->container);
    for (size_t i = 0; i < r->n_cols; i++)
        free(r->cols[i].path);
    free(r->cols);
    free(r->name);
    fd_strbuf_free(&r->line);
    fd_strbuf_free(&r->record);
    r->magic = 0;
    free(r);
}

const fd_schema *fd_rows_schema(const fd_rows *r)
{
    FD_CHECK_MAGIC(r, ROWS_MAGIC);
    return r->format == FD_ROWS_AVRO ? fd_container_schema(r->container) : r->schema;
}

int fd_rows_next(fd_rows *r, fd_str *record, fd_diags *diags)
{
    FD_CHECK_MAGIC(r, ROWS_MAGIC);
    if (r->format == FD_ROWS_AVRO)
        return fd_container_next(r->container, record, diags);
    int got = 2;
    while (got == 2) {
        fd_strbuf_reset(&r->record);
        got = r->format == FD_ROWS_CSV ? next_csv(r, diags) : next_jsonl(r, diags);
    }
    if (got == 0 && ferror(r->f)) {
        refuse(diags, r->name, "cannot read: %s", strerror(errno));
        return -1;
    }
    /* a record without fields has no bytes, but is one */
    *record = (fd_str){r->record.n == 0 ? "" : r->record.p, (uint32_t)r->record.n};
    return got;
}
