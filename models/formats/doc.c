/* What documents have in common whatever they are written in; see doc.h. Any thread. */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "formats/doc_int.h"

bool fd_doc_fail(fd_doc_reader *r, const char *wrong)
{
    if (r->wrong == NULL)
        r->wrong = wrong;
    return false;
}

void fd_doc_push_number(fd_doc_reader *r, double number)
{
    if (r->n_numbers == r->room) {
        r->room = r->room < 1024 ? 1024 : r->room * 2;
        r->numbers = realloc(r->numbers, r->room * sizeof *r->numbers);
        FD_ALLOCATED(r->numbers);
    }
    r->numbers[r->n_numbers++] = number;
}

void fd_doc_take_numbers(fd_doc_reader *r, fd_doc *to)
{
    double *copy = fd_arena_alloc(r->arena, (r->n_numbers + 1U) * sizeof *copy);
    FD_ALLOCATED(copy);
    if (r->n_numbers > 0)
        memcpy(copy, r->numbers, r->n_numbers * sizeof *copy);
    to->kind = FD_DOC_NUMBERS;
    to->numbers = copy;
    to->n = r->n_numbers;
    r->n_numbers = 0;
}

fd_doc *fd_doc_new(fd_doc_reader *r)
{
    if (++r->n_values > FD_DOC_MAX_VALUES) {
        fd_doc_fail(r, "the file has too many values");
        return NULL;
    }
    fd_doc *d = fd_arena_zalloc(r->arena, sizeof *d);
    FD_ALLOCATED(d);
    return d;
}

void fd_doc_append(fd_doc *parent, fd_doc **last, fd_doc *item)
{
    if (*last == NULL)
        parent->first = item;
    else
        (*last)->next = item;
    *last = item;
    parent->n++;
}

const fd_doc *fd_doc_get(const fd_doc *object, const char *name)
{
    if (object == NULL || object->kind != FD_DOC_OBJECT)
        return NULL;
    for (const fd_doc *d = object->first; d != NULL; d = d->next) {
        if (fd_str_eq_c(d->name, name))
            return d;
    }
    return NULL;
}

enum { MAX_NUMBER = 400 }; /* characters; a double needs no more to be written out */

static bool copied(const char *text, size_t n, char *to)
{
    if (n == 0 || n >= MAX_NUMBER || text[0] == ' ' || memchr(text, 0, n) != NULL)
        return false;
    memcpy(to, text, n);
    to[n] = 0;
    return true;
}

bool fd_doc_float(fd_str text, float *out)
{
    char copy[MAX_NUMBER], *end;
    if (!copied(text.p, text.n, copy))
        return false;
    *out = strtof(copy, &end);
    return *end == 0;
}

/* Digits and exponent small enough that one operation on doubles gives the nearest one. */
static bool parse_short(const char *text, size_t n, double *out, bool *whole)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *end = text + n;
    bool minus = n > 0 && *text == '-', point = false;
    uint64_t digits = 0;
    int n_digits = 0, exponent = 0, written = 0, sign = 1;
    for (text += minus; text < end && ((*text >= '0' && *text <= '9') || (*text == '.' && !point));
         text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        digits = digits * 10 + (uint64_t)(*text - '0');
        exponent -= point;
        if (++n_digits > 15)
            return false;
    }
    *whole = !point && text == end;
    if (n_digits > 0 && text < end && (*text == 'e' || *text == 'E')) {
        text++;
        if (text < end && (*text == '-' || *text == '+'))
            sign = *text++ == '-' ? -1 : 1;
        const char *first = text;
        for (; text < end && *text >= '0' && *text <= '9' && text - first < 4; text++)
            written = written * 10 + (*text - '0');
        if (text == first)
            return false;
        exponent += sign * written;
    }
    if (n_digits == 0 || text != end || exponent < -22 || exponent > 22)
        return false;
    double d = (double)digits;
    d = exponent < 0 ? d / tens[-exponent] : d * tens[exponent];
    *out = minus ? -d : d;
    return true;
}

/* Halfway between two floats: rounding again could go the other way than the text. */
static bool between_floats(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return (bits & 0x1fffffff) == 0x10000000 || fabs(d) < 1.2e-38;
}

bool fd_doc_parse_number(const char *text, size_t n, double *out)
{
    char copy[MAX_NUMBER], *end;
    bool whole = false;
    if (!parse_short(text, n, out, &whole)) {
        if (!copied(text, n, copy))
            return false;
        *out = strtod(copy, &end);
        if (*end != 0)
            return false;
        whole = strpbrk(copy, ".eEnNiI") == NULL;
    }
    if (!whole && between_floats(*out) && copied(text, n, copy))
        *out = strtof(copy, NULL);
    return true;
}
