/* See support.h. */
#include "support.h"

#include <inttypes.h>

const char *support_said(const fd_diags *d)
{
    static char said[8192];
    fd_strbuf out = {0};
    fd_diags_render(d, &out);
    snprintf(said, sizeof said, "%s", out.p == NULL ? "" : out.p);
    fd_strbuf_free(&out);
    return said;
}

static fd_schema *parse_text(const char *json, fd_diags *d)
{
    char *text = strdup(json);
    assert_non_null(text);
    for (char *c = text; strchr(json, '"') == NULL && *c != '\0'; c++)
        *c = *c == '\'' ? '"' : *c;
    fd_schema *s = fd_schema_parse(text, strlen(text), "test.avsc", d);
    free(text);
    return s;
}

static fd_schema *parse(const char *json, const char *warning)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_schema *s = parse_text(json, &d);
    bool as_wished = warning == NULL ? d.n == 0 : strstr(support_said(&d), warning) != NULL;
    if (s == NULL || !as_wished) {
        print_error("%s\n%s\n", json, support_said(&d));
        fail();
    }
    fd_diags_free(&d);
    return s;
}

fd_schema *support_schema(const char *json)
{
    return parse(json, NULL);
}

fd_schema *support_warned_schema(const char *json, const char *warning)
{
    return parse(json, warning);
}

void support_refused(const char *json, const char *part)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_schema *s = parse_text(json, &d);
    if (s != NULL || d.errors == 0 || strstr(support_said(&d), part) == NULL) {
        print_error("%s\nsaid: %swanted: %s\n", json, support_said(&d), part);
        fail();
    }
    fd_diags_free(&d);
}

void support_event_schema(const char *v_type, fd_strbuf *json)
{
    fd_strbuf_printf(json,
                     "{\"type\":\"record\",\"name\":\"E\",\"fields\":["
                     "{\"name\":\"id\",\"type\":\"string\"},"
                     "{\"name\":\"ts\",\"type\":{\"type\":\"long\",\"logicalType\":"
                     "\"timestamp-millis\"}},{\"name\":\"v\",\"type\":%s}]}",
                     v_type);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    assert_non_null(at);
    return (int)(at - digits);
}

void support_hex(const char *hex, fd_strbuf *out)
{
    for (const char *c = hex; *c != '\0'; c++) {
        if (*c == ' ')
            continue;
        int high = hex_digit(*c++);
        fd_strbuf_putc(out, (char)(high * 16 + hex_digit(*c)));
    }
}

/* --- columns as text --- */

static void show_bytes(fd_str s, fd_strbuf *out)
{
    fd_strbuf_putc(out, '<');
    for (uint32_t i = 0; i < s.n; i++)
        fd_strbuf_printf(out, "%02x", (unsigned)(unsigned char)s.p[i]);
    fd_strbuf_putc(out, '>');
}

static void show_number(const fd_col *c, int64_t v, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%" PRId64, v);
    if (c->type->kind != FD_INT)
        fd_strbuf_printf(out, "@%" PRId64, c->type->per_second);
    else if (c->type->scale > 0)
        fd_strbuf_printf(out, "e-%u", c->type->scale);
}

static void show_items(const fd_col *c, uint32_t row, fd_strbuf *out)
{
    bool map = c->type->kind == FD_MAP;
    fd_strbuf_putc(out, map ? '{' : '[');
    for (uint32_t i = c->v.off[row]; i < c->v.off[row + 1]; i++) {
        if (i > c->v.off[row])
            fd_strbuf_putc(out, ',');
        if (map) {
            support_show(&c->children[0], i, out);
            fd_strbuf_putc(out, '=');
        }
        support_show(&c->children[map ? 1 : 0], i, out);
    }
    fd_strbuf_putc(out, map ? '}' : ']');
}

static void show_record(const fd_col *c, uint32_t row, fd_strbuf *out)
{
    for (uint32_t i = 0; i < c->n_children; i++) {
        fd_strbuf_printf(out, "%s%s=", i == 0 ? "(" : ",", c->type->fields[i].name);
        support_show(&c->children[i], row, out);
    }
    fd_strbuf_puts(out, c->n_children == 0 ? "()" : ")");
}

static void show_union(const fd_col *c, uint32_t row, fd_strbuf *out)
{
    fd_strbuf_printf(out, "#%u:", c->v.tag[row]);
    for (uint32_t i = 0; i < c->n_children; i++) {
        if (i == c->v.tag[row])
            support_show(&c->children[i], row, out);
        else
            assert_int_equal(c->children[i].valid[row], 0);
    }
}

void support_show(const fd_col *c, uint32_t row, fd_strbuf *out)
{
    assert_true(row < c->n);
    if (!c->valid[row]) {
        fd_strbuf_puts(out, "null");
        return;
    }
    switch (c->type->kind) {
    case FD_NULL:
        fail();
        break;
    case FD_BOOL:
        fd_strbuf_puts(out, c->v.b[row] ? "true" : "false");
        break;
    case FD_INT:
    case FD_TIMESTAMP:
    case FD_DURATION:
        show_number(c, c->v.i[row], out);
        break;
    case FD_DOUBLE:
        fd_strbuf_printf(out, "%.17g", c->v.d[row]);
        break;
    case FD_STRING:
        fd_strbuf_printf(out, "'" FD_STR_FMT "'", FD_STR_ARG(c->v.s[row]));
        break;
    case FD_BYTES:
        show_bytes(c->v.s[row], out);
        break;
    case FD_LIST:
    case FD_MAP:
        show_items(c, row, out);
        break;
    case FD_RECORD:
        show_record(c, row, out);
        break;
    case FD_UNION:
        show_union(c, row, out);
        break;
    case FD_OPAQUE:
        fd_strbuf_putc(out, '?');
        break;
    }
}
