/*
 * JSON to Avro bytes: records that people write, and defaults of schemas; see container.h.
 *
 * Errors are text with the path of the value ("card.bin: ..."); the callers add the record.
 * Recursion follows the JSON value, or defaults of defaults, and is bounded by
 * FD_DECODE_MAX_DEPTH; trying a union's branches by MAX_MISFITS.
 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/container.h"
#include "codec/decode.h"
#include "codec/json_int.h"
#include "codec/wire.h"

typedef struct writer {
    fd_strbuf *out;
    fd_strbuf *why; /* the error, once there is one */
    fd_strbuf path;
    int depth;
    bool is_default;       /* of a schema: bytes and numbers only, no text for decimals and times */
    bool fill;             /* what is missing is empty */
    uint32_t misfits_left; /* branches of unions that may still not take their value */
    bool hopeless;         /* too deep, or none left: other branches are not tried */
} writer;

/* Unions in unions have up to 2^depth ways not to fit. Lists of a record's have one per element. */
enum { MAX_MISFITS = 1 << 20, MAX_DEFAULT_MISFITS = 1 << 12 };

static bool write_value(writer *w, const fd_node *n, const json_t *v);

static bool fail(writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fail(writer *w, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_strbuf_reset(w->why);
    if (w->path.n > 0)
        fd_strbuf_printf(w->why, "%s: ", w->path.p);
    fd_strbuf_puts(w->why, text);
    return false;
}

static size_t enter(writer *w, const char *step)
{
    size_t was = w->path.n;
    fd_strbuf_printf(&w->path, "%s%s", was == 0 || step[0] == '[' ? "" : ".", step);
    return was;
}

static void leave(writer *w, size_t was)
{
    w->path.n = was;
    if (w->path.p != NULL)
        w->path.p[was] = '\0';
}

static void put_long(writer *w, int64_t v)
{
    unsigned char buf[FD_WIRE_LONG_MAX];
    fd_strbuf_add(w->out, buf, (size_t)(fd_wire_put_long(buf, v) - buf));
}

static void put_str(writer *w, const char *p, size_t n)
{
    put_long(w, (int64_t)n);
    fd_strbuf_add(w->out, p, n);
}

const char *fd_json_what(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "null";
    }
    return "nothing";
}

static bool wrong(writer *w, const fd_node *n, const json_t *v)
{
    return fail(w, "%s where %s%s%s is due", fd_json_what(v),
                n->logical != FD_LOGICAL_NONE ? fd_logical_name(n->logical) : fd_avro_name(n->kind),
                n->name == NULL ? "" : " ", n->name == NULL ? "" : n->name);
}

/* --- simple values --- */

static bool write_integer(writer *w, const fd_node *n, const json_t *v)
{
    int64_t i = 0;
    if (json_is_integer(v)) {
        i = json_integer_value(v);
    } else if (json_is_real(v) && json_real_value(v) == trunc(json_real_value(v)) &&
               fabs(json_real_value(v)) < 9007199254740992.0) {
        i = (int64_t)json_real_value(v);
    } else if (json_is_string(v) && n->logical != FD_LOGICAL_NONE && !w->is_default) {
        fd_str text = {json_string_value(v), (uint32_t)json_string_length(v)};
        const char *why = fd_iso_parse(text, n->logical, &i);
        if (why != NULL)
            return fail(w, "'" FD_STR_FMT "' is no %s: %s", FD_STR_ARG(text),
                        fd_logical_name(n->logical), why);
    } else {
        return wrong(w, n, v);
    }
    if (n->kind == FD_AVRO_INT && i != (int32_t)i)
        return fail(w, "%lld does not fit an int", (long long)i);
    put_long(w, i);
    return true;
}

static bool write_real(writer *w, const fd_node *n, const json_t *v)
{
    double d = 0;
    if (json_is_number(v)) {
        d = json_number_value(v);
    } else if (json_is_string(v)) {
        const char *s = json_string_value(v);
        if (strcmp(s, "NaN") == 0)
            d = (double)NAN;
        else if (strcmp(s, "Infinity") == 0 || strcmp(s, "-Infinity") == 0)
            d = s[0] == '-' ? -(double)INFINITY : (double)INFINITY;
        else
            return wrong(w, n, v);
    } else {
        return wrong(w, n, v);
    }
    unsigned char buf[8];
    if (n->kind == FD_AVRO_DOUBLE) {
        fd_wire_put_double(buf, d);
        fd_strbuf_add(w->out, buf, 8);
        return true;
    }
    if (isfinite(d) && fabs(d) > (double)FLT_MAX)
        return fail(w, "%g does not fit a float", d);
    float f = (float)d;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    for (int i = 0; i < 4; i++)
        buf[i] = (unsigned char)(bits >> (8 * i));
    fd_strbuf_add(w->out, buf, 4);
    return true;
}

/* Avro's JSON for bytes: every character is one byte, up to U+00FF. */
static bool to_bytes(writer *w, const json_t *v, fd_strbuf *bytes)
{
    const unsigned char *s = (const unsigned char *)json_string_value(v);
    size_t n = json_string_length(v);
    for (size_t i = 0; i < n; i++) {
        unsigned c = s[i];
        if (c >= 0x80) {
            if ((c != 0xc2 && c != 0xc3) || i + 1 == n)
                return fail(w, "bytes are written as characters up to U+00FF");
            c = (c & 3) << 6 | (s[++i] & 0x3f);
        }
        fd_strbuf_putc(bytes, (char)c);
    }
    return true;
}

/* The shortest two's complement, or `size` bytes of it. */
static bool write_decimal(writer *w, const fd_node *n, int64_t v)
{
    unsigned char buf[8];
    for (int i = 0; i < 8; i++)
        buf[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
    unsigned char sign = v < 0 ? 0xff : 0;
    size_t from = 0;
    while (from < 7 && buf[from] == sign && ((buf[from + 1] ^ sign) & 0x80) == 0)
        from++;
    if (n->kind == FD_AVRO_BYTES) {
        put_str(w, (const char *)buf + from, 8 - from);
        return true;
    }
    if (8 - from > n->size)
        return fail(w, "the number does not fit %u bytes", n->size);
    for (size_t i = 8 - from; i < n->size; i++)
        fd_strbuf_putc(w->out, (char)sign);
    fd_strbuf_add(w->out, buf + from, 8 - from);
    return true;
}

static bool write_uuid(writer *w, const json_t *v)
{
    unsigned char bytes[FD_UUID_BYTES];
    fd_str text = {json_string_value(v), (uint32_t)json_string_length(v)};
    if (!fd_uuid_parse(text, bytes))
        return fail(w, "'" FD_STR_FMT "' is no uuid", FD_STR_ARG(text));
    fd_strbuf_add(w->out, bytes, sizeof bytes);
    return true;
}

static bool write_binary(writer *w, const fd_node *n, const json_t *v)
{
    if (n->logical == FD_LOGICAL_DECIMAL && !w->is_default) {
        int64_t units = 0;
        const char *why = fd_decimal_parse(v, n->scale, &units);
        return why == NULL ? write_decimal(w, n, units) : fail(w, "%s", why);
    }
    if (!json_is_string(v))
        return wrong(w, n, v);
    if (n->kind == FD_AVRO_FIXED && n->logical == FD_LOGICAL_UUID && !w->is_default)
        return write_uuid(w, v);
    fd_strbuf bytes = {0};
    bool ok = to_bytes(w, v, &bytes);
    if (ok && n->kind == FD_AVRO_BYTES)
        put_str(w, bytes.p, bytes.n);
    else if (ok && bytes.n != n->size)
        ok = fail(w, "%zu bytes where %s has %u", bytes.n, n->name, n->size);
    else if (ok)
        fd_strbuf_add(w->out, bytes.p, bytes.n);
    fd_strbuf_free(&bytes);
    return ok;
}

static bool write_enum(writer *w, const fd_node *n, const json_t *v)
{
    if (!json_is_string(v))
        return wrong(w, n, v);
    const char *names[64];
    size_t shown = 0;
    for (uint32_t i = 0; i < n->n; i++) {
        if (fd_str_eq_c(n->symbols[i], json_string_value(v))) {
            put_long(w, i);
            return true;
        }
        if (shown < 64)
            names[shown++] = n->symbols[i].p;
    }
    const char *near = fd_did_you_mean(json_string_value(v), names, shown);
    return fail(w, "'%s' is no %s%s%s%s", json_string_value(v), fd_short_name(n->name),
                near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                near == NULL ? "" : "'?");
}

/* --- composed values --- */

static bool write_array(writer *w, const fd_node *n, const json_t *v)
{
    if (!json_is_array(v))
        return wrong(w, n, v);
    size_t count = json_array_size(v);
    if (count > 0)
        put_long(w, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        char step[32];
        snprintf(step, sizeof step, "[%zu]", i);
        size_t was = enter(w, step);
        if (!write_value(w, n->item, json_array_get(v, i)))
            return false;
        leave(w, was);
    }
    put_long(w, 0);
    return true;
}

static bool write_map(writer *w, const fd_node *n, const json_t *v)
{
    if (!json_is_object(v))
        return wrong(w, n, v);
    if (json_object_size(v) > 0)
        put_long(w, (int64_t)json_object_size(v));
    const char *key;
    json_t *item;
    /* the macro takes a non-const object but only reads it */
    json_object_foreach((json_t *)(uintptr_t)v, key, item)
    {
        put_str(w, key, strlen(key));
        size_t was = enter(w, key);
        if (!write_value(w, n->item, item))
            return false;
        leave(w, was);
    }
    put_long(w, 0);
    return true;
}

static bool unknown_field(writer *w, const fd_node *n, const char *key)
{
    const char *names[64];
    size_t count = 0;
    for (; count < n->n && count < 64; count++)
        names[count] = n->fields[count].name;
    const char *near = fd_did_you_mean(key, names, count);
    return fail(w, "%s has no field '%s'%s%s%s", fd_short_name(n->name), key,
                near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                near == NULL ? "" : "'?");
}

static bool takes_null(const fd_node *n)
{
    bool null = n->kind == FD_AVRO_NULL;
    for (uint32_t i = 0; n->kind == FD_AVRO_UNION && i < n->n; i++)
        null |= n->branches[i]->kind == FD_AVRO_NULL;
    return null;
}

static bool write_record(writer *w, const fd_node *n, const json_t *v);

static void put_zeros(writer *w, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        fd_strbuf_putc(w->out, 0);
}

/* "", 0, false, the first symbol or branch, no elements, a record of such. */
static bool write_empty(writer *w, const fd_node *n)
{
    static const char no_uuid[] = "00000000-0000-0000-0000-000000000000";
    bool ok = true;
    if (w->depth == FD_DECODE_MAX_DEPTH)
        return fail(w, "nested deeper than %d levels", FD_DECODE_MAX_DEPTH);
    w->depth++;
    switch (n->kind) {
    case FD_AVRO_NULL:
        break;
    case FD_AVRO_FLOAT:
        put_zeros(w, 4);
        break;
    case FD_AVRO_DOUBLE:
        put_zeros(w, 8);
        break;
    case FD_AVRO_FIXED:
        put_zeros(w, n->size);
        break;
    case FD_AVRO_BYTES:
        put_str(w, "", n->logical == FD_LOGICAL_DECIMAL ? 1 : 0);
        break;
    case FD_AVRO_STRING:
        put_str(w, no_uuid, n->logical == FD_LOGICAL_UUID ? sizeof no_uuid - 1 : 0);
        break;
    case FD_AVRO_RECORD: {
        json_t *nothing = json_object();
        ok = write_record(w, n, nothing);
        json_decref(nothing);
        break;
    }
    case FD_AVRO_UNION:
        put_long(w, 0);
        ok = write_empty(w, n->branches[0]);
        break;
    default: /* a zero byte: false, 0, the first symbol, no elements */
        put_zeros(w, 1);
        break;
    }
    w->depth--;
    return ok;
}

static bool write_field(writer *w, const fd_node_field *f, const json_t *v)
{
    size_t was = enter(w, f->name);
    bool is_default = w->is_default;
    if (v == NULL) {
        v = f->def;
        w->is_default = true;
    }
    if (v == NULL && takes_null(f->node))
        v = json_null(); /* a constant of jansson's, nothing to give back */
    bool ok = v != NULL ? write_value(w, f->node, v)
              : w->fill ? write_empty(w, f->node)
                        : fail(w, "missing, and it has no default");
    w->is_default = is_default;
    if (ok)
        leave(w, was);
    return ok;
}

static bool write_record(writer *w, const fd_node *n, const json_t *v)
{
    if (!json_is_object(v))
        return wrong(w, n, v);
    size_t used = 0;
    for (uint32_t i = 0; i < n->n; i++) {
        const json_t *one = json_object_get(v, n->fields[i].name);
        used += one != NULL;
        if (!write_field(w, &n->fields[i], one))
            return false;
    }
    if (used == json_object_size(v))
        return true;
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)v, key, item)
    {
        uint32_t i = 0;
        while (i < n->n && strcmp(n->fields[i].name, key) != 0)
            i++;
        if (i == n->n)
            return unknown_field(w, n, key);
    }
    FD_UNREACHABLE();
}

/* {"branch": value}, as Avro's own JSON has it: the branch's number, or -1. */
static int named_branch(const fd_node *n, const json_t *v)
{
    if (!json_is_object(v) || json_object_size(v) != 1)
        return -1;
    const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)v));
    for (uint32_t i = 0; i < n->n; i++) {
        const fd_node *b = n->branches[i];
        const char *name = b->name == NULL ? fd_avro_name(b->kind) : b->name;
        if (strcmp(key, name) == 0 || strcmp(key, fd_short_name(name)) == 0)
            return (int)i;
    }
    return -1;
}

/* The first branch that takes the value. */
static bool write_union(writer *w, const fd_node *n, const json_t *v)
{
    size_t out_was = w->out->n;
    size_t path_was = w->path.n;
    fd_strbuf first = {0};
    for (uint32_t i = 0; i < n->n; i++) {
        const fd_node *b = n->branches[i];
        if ((b->kind == FD_AVRO_NULL) != json_is_null(v))
            continue;
        put_long(w, i);
        if (write_value(w, b, v)) {
            fd_strbuf_free(&first);
            return true;
        }
        w->hopeless |= --w->misfits_left == 0;
        if (w->hopeless) {
            fd_strbuf_free(&first);
            return false;
        }
        if (first.n == 0)
            fd_strbuf_add(&first, w->why->p, w->why->n);
        w->out->n = out_was;
        leave(w, path_was);
    }
    int named = named_branch(n, v);
    if (named >= 0) {
        fd_strbuf_free(&first);
        put_long(w, named);
        return write_value(w, n->branches[named],
                           json_object_iter_value(json_object_iter((json_t *)(uintptr_t)v)));
    }
    bool one = n->n == 1 || (n->n == 2 && takes_null(n));
    if (one && first.n > 0) {
        fd_strbuf_reset(w->why);
        fd_strbuf_add(w->why, first.p, first.n);
    } else if (json_is_null(v)) {
        fail(w, "null is not allowed here");
    } else {
        fail(w, "%s fits none of the union's branches", fd_json_what(v));
    }
    fd_strbuf_free(&first);
    return false;
}

static bool write_string(writer *w, const fd_node *n, const json_t *v)
{
    if (!json_is_string(v))
        return wrong(w, n, v);
    put_str(w, json_string_value(v), json_string_length(v));
    return true;
}

static bool write_kind(writer *w, const fd_node *n, const json_t *v)
{
    switch (n->kind) {
    case FD_AVRO_NULL:
        return json_is_null(v) || wrong(w, n, v);
    case FD_AVRO_BOOLEAN:
        if (!json_is_boolean(v))
            return wrong(w, n, v);
        fd_strbuf_putc(w->out, json_is_true(v) ? 1 : 0);
        return true;
    case FD_AVRO_INT:
    case FD_AVRO_LONG:
        return write_integer(w, n, v);
    case FD_AVRO_FLOAT:
    case FD_AVRO_DOUBLE:
        return write_real(w, n, v);
    case FD_AVRO_STRING:
        return write_string(w, n, v);
    case FD_AVRO_BYTES:
    case FD_AVRO_FIXED:
        return write_binary(w, n, v);
    case FD_AVRO_ENUM:
        return write_enum(w, n, v);
    case FD_AVRO_RECORD:
        return write_record(w, n, v);
    case FD_AVRO_ARRAY:
        return write_array(w, n, v);
    case FD_AVRO_MAP:
        return write_map(w, n, v);
    case FD_AVRO_UNION:
        return write_union(w, n, v);
    default:
        FD_UNREACHABLE();
    }
}

static bool write_value(writer *w, const fd_node *n, const json_t *v)
{
    if (w->depth == FD_DECODE_MAX_DEPTH) {
        w->hopeless = true;
        return fail(w, "nested deeper than %d levels", FD_DECODE_MAX_DEPTH);
    }
    w->depth++;
    bool ok = write_kind(w, n, v);
    w->depth--;
    return ok;
}

static bool encode(writer *w, const fd_node *n, const json_t *v)
{
    size_t was = w->out->n;
    bool ok = write_value(w, n, v);
    if (!ok)
        w->out->n = was;
    fd_strbuf_free(&w->path);
    return ok;
}

bool fd_node_encode_json(const fd_node *n, const json_t *v, bool is_default, fd_strbuf *out,
                         fd_strbuf *why)
{
    writer w = {.out = out,
                .why = why,
                .is_default = is_default,
                .misfits_left = is_default ? MAX_DEFAULT_MISFITS : MAX_MISFITS};
    return encode(&w, n, v);
}

/* --- records --- */

static void record_error(const fd_schema *s, uint64_t record_no, const char *text, fd_diags *diags)
{
    fd_diags_error(diags, "record %llu (%s): %s", (unsigned long long)record_no, fd_schema_name(s),
                   text);
}

bool fd_jansson_to_avro(const fd_schema *s, const json_t *value, uint64_t record_no, fd_strbuf *out,
                        fd_diags *diags)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    fd_strbuf why = {0};
    bool ok = fd_node_encode_json(s->node, value, false, out, &why);
    if (!ok)
        record_error(s, record_no, why.p, diags);
    fd_strbuf_free(&why);
    return ok;
}

bool fd_json_to_avro(const fd_schema *s, const char *json, size_t n, uint64_t record_no,
                     fd_strbuf *out, fd_diags *diags)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    json_error_t err;
    json_t *value = json_loadb(json, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
    if (value == NULL) {
        char text[300];
        snprintf(text, sizeof text, "not JSON at column %d: %s", err.column, err.text);
        record_error(s, record_no, text, diags);
        return false;
    }
    bool ok = fd_jansson_to_avro(s, value, record_no, out, diags);
    json_decref(value);
    return ok;
}

bool fd_json_to_avro_filled(const fd_schema *s, const char *json, size_t n, fd_strbuf *out,
                            fd_strbuf *why)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    json_error_t err;
    json_t *value = json_loadb(json, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
    if (value == NULL) {
        fd_strbuf_reset(why);
        fd_strbuf_printf(why, "not JSON at column %d: %s", err.column, err.text);
        return false;
    }
    writer w = {.out = out, .why = why, .fill = true, .misfits_left = MAX_MISFITS};
    bool ok = encode(&w, s->node, value);
    json_decref(value);
    return ok;
}
