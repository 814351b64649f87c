/* Records of a topic as text; see record_print.h. One owner. */
#include "app/tools/record_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

/* ---- JSON ---- */

/* Bytes that are not UTF-8 are given in hex: nothing is lost, and JSON stays valid. */
static bool is_text(fd_str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t len = fd_utf8_len((const unsigned char *)s.p + i, s.n - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

static void add_hex(fd_strbuf *b, fd_str s)
{
    static const char HEX[] = "0123456789abcdef";
    for (uint32_t i = 0; i < s.n; i++) {
        fd_strbuf_putc(b, HEX[(unsigned char)s.p[i] >> 4]);
        fd_strbuf_putc(b, HEX[(unsigned char)s.p[i] & 15]);
    }
}

static void add_bytes(fd_strbuf *b, fd_str s, bool null)
{
    if (null) {
        fd_strbuf_puts(b, "null");
    } else if (is_text(s)) {
        fd_strbuf_json(b, s);
    } else {
        fd_strbuf_puts(b, "{\"hex\":\"");
        add_hex(b, s);
        fd_strbuf_puts(b, "\"}");
    }
}

static void add_headers(fd_strbuf *b, const fd_tap_record *r)
{
    fd_strbuf_putc(b, '[');
    for (uint32_t i = 0; i < r->n_headers; i++) {
        fd_strbuf_puts(b, i == 0 ? "{\"name\":" : ",{\"name\":");
        fd_strbuf_json(b, r->headers[i].name);
        fd_strbuf_puts(b, ",\"value\":");
        add_bytes(b, r->headers[i].value, r->headers[i].null_value);
        fd_strbuf_putc(b, '}');
    }
    fd_strbuf_putc(b, ']');
}

static void add_place(fd_strbuf *b, const fd_tap_record *r)
{
    fd_strbuf_puts(b, "\"topic\":");
    fd_strbuf_json(b, fd_str_from(r->topic));
    fd_strbuf_printf(b, ",\"partition\":%d,\"offset\":%" PRId64, r->msg->tp.partition,
                     r->msg->offset);
}

/* The headers that dead letters carry (INTERFACE §2), or false. */
static bool add_dead_letter(fd_strbuf *b, const fd_tap_record *r)
{
    static const char PREFIX[] = "__fd.errors.";
    size_t before = b->n, n = sizeof PREFIX - 1;
    bool any = false;
    for (uint32_t i = 0; i < r->n_headers; i++) {
        fd_str name = r->headers[i].name;
        if (name.n <= n || memcmp(name.p, PREFIX, n) != 0)
            continue;
        fd_strbuf_puts(b, any ? "," : "\"dead_letter\":{");
        fd_strbuf_json(b, (fd_str){name.p + n, name.n - (uint32_t)n});
        fd_strbuf_putc(b, ':');
        add_bytes(b, r->headers[i].value, r->headers[i].null_value);
        any = true;
    }
    if (any)
        fd_strbuf_putc(b, '}');
    else
        b->n = before;
    return any;
}

static void add_value(fd_strbuf *b, const fd_tap_record *r)
{
    if (r->decoded)
        fd_strbuf_add(b, r->json.p, r->json.n);
    else
        add_bytes(b, r->msg->value, r->msg->null_value);
}

static void json_line(fd_tap_printer *p, const fd_tap_record *r)
{
    fd_strbuf *b = &p->line;
    fd_strbuf dead = {0};
    bool is_dead = add_dead_letter(&dead, r);
    if (r->error == NULL && !p->meta && !is_dead) {
        add_value(b, r);
        fd_strbuf_putc(b, '\n');
        return;
    }
    fd_strbuf_putc(b, '{');
    if (p->meta || r->error != NULL) {
        add_place(b, r);
        fd_strbuf_printf(b, ",\"timestamp\":%" PRId64 ",\"key\":", r->msg->kafka_ms);
        add_bytes(b, r->msg->key, r->msg->null_key);
        fd_strbuf_puts(b, ",\"headers\":");
        add_headers(b, r);
        fd_strbuf_putc(b, ',');
    }
    if (is_dead) {
        fd_strbuf_add(b, dead.p, dead.n);
        fd_strbuf_putc(b, ',');
    } else if (r->error != NULL) {
        fd_strbuf_puts(b, "\"undecodable\":");
        fd_strbuf_json(b, fd_str_from(r->error));
        fd_strbuf_putc(b, ',');
    }
    fd_strbuf_puts(b, "\"value\":");
    add_value(b, r);
    fd_strbuf_puts(b, "}\n");
    fd_strbuf_free(&dead);
}

/* ---- table and CSV ---- */

static int width_of(const fd_field *f)
{
    int named = (int)strlen(f->name);
    int usual = f->type->kind == FD_TIMESTAMP                            ? 24
                : f->type->kind == FD_STRING                             ? 14
                : f->type->kind == FD_LIST || f->type->kind == FD_RECORD ? 20
                                                                         : 8;
    return named > usual ? named : usual;
}

static void add_cell(fd_tap_printer *p, const char *text, int width)
{
    fd_strbuf *b = &p->line;
    if (p->output == FD_TAP_TABLE) {
        fd_strbuf_printf(b, "%-*s  ", width, text);
    } else if (strpbrk(text, ",\"\r\n") == NULL) {
        fd_strbuf_puts(b, text);
        fd_strbuf_putc(b, ',');
    } else {
        fd_strbuf_putc(b, '"');
        for (const char *c = text; *c != '\0'; c++) {
            if (*c == '"')
                fd_strbuf_putc(b, '"');
            fd_strbuf_putc(b, *c);
        }
        fd_strbuf_puts(b, "\",");
    }
}

static void end_row(fd_tap_printer *p)
{
    fd_strbuf *b = &p->line;
    char filler = p->output == FD_TAP_TABLE ? ' ' : ',';
    if (filler == ',')
        b->n--;
    while (filler == ' ' && b->n > 0 && b->p[b->n - 1] == ' ')
        b->n--;
    fd_strbuf_putc(b, '\n');
}

static void add_number(fd_tap_printer *p, int64_t v, int width)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, v);
    add_cell(p, text, width);
}

static void heading(fd_tap_printer *p)
{
    p->headed = true;
    if (p->meta) {
        add_cell(p, "partition", 9);
        add_cell(p, "offset", 10);
        add_cell(p, "timestamp", 14);
        add_cell(p, "key", 14);
    }
    for (uint32_t i = 0; i < p->columns->n_fields; i++)
        add_cell(p, p->columns->fields[i].name, width_of(&p->columns->fields[i]));
    end_row(p);
}

/* Strings as they are, null as nothing, everything else as JSON. */
static void add_json_cell(fd_tap_printer *p, const json_t *v, int width)
{
    if (json_is_string(v)) {
        add_cell(p, json_string_value(v), width);
    } else if (v == NULL || json_is_null(v)) {
        add_cell(p, "", width);
    } else {
        char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        FD_ALLOCATED(text);
        add_cell(p, text, width);
        free(text);
    }
}

static void row(fd_tap_printer *p, const fd_tap_record *r)
{
    if (!p->headed)
        heading(p);
    if (!r->decoded)
        return; /* there is no row to be had; the caller has told */
    if (p->meta) {
        add_number(p, r->msg->tp.partition, 9);
        add_number(p, r->msg->offset, 10);
        add_number(p, r->msg->kafka_ms, 14);
        fd_strbuf key = {0};
        if (is_text(r->msg->key))
            fd_strbuf_add(&key, r->msg->key.p, r->msg->key.n);
        else
            add_hex(&key, r->msg->key);
        add_cell(p, key.n == 0 ? "" : key.p, 14);
        fd_strbuf_free(&key);
    }
    json_t *root = json_loadb(r->json.p, r->json.n, JSON_ALLOW_NUL, NULL);
    for (uint32_t i = 0; i < p->columns->n_fields; i++) {
        const fd_field *f = &p->columns->fields[i];
        add_json_cell(p, json_object_get(root, f->name), width_of(f));
    }
    json_decref(root);
    end_row(p);
}

/* ---- kcat's format strings ---- */

static const char LETTERS[] = "stpoTkhSK%";

const char *fd_tap_check_format(const char *format)
{
    for (const char *c = format; *c != '\0'; c++) {
        if (*c == '%' && (c[1] == '\0' || strchr(LETTERS, *++c) == NULL))
            return "after % comes one of s (value), S (its bytes), k (key), K (its bytes), t "
                   "(topic), p (partition), o (offset), T (timestamp), h (headers), %";
        if (*c == '\\' && (c[1] == '\0' || strchr("nrt0\\", *++c) == NULL))
            return "after \\ comes one of n, r, t, 0, \\";
    }
    return NULL;
}

static void add_letter(fd_strbuf *b, const fd_tap_record *r, char letter)
{
    switch (letter) {
    case 's':
        add_value(b, r);
        break;
    case 'S':
        fd_strbuf_printf(b, "%d", r->msg->null_value ? -1 : (int)r->msg->value.n);
        break;
    case 'k':
        fd_strbuf_add(b, r->msg->key.p, r->msg->key.n);
        break;
    case 'K':
        fd_strbuf_printf(b, "%d", r->msg->null_key ? -1 : (int)r->msg->key.n);
        break;
    case 't':
        fd_strbuf_puts(b, r->topic);
        break;
    case 'p':
        fd_strbuf_printf(b, "%d", r->msg->tp.partition);
        break;
    case 'o':
        fd_strbuf_printf(b, "%" PRId64, r->msg->offset);
        break;
    case 'T':
        fd_strbuf_printf(b, "%" PRId64, r->msg->kafka_ms);
        break;
    case 'h':
        add_headers(b, r);
        break;
    default:
        FD_ASSERT(letter == '%');
        fd_strbuf_putc(b, '%');
    }
}

static void formatted(fd_tap_printer *p, const fd_tap_record *r)
{
    for (const char *c = p->format; *c != '\0'; c++) {
        if (*c == '%') {
            add_letter(&p->line, r, *++c);
        } else if (*c == '\\') {
            c++;
            fd_strbuf_putc(&p->line, *c == 'n'   ? '\n'
                                     : *c == 'r' ? '\r'
                                     : *c == 't' ? '\t'
                                     : *c == '0' ? '\0'
                                                 : '\\');
        } else {
            fd_strbuf_putc(&p->line, *c);
        }
    }
}

bool fd_tap_print(fd_tap_printer *p, const fd_tap_record *r)
{
    fd_strbuf_reset(&p->line);
    if (p->format != NULL)
        formatted(p, r);
    else if (p->output == FD_TAP_JSON)
        json_line(p, r);
    else
        row(p, r);
    FILE *to = p->to == NULL ? stdout : p->to;
    return p->line.n == 0 || fwrite(p->line.p, 1, p->line.n, to) == p->line.n;
}
