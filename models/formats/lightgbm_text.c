/* Lines, fields and lists of numbers of LightGBM's text files; see lightgbm_int.h. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "formats/lightgbm_int.h"

enum { SHOWN_MAX = 60, NUMBER_MAX = 64 };

bool fd_lgbm_next_line(fd_lgbm_reader *r)
{
    if (r->p == r->end)
        return false;
    const char *at = memchr(r->p, '\n', (size_t)(r->end - r->p));
    const char *stop = at == NULL ? r->end : at;
    r->line = (fd_str){r->p, (uint32_t)(stop - r->p)};
    if (r->line.n > 0 && r->line.p[r->line.n - 1] == '\r')
        r->line.n--;
    r->p = at == NULL ? r->end : at + 1;
    r->line_no++;
    return true;
}

bool fd_lgbm_fail(fd_lgbm_reader *r, int line, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_diags_add(r->diags,
                 &(fd_diag){.severity = FD_ERROR, .file = r->file, .line = line, .text = text});
    return false;
}

bool fd_lgbm_take_field(fd_lgbm_reader *r, const char *where, const char *const *keys,
                        uint32_t n_keys, fd_lgbm_field *fields)
{
    const char *eq = memchr(r->line.p, '=', r->line.n);
    fd_str key = {r->line.p, eq == NULL ? r->line.n : (uint32_t)(eq - r->line.p)};
    fd_str value = {eq == NULL ? NULL : eq + 1, eq == NULL ? 0 : r->line.n - key.n - 1};
    for (uint32_t i = 0; i < n_keys; i++) {
        if (!fd_str_eq_c(key, keys[i]))
            continue;
        if (fields[i].line != 0)
            return fd_lgbm_fail(r, r->line_no, "%s: %s is already in line %d", where, keys[i],
                                fields[i].line);
        fields[i] = (fd_lgbm_field){value, r->line_no};
        return true;
    }
    key.n = key.n < SHOWN_MAX ? key.n : SHOWN_MAX;
    return fd_lgbm_fail(r, r->line_no, "%s: \"" FD_STR_FMT "\" is nothing that this version knows",
                        where, FD_STR_ARG(key));
}

fd_str fd_lgbm_word(fd_str *rest, char separator)
{
    while (rest->n > 0 && *rest->p == separator) {
        rest->p++;
        rest->n--;
    }
    fd_str word = {rest->p, 0};
    while (rest->n > 0 && *rest->p != separator) {
        word.n++;
        rest->p++;
        rest->n--;
    }
    return word;
}

uint32_t fd_lgbm_count_words(fd_str text)
{
    uint32_t n = 0;
    while (fd_lgbm_word(&text, ' ').n > 0)
        n++;
    return n;
}

static bool count_is(fd_lgbm_reader *r, const char *what, fd_lgbm_field f, uint32_t n)
{
    if (f.line == 0)
        return fd_lgbm_fail(r, r->line_no, "%s is missing", what);
    uint32_t found = fd_lgbm_count_words(f.value);
    return found == n || fd_lgbm_fail(r, f.line, "%s has %u values, not %u", what, found, n);
}

static void *scratch(fd_lgbm_reader *r, uint32_t n)
{
    void *p = fd_arena_alloc(r->scratch, (n + 1U) * sizeof(int64_t));
    FD_ALLOCATED(p);
    return p;
}

/* Copied, since strtod() needs an end. */
static bool terminated(fd_str word, char buf[NUMBER_MAX])
{
    if (word.n == 0 || word.n >= NUMBER_MAX)
        return false;
    memcpy(buf, word.p, word.n);
    buf[word.n] = '\0';
    return true;
}

static void *no_number(fd_lgbm_reader *r, const char *what, fd_lgbm_field f, fd_str word,
                       const char *kind)
{
    word.n = word.n < SHOWN_MAX ? word.n : SHOWN_MAX;
    fd_lgbm_fail(r, f.line, "%s: \"" FD_STR_FMT "\" is no %s", what, FD_STR_ARG(word), kind);
    return NULL;
}

const int64_t *fd_lgbm_ints(fd_lgbm_reader *r, const char *what, fd_lgbm_field f, uint32_t n,
                            int64_t min, int64_t max)
{
    if (!count_is(r, what, f, n))
        return NULL;
    int64_t *out = scratch(r, n);
    fd_str rest = f.value;
    for (uint32_t i = 0; i < n; i++) {
        char buf[NUMBER_MAX], *end = NULL;
        fd_str word = fd_lgbm_word(&rest, ' ');
        errno = 0;
        if (!terminated(word, buf))
            return no_number(r, what, f, word, "whole number");
        out[i] = strtoll(buf, &end, 10);
        if (*end != '\0' || errno != 0)
            return no_number(r, what, f, word, "whole number");
        if (out[i] < min || out[i] > max) {
            fd_lgbm_fail(r, f.line, "%s: %s is not within %lld and %lld", what, buf, (long long)min,
                         (long long)max);
            return NULL;
        }
    }
    return out;
}

const double *fd_lgbm_doubles(fd_lgbm_reader *r, const char *what, fd_lgbm_field f, uint32_t n)
{
    if (!count_is(r, what, f, n))
        return NULL;
    double *out = scratch(r, n);
    fd_str rest = f.value;
    for (uint32_t i = 0; i < n; i++) {
        char buf[NUMBER_MAX], *end = NULL;
        fd_str word = fd_lgbm_word(&rest, ' ');
        if (!terminated(word, buf))
            return no_number(r, what, f, word, "number");
        out[i] = strtod(buf, &end);
        if (*end != '\0' || isnan(out[i]))
            return no_number(r, what, f, word, "number");
    }
    return out;
}
