/* Places in a YAML file; see yaml_place.h. One owner at a time. */
#include "text/yaml_place.h"

#include "base/assert.h"

/* Length of the line break at `at`, as libyaml breaks lines: LF, CR, CRLF, NEL, LS, PS. */
static uint32_t break_length(fd_str text, uint32_t at)
{
    const unsigned char *p = (const unsigned char *)text.p + at;
    uint32_t n = text.n - at;
    if (p[0] == '\r')
        return n > 1 && p[1] == '\n' ? 2 : 1;
    if (p[0] == '\n')
        return 1;
    if (p[0] == 0xC2 && n > 1 && p[1] == 0x85)
        return 2;
    if (p[0] == 0xE2 && n > 2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9))
        return 3;
    return 0;
}

void fd_yaml_index_lines(fd_yaml *y)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < y->text.n; i++)
        n += break_length(y->text, i) != 0;
    y->lines = fd_arena_alloc(y->arena, n * sizeof *y->lines);
    FD_ALLOCATED(y->lines);
    y->lines[0] = 0;
    y->n_lines = 1;
    for (uint32_t i = 0; i < y->text.n;) {
        uint32_t len = break_length(y->text, i);
        i += len == 0 ? 1 : len;
        if (len != 0)
            y->lines[y->n_lines++] = i;
    }
    FD_ASSERT(y->n_lines <= n);
}

size_t fd_yaml_byte_offset(const fd_yaml *y, size_t line, size_t column)
{
    const char *p = y->text.p;
    size_t n = y->text.n;
    size_t at = line < y->n_lines ? y->lines[line] : n;
    for (size_t c = 0; c < column && at < n; c++) {
        size_t len = fd_utf8_len((const unsigned char *)p + at, n - at);
        at += len == 0 ? 1 : len;
    }
    return at;
}

void fd_yaml_fill_place(fd_yaml *y, size_t offset, fd_diag *d)
{
    enum { SHOWN_MAX = 500 };
    size_t n = y->text.n;
    if (offset > n)
        offset = n;
    uint32_t low = 0, high = y->n_lines; /* the line is in [low, high) */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (y->lines[mid] <= offset)
            low = mid;
        else
            high = mid;
    }
    d->line = (int)low + 1;
    size_t start = y->lines[low], end = offset;
    while (end < n && break_length(y->text, (uint32_t)end) == 0)
        end++;
    d->source = NULL;
    if (end - start <= SHOWN_MAX)
        d->source = fd_arena_str(y->arena, (fd_str){y->text.p + start, (uint32_t)(end - start)}).p;
    d->col = (int)(offset - start) + 1;
}

/* What maps a scalar's decoded text to the file. */
typedef struct scalar_map {
    fd_yaml *y;
    fd_str decoded;
    size_t start, end; /* of the raw text, in bytes */
    yaml_scalar_style_t style;
} scalar_map;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Raw bytes of one escape of a double-quoted scalar. */
static size_t escape_length(char kind)
{
    return kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
}

/* The indentation that a block scalar's first line of content has. */
static size_t block_indent(const char *p, size_t at, size_t end)
{
    size_t indent = 0;
    for (; at < end && (p[at] == ' ' || p[at] == '\n' || p[at] == '\r'); at++)
        indent = p[at] == ' ' ? indent + 1 : 0;
    return indent;
}

static size_t skip_indent(const char *p, size_t at, size_t end, size_t indent)
{
    for (size_t i = 0; i < indent && at < end && p[at] == ' '; i++)
        at++;
    return at;
}

/* A backslash at the end of a line of a double-quoted scalar. */
static bool joins_lines(const scalar_map *m, size_t at)
{
    const char *p = m->y->text.p + at;
    return m->style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && at + 1 < m->end && p[0] == '\\' &&
           (p[1] == '\n' || p[1] == '\r');
}

/* Walks raw and decoded text side by side. Where folding made one blank of several, the raw run
 * is skipped; anything else that differs is an escape. */
static size_t raw_offset(const scalar_map *m, uint32_t offset)
{
    const char *raw = m->y->text.p;
    size_t j = m->start, end = m->end, indent = 0;
    bool block = m->style == YAML_LITERAL_SCALAR_STYLE || m->style == YAML_FOLDED_SCALAR_STYLE;
    bool quoted = m->style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                  m->style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (quoted)
        j++;
    if (block) {
        while (j < end && raw[j] != '\n')
            j++;
        j++;
        indent = block_indent(raw, j, end);
        j = skip_indent(raw, j, end, indent);
    }
    for (uint32_t i = 0; i < offset && j < end;) {
        char c = m->decoded.p[i];
        if (m->style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && raw[j] == '\\') {
            bool joins = joins_lines(m, j);
            i += joins ? 0
                       : (uint32_t)fd_utf8_len((const unsigned char *)m->decoded.p + i,
                                               m->decoded.n - i);
            j += joins ? 1 : escape_length(raw[j + 1]);
        } else if (m->style == YAML_SINGLE_QUOTED_SCALAR_STYLE && c == '\'' && raw[j] == c) {
            i++;
            j += 2;
        } else if (raw[j] == c) {
            i++;
            j++;
            if (block && c == '\n')
                j = skip_indent(raw, j, end, indent);
        } else if (is_space(raw[j])) {
            bool line_end = raw[j] == '\n';
            bool folded = line_end && is_space(c);
            i += folded;
            j++;
            if (block && line_end)
                j = skip_indent(raw, j, end, indent);
        } else {
            i++;
        }
    }
    /* Blanks and breaks that folding left behind are not what a message means. */
    bool word = offset < m->decoded.n && !is_space(m->decoded.p[offset]);
    while (word && j < end && (is_space(raw[j]) || joins_lines(m, j))) {
        bool line_end = raw[j++] == '\n';
        if (block && line_end)
            j = skip_indent(raw, j, end, indent);
    }
    return j;
}

static void locate(void *ctx, uint32_t offset, fd_diag *place)
{
    const scalar_map *m = ctx;
    fd_yaml_fill_place(m->y, raw_offset(m, offset), place);
}

bool fd_yaml_cel(fd_yaml *y, fd_yaml_node *n, const char *what, fd_cel_source *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return false;
    scalar_map *m = fd_arena_alloc(y->arena, sizeof *m);
    *m = (scalar_map){.y = y, .decoded = text, .style = n->data.scalar.style};
    m->start = fd_yaml_byte_offset(y, n->start_mark.line, n->start_mark.column);
    m->end = fd_yaml_byte_offset(y, n->end_mark.line, n->end_mark.column);
    *out = (fd_cel_source){.text = text, .file = y->name, .locate = locate, .ctx = m};
    return true;
}
