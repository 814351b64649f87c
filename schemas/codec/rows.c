/* Rows of JSON lines, CSV and container files as Avro bytes; see container.h. CSV is as RFC 4180
 * has it: quotes double, quoted cells may span lines. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

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
    const char *trouble; /* what cannot be of the line or row read last; NULL: nothing */
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

/* What is too long is not kept, and an error. */
static void keep(fd_rows *r, fd_strbuf *to, int c)
{
    if (to->n < MAX_LINE)
        fd_strbuf_putc(to, (char)c);
    else
        r->trouble = "longer than 64 MiB";
}

/* Past a byte order mark, as spreadsheets write it. */
static void skip_mark(fd_rows *r)
{
    static const unsigned char mark[] = {0xef, 0xbb, 0xbf};
    for (int i = 0; i < 3; i++) {
        int c = getc(r->f);
        if (c == mark[i])
            continue;
        ungetc(c, r->f);
        if (i > 0)
            r->trouble = "half a byte order mark";
        return;
    }
}

/* A line without its end into r->line. False at the end of the file. */
static bool read_line(fd_rows *r)
{
    fd_strbuf_reset(&r->line);
    for (;;) {
        int c = getc(r->f);
        if (c == EOF && r->line.n == 0)
            return false;
        if (c == EOF || c == '\n')
            break;
        keep(r, &r->line, c);
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

/* Says what is wrong with the record read last. Always -1. */
static int unreadable(fd_rows *r, fd_diags *diags)
{
    refuse(diags, r->name, "record %llu: %s", (unsigned long long)++r->n, r->trouble);
    r->trouble = NULL;
    return -1;
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
        keep(r, cell, c);
    }
    if (inside)
        r->trouble = "a quoted cell that does not end";
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
    for (size_t i = 0; i < r->n_cols; i++) {
        if (strcmp(r->cols[i].path, path) == 0)
            return refuse(diags, r->name, "the column '%s' comes twice", path) != NULL;
    }
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
        ok = add_column(r, cell.n == 0 ? "" : cell.p, diags);
    }
    fd_strbuf_free(&cell);
    if (ok && r->trouble != NULL)
        ok = refuse(diags, r->name, "the header: %s", r->trouble) != NULL;
    if (ok && r->n_cols == 0)
        ok = refuse(diags, r->name, "no header: its first line must name the fields") != NULL;
    return ok;
}

/* Numbers as people and spreadsheets write them: "0742", "+5", ".5", "3.0". NULL: it is none. */
static json_t *number_of(const fd_node *n, const char *text)
{
    char *end = NULL;
    if (n->kind == FD_AVRO_INT || n->kind == FD_AVRO_LONG) {
        errno = 0;
        long long i = strtoll(text, &end, 10);
        if (errno == 0 && end != text && *end == '\0')
            return json_integer(i);
    }
    errno = 0;
    double d = strtod(text, &end);
    /* jansson has no numbers that are none: they stay text */
    return errno == 0 && end != text && *end == '\0' ? json_real(d) : NULL;
}

/* A cell as the JSON value its field takes. NULL: it is no text. */
static json_t *cell_value(const fd_node *n, const fd_strbuf *cell)
{
    const char *text = cell->n == 0 ? "" : cell->p;
    json_t *v = NULL;
    switch (n->kind) {
    case FD_AVRO_BOOLEAN:
        if (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0)
            v = json_true();
        else if (strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0)
            v = json_false();
        break;
    case FD_AVRO_INT:
    case FD_AVRO_LONG:
    case FD_AVRO_FLOAT:
    case FD_AVRO_DOUBLE:
        v = number_of(n, text);
        break;
    case FD_AVRO_ARRAY:
    case FD_AVRO_MAP:
    case FD_AVRO_RECORD:
        v = json_loadb(text, cell->n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
        break;
    default:
        break;
    }
    return v != NULL ? v : json_stringn(text, cell->n);
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

/* A cell into the record. */
static void put_cell(fd_rows *r, const csv_column *c, bool quoted, json_t *record)
{
    const fd_node *n = without_null(c->node);
    json_t *v = NULL;
    if (r->line.n > 0 || quoted)
        v = cell_value(n, &r->line);
    else if (is_nullable(c->node))
        v = json_null();
    else if (c->has_default)
        return;
    else
        v = json_string("");
    if (v != NULL)
        put_at(record, c->path, v);
    else
        r->trouble = "a cell that is not UTF-8";
}

/* The cells of one row, and how many there were; 0 at the end of the file. */
static size_t read_row(fd_rows *r, json_t *record)
{
    bool quoted = false, more = true;
    size_t n = 0;
    while (more) {
        /* after a comma there is a cell, even at the end of the file */
        if (!read_cell(r, &r->line, &quoted, &more) && n == 0)
            break;
        if (n < r->n_cols)
            put_cell(r, &r->cols[n], quoted, record);
        n++;
    }
    return n;
}

static int next_csv(fd_rows *r, fd_diags *diags)
{
    json_t *record = json_object();
    FD_ALLOCATED(record);
    int got = 1;
    size_t n = read_row(r, record);
    if (n == 0) {
        got = 0;
    } else if (n == 1 && r->n_cols > 1 && r->line.n == 0) {
        got = 2; /* an empty line */
    } else if (r->trouble != NULL) {
        got = unreadable(r, diags);
    } else if (n != r->n_cols) {
        refuse(diags, r->name, "record %llu: %zu cells where the header has %zu",
               (unsigned long long)++r->n, n, r->n_cols);
        got = -1;
    } else {
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
    if (r->trouble != NULL)
        return unreadable(r, diags);
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
        skip_mark(r);
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

bool fd_rows_is_container(const fd_rows *r)
{
    FD_CHECK_MAGIC(r, ROWS_MAGIC);
    return r->format == FD_ROWS_AVRO;
}

bool fd_rows_progress(const fd_rows *r, uint64_t *at, uint64_t *size)
{
    FD_CHECK_MAGIC(r, ROWS_MAGIC);
    FILE *f = r->format == FD_ROWS_AVRO ? fd_container_file(r->container) : r->f;
    struct stat st;
    off_t here = ftello(f);
    if (here < 0 || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    *at = (uint64_t)here;
    *size = (uint64_t)st.st_size;
    return true;
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
