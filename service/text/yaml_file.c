/* YAML with places; see yaml_file.h. One owner at a time. */
#include "text/yaml_file.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "text/yaml_place.h"

static void report_at(fd_yaml *y, size_t offset, int width, fd_severity severity, const char *hint,
                      const char *text)
{
    fd_diag d = {.severity = severity, .file = y->name, .width = width, .text = text, .hint = hint};
    fd_yaml_fill_place(y, offset, &d);
    fd_diags_add(y->diags, &d);
}

static void report_problem(fd_yaml *y, const yaml_parser_t *parser)
{
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    const char *hint = NULL;
    if (strstr(problem, "cannot start any token") != NULL)
        hint = "indent with blanks, not tabs; put text with special characters into quotes";
    else if (strstr(problem, "mapping values are not allowed") != NULL)
        hint = "put text that contains \": \" into quotes";
    else if (strstr(problem, "did not find expected key") != NULL)
        hint = "look at quotes and indentation in the lines before";
    char *text = fd_arena_printf(y->arena, "this is not YAML: %s", problem);
    size_t at = fd_yaml_byte_offset(y, parser->problem_mark.line, parser->problem_mark.column);
    report_at(y, at, 1, FD_ERROR, hint, text);
}

/* Rules behind a second "---" would be lost without a word. */
static void refuse_more(fd_yaml *y, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        report_problem(y, parser);
    } else {
        fd_yaml_node *root = yaml_document_get_root_node(&next);
        if (root != NULL)
            fd_yaml_report(y, root, FD_ERROR, "put it into a file of its own",
                           "a second document in one file");
        yaml_document_delete(&next);
    }
}

/* libyaml checks UTF-8 too, but it would take a NUL or UTF-16 for an encoding of its own. */
static bool is_text(fd_yaml *y)
{
    const unsigned char *p = (const unsigned char *)y->text.p;
    for (size_t i = 0; i < y->text.n;) {
        size_t n = fd_utf8_len(p + i, y->text.n - i);
        if (n == 0 || p[i] == '\0') {
            report_at(y, i, 1, FD_ERROR, "save the file as UTF-8", "a byte that is not UTF-8 text");
            return false;
        }
        i += n;
    }
    return true;
}

bool fd_yaml_load(fd_yaml *y, const char *name, fd_str text, fd_arena *arena, fd_diags *diags)
{
    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
        text = (fd_str){text.p + 3, text.n - 3};
    *y = (fd_yaml){.name = name, .text = text, .arena = arena, .diags = diags};
    fd_yaml_index_lines(y);
    if (!is_text(y))
        return false;
    yaml_parser_t parser;
    int ok = yaml_parser_initialize(&parser);
    FD_ASSERT(ok);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    y->loaded = yaml_parser_load(&parser, &y->doc) != 0;
    if (!y->loaded)
        report_problem(y, &parser);
    else if (yaml_document_get_root_node(&y->doc) != NULL)
        refuse_more(y, &parser);
    yaml_parser_delete(&parser);
    return y->loaded;
}

void fd_yaml_free(fd_yaml *y)
{
    if (y->loaded)
        yaml_document_delete(&y->doc);
    y->loaded = false;
}

fd_yaml_node *fd_yaml_root(fd_yaml *y)
{
    return yaml_document_get_root_node(&y->doc);
}

fd_yaml_node *fd_yaml_get(fd_yaml *y, int id)
{
    fd_yaml_node *n = yaml_document_get_node(&y->doc, id);
    FD_ASSERT(n != NULL);
    return n;
}

int fd_yaml_line(const fd_yaml_node *n)
{
    return (int)n->start_mark.line + 1;
}

void fd_yaml_report(fd_yaml *y, const fd_yaml_node *at, fd_severity severity, const char *hint,
                    const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bool one_line = at->start_mark.line == at->end_mark.line;
    int width = 1;
    if (one_line && at->end_mark.column > at->start_mark.column)
        width = (int)(at->end_mark.column - at->start_mark.column);
    size_t offset = fd_yaml_byte_offset(y, at->start_mark.line, at->start_mark.column);
    report_at(y, offset, width, severity, hint, text);
}

static const char *kind_of(const fd_yaml_node *n)
{
    return n->type == YAML_MAPPING_NODE    ? "a mapping"
           : n->type == YAML_SEQUENCE_NODE ? "a list"
                                           : "a value";
}

bool fd_yaml_text(fd_yaml *y, const fd_yaml_node *n, const char *what, fd_str *out)
{
    if (n->type != YAML_SCALAR_NODE) {
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s: expected one value, not %s", what, kind_of(n));
        return false;
    }
    *out = (fd_str){(const char *)n->data.scalar.value, (uint32_t)n->data.scalar.length};
    bool plain = n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool null = plain && (out->n == 0 || fd_str_eq_c(*out, "~") || fd_str_eq_c(*out, "null"));
    if (!null && memchr(out->p, '\0', out->n) == NULL) {
        *out = fd_arena_str(y->arena, *out);
        return true;
    }
    fd_yaml_report(y, n, FD_ERROR, NULL, null ? "%s has no value" : "%s holds a NUL character",
                   what);
    return false;
}

bool fd_yaml_int(fd_yaml *y, const fd_yaml_node *n, const char *what, int64_t min, int64_t max,
                 int64_t *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    errno = 0;
    char *end;
    long long v = strtoll(text.p, &end, 10);
    bool ok = text.n > 0 && end == text.p + text.n && errno == 0 && v >= min && v <= max;
    if (!ok)
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s: expected a whole number from %lld to %lld", what,
                       (long long)min, (long long)max);
    *out = v;
    return ok;
}

bool fd_yaml_double(fd_yaml *y, const fd_yaml_node *n, const char *what, double min, double max,
                    double *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    char *end;
    double v = strtod(text.p, &end);
    bool ok = text.n > 0 && end == text.p + text.n && isfinite(v) && v >= min && v <= max;
    if (!ok)
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s: expected a number from %g to %g", what, min, max);
    *out = v;
    return ok;
}

bool fd_yaml_is_list(fd_yaml *y, const fd_yaml_node *n, const char *what)
{
    if (n->type == YAML_SEQUENCE_NODE)
        return true;
    fd_yaml_report(y, n, FD_ERROR, "write [a, b] or one \"- item\" per line",
                   "%s: expected a list, not %s", what, kind_of(n));
    return false;
}

void fd_yaml_check_name(fd_yaml *y, const fd_yaml_node *n, fd_str name, const char *what)
{
    enum { NAME_MAX_BYTES = 128 };
    bool ok = name.n != 0 && name.n <= NAME_MAX_BYTES && !(name.p[0] >= '0' && name.p[0] <= '9');
    for (uint32_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_');
    }
    if (!ok)
        fd_yaml_report(y, n, FD_ERROR, "letters, digits and _, not a digit first",
                       "\"%.64s\" cannot be the name of a %s", name.p, what);
}

static int key_index(fd_yaml *y, const fd_yaml_node *key, const char *what, const char *const *keys,
                     int n_keys)
{
    fd_str text;
    if (!fd_yaml_text(y, key, "a key", &text))
        return -1;
    for (int i = 0; i < n_keys; i++) {
        if (fd_str_eq_c(text, keys[i]))
            return i;
    }
    const char *near = fd_did_you_mean(text.p, keys, (size_t)n_keys);
    char *hint = near == NULL ? NULL : fd_arena_printf(y->arena, "did you mean \"%s\"?", near);
    fd_yaml_report(y, key, FD_ERROR, hint, "%s has no key \"%s\"", what, text.p);
    return -1;
}

uint64_t fd_yaml_map(fd_yaml *y, fd_yaml_node *n, const char *what, const char *const *keys,
                     int n_keys, fd_yaml_pair fn, void *ctx)
{
    if (n->type != YAML_MAPPING_NODE) {
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s: expected a mapping (key: value), not %s", what,
                       kind_of(n));
        return UINT64_MAX;
    }
    FD_ASSERT(n_keys <= 64);
    uint64_t seen = 0;
    yaml_node_pair_t *end = n->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < end; p++) {
        fd_yaml_node *key = fd_yaml_get(y, p->key);
        int k = key_index(y, key, what, keys, n_keys);
        if (k < 0)
            continue;
        if (seen >> k & 1) {
            fd_yaml_report(y, key, FD_ERROR, NULL, "%s has \"%s\" twice", what, keys[k]);
            continue;
        }
        seen |= UINT64_C(1) << k;
        fn(ctx, y, k, key, fd_yaml_get(y, p->value));
    }
    return seen;
}
