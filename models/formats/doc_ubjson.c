/*
 * Universal Binary JSON, draft 12 (ubjson.org): each value is a marker and its bytes, big-endian;
 * arrays and objects may say the type and the number of their items first. See doc.h. Any thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "formats/doc_int.h"

static bool is_numeric(char marker)
{
    return marker != 0 && strchr("iUIlLdDTF", marker) != NULL;
}

static size_t width(char marker)
{
    switch (marker) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default: /* T and F are their own value */
        return 0;
    }
}

static uint64_t big_endian(const char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static double as_double(char marker, uint64_t bits)
{
    double d;
    float f;
    uint32_t low = (uint32_t)bits;
    switch (marker) {
    case 'T':
    case 'F':
        return marker == 'T';
    case 'i':
        return (int8_t)bits;
    case 'U':
        return (uint8_t)bits;
    case 'I':
        return (int16_t)bits;
    case 'l':
        return (int32_t)low;
    case 'L':
        return (double)(int64_t)bits;
    case 'd':
        memcpy(&f, &low, sizeof f);
        return f;
    default:
        memcpy(&d, &bits, sizeof d);
        return d;
    }
}

static bool take_number(fd_doc_reader *r, char marker, double *out)
{
    size_t n = width(marker);
    if ((size_t)(r->end - r->at) < n)
        return fd_doc_fail(r, "the file ends too early");
    *out = as_double(marker, big_endian(r->at, n));
    r->at += n;
    return true;
}

static void skip_no_ops(fd_doc_reader *r)
{
    while (r->at < r->end && *r->at == 'N')
        r->at++;
}

static bool take_marker(fd_doc_reader *r, char *out)
{
    skip_no_ops(r);
    if (r->at == r->end)
        return fd_doc_fail(r, "the file ends too early");
    *out = *r->at++;
    return true;
}

/* A length: an integer with its marker. What it counts has to fit into the rest of the file. */
static bool take_length(fd_doc_reader *r, uint32_t *out)
{
    char marker = 0;
    double n = 0;
    if (!take_marker(r, &marker))
        return false;
    if (marker == 'd' || marker == 'D' || marker == 'T' || marker == 'F' || !is_numeric(marker))
        return fd_doc_fail(r, "a length is expected, an integer");
    if (!take_number(r, marker, &n))
        return false;
    if (n < 0 || n > (double)(r->end - r->begin))
        return fd_doc_fail(r, "a length is negative, or larger than the file");
    *out = (uint32_t)n;
    return true;
}

static bool take_text(fd_doc_reader *r, fd_str *out)
{
    uint32_t n = 0;
    if (!take_length(r, &n))
        return false;
    if ((size_t)(r->end - r->at) < n)
        return fd_doc_fail(r, "a text goes on behind the end of the file");
    *out = fd_arena_str(r->arena, (fd_str){r->at, n});
    FD_ALLOCATED(out->p);
    r->at += n;
    return true;
}

/* What a container says about itself. */
typedef struct header {
    char type; /* 0: each item has its marker */
    bool counted;
    uint32_t n;
} header;

static bool take_header(fd_doc_reader *r, header *h)
{
    *h = (header){0};
    if (r->at < r->end && *r->at == '$') {
        r->at++;
        if (!take_marker(r, &h->type))
            return false;
        /* Items without bytes: a small file could be endless. */
        if (h->type == 'T' || h->type == 'F' || h->type == 'Z')
            return fd_doc_fail(r, "arrays and objects of nothing but T, F or Z are not read");
    }
    if (r->at < r->end && *r->at == '#') {
        r->at++;
        h->counted = true;
        return take_length(r, &h->n);
    }
    return h->type == 0 || fd_doc_fail(r, "a typed array or object needs a count");
}

/* True: there is one more item; its marker is in *marker. */
static bool next_item(fd_doc_reader *r, const header *h, char end, uint32_t i, char *marker)
{
    *marker = h->type;
    if (h->counted)
        return i < h->n && (h->type != 0 || take_marker(r, marker));
    return take_marker(r, marker) && *marker != end;
}

static bool value(fd_doc_reader *r, char marker, fd_doc *to);

static bool typed_numbers(fd_doc_reader *r, const header *h, fd_doc *to)
{
    double d = 0;
    if (width(h->type) * h->n > (size_t)(r->end - r->at))
        return fd_doc_fail(r, "an array goes on behind the end of the file");
    for (uint32_t i = 0; i < h->n; i++) {
        if (!take_number(r, h->type, &d))
            return false;
        fd_doc_push_number(r, d);
    }
    fd_doc_take_numbers(r, to);
    return true;
}

static bool array(fd_doc_reader *r, fd_doc *to)
{
    header h;
    fd_doc *last = NULL;
    char marker;
    double d = 0;
    if (!take_header(r, &h))
        return false;
    if (is_numeric(h.type))
        return typed_numbers(r, &h, to);
    to->kind = FD_DOC_ARRAY;
    for (uint32_t i = 0; next_item(r, &h, ']', i, &marker); i++) {
        if (is_numeric(marker) && last == NULL) {
            if (!take_number(r, marker, &d))
                return false;
            fd_doc_push_number(r, d);
            continue;
        }
        if (r->n_numbers > 0)
            return fd_doc_fail(r, "a number is expected, as before in this array");
        fd_doc *item = fd_doc_new(r);
        if (item == NULL)
            return false;
        fd_doc_append(to, &last, item);
        if (!value(r, marker, item))
            return false;
    }
    if (last == NULL)
        fd_doc_take_numbers(r, to);
    return r->wrong == NULL;
}

static bool object(fd_doc_reader *r, fd_doc *to)
{
    header h;
    fd_doc *last = NULL;
    char marker;
    to->kind = FD_DOC_OBJECT;
    if (!take_header(r, &h))
        return false;
    for (uint32_t i = 0; !h.counted || i < h.n; i++) {
        skip_no_ops(r);
        if (!h.counted && r->at < r->end && *r->at == '}') {
            r->at++;
            break;
        }
        fd_doc *member = fd_doc_new(r);
        if (member == NULL || !take_text(r, &member->name))
            return false;
        marker = h.type;
        if (marker == 0 && !take_marker(r, &marker))
            return false;
        fd_doc_append(to, &last, member);
        if (!value(r, marker, member))
            return false;
    }
    return true;
}

static bool scalar(fd_doc_reader *r, char marker, fd_doc *to)
{
    if (is_numeric(marker)) {
        to->kind = marker == 'T' || marker == 'F' ? FD_DOC_BOOL : FD_DOC_NUMBER;
        return take_number(r, marker, &to->number);
    }
    if (marker == 'C') {
        if (r->at == r->end)
            return fd_doc_fail(r, "the file ends too early");
        to->kind = FD_DOC_TEXT;
        to->text = (fd_str){r->at++, 1};
        return true;
    }
    if (marker == 'S') {
        to->kind = FD_DOC_TEXT;
        return take_text(r, &to->text);
    }
    return marker == 'Z' ||
           fd_doc_fail(r, marker == 'H' ? "numbers written as text (H) are not read"
                                        : "this is not a marker of UBJSON");
}

static bool value(fd_doc_reader *r, char marker, fd_doc *to)
{
    if (++r->depth > FD_DOC_MAX_DEPTH)
        return fd_doc_fail(r, "arrays and objects are nested too deeply");
    bool ok = marker == '{' ? object(r, to) : marker == '[' ? array(r, to) : scalar(r, marker, to);
    r->depth--;
    return ok;
}

const fd_doc *fd_doc_ubjson(fd_arena *arena, const char *file, fd_str bytes, fd_diags *diags)
{
    fd_doc_reader r = {.arena = arena, .at = bytes.p, .begin = bytes.p, .end = bytes.p + bytes.n};
    fd_doc *root = fd_doc_new(&r);
    char marker = 0;
    if (take_marker(&r, &marker) && value(&r, marker, root) && r.at != r.end)
        fd_doc_fail(&r, "there is something behind the end of the document");
    free(r.numbers);
    if (r.wrong == NULL)
        return root;
    fd_diags_error(diags, "%s: byte %zu: %s", file, (size_t)(r.at - r.begin), r.wrong);
    return NULL;
}
