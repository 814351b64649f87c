/* The shared schema and batch; see sample.h. */
#include "sample.h"

#include <math.h>

#include "base/assert.h"

static const fd_type t_string = {.kind = FD_STRING};
static const fd_type t_maybe_string = {.kind = FD_STRING, .nullable = true};
static const fd_type t_int = {.kind = FD_INT};
static const fd_type t_maybe_int = {.kind = FD_INT, .nullable = true};
static const fd_type t_double = {.kind = FD_DOUBLE};
static const fd_type t_bool = {.kind = FD_BOOL};
static const fd_type t_bytes = {.kind = FD_BYTES};
static const fd_str symbols[] = {{"approved", 8}, {"declined", 8}};
static const fd_type t_status = {
    .kind = FD_STRING, .is_enum = true, .n_symbols = 2, .symbols = symbols};
static const fd_type t_at = {.kind = FD_TIMESTAMP, .per_second = 1000};
static const fd_type t_day = {.kind = FD_TIMESTAMP, .per_second = 0};
static const fd_type t_took = {.kind = FD_DURATION, .per_second = 1000};
static const fd_field card_fields[] = {{"bin", &t_string}, {"limit", &t_maybe_int}};
static const fd_type t_card = {
    .kind = FD_RECORD, .nullable = true, .name = "test.Card", .n_fields = 2, .fields = card_fields};
static const fd_type t_tags = {.kind = FD_LIST, .elem = &t_string};
static const fd_type t_notes = {.kind = FD_LIST, .elem = &t_maybe_string};
static const fd_type t_scores = {.kind = FD_MAP, .elem = &t_double};
static const fd_field either_branches[] = {{"int", &t_int}, {"string", &t_string}};
static const fd_type t_either = {.kind = FD_UNION, .n_fields = 2, .fields = either_branches};
static const fd_field part_fields[] = {{"sku", &t_string}, {"qty", &t_int}};
static const fd_type t_part = {
    .kind = FD_RECORD, .name = "test.Part", .n_fields = 2, .fields = part_fields};
static const fd_type t_parts = {.kind = FD_LIST, .elem = &t_part};
static const fd_type t_self = {.kind = FD_OPAQUE};

enum {
    ID,
    AMOUNT,
    PRICE,
    OK,
    STATUS,
    IP,
    AT,
    DAY,
    TOOK,
    RAW,
    CARD,
    TAGS,
    NOTES,
    SCORES,
    EITHER,
    PARTS,
    SELF,
    N_FIELDS
};

static const fd_field fields[N_FIELDS] = {
    [ID] = {"id", &t_string},
    [AMOUNT] = {"amount", &t_int},
    [PRICE] = {"price", &t_double},
    [OK] = {"ok", &t_bool},
    [STATUS] = {"status", &t_status},
    [IP] = {"ip", &t_maybe_string},
    [AT] = {"at", &t_at},
    [DAY] = {"day", &t_day},
    [TOOK] = {"took", &t_took},
    [RAW] = {"raw", &t_bytes},
    [CARD] = {"card", &t_card},
    [TAGS] = {"tags", &t_tags},
    [NOTES] = {"notes", &t_notes},
    [SCORES] = {"scores", &t_scores},
    [EITHER] = {"either", &t_either},
    [PARTS] = {"parts", &t_parts},
    [SELF] = {"self", &t_self},
};

const fd_type sample_event = {
    .kind = FD_RECORD, .name = "test.Event", .n_fields = N_FIELDS, .fields = fields};

static uint32_t grow(fd_col *c)
{
    bool ok = fd_col_reserve(c, 1, 1000);
    FD_ASSERT(ok);
    c->valid[c->n] = 1;
    return c->n++;
}

static void put_i(fd_col *c, int64_t v)
{
    uint32_t row = grow(c);
    c->v.i[row] = v;
}

static void put_d(fd_col *c, double v)
{
    uint32_t row = grow(c);
    c->v.d[row] = v;
}

static void put_s(fd_col *c, const char *v)
{
    if (v == NULL) {
        bool ok = fd_col_reserve(c, 1, 1000);
        FD_ASSERT(ok);
        fd_col_push_null(c);
        return;
    }
    uint32_t row = grow(c);
    c->v.s[row] = fd_str_from(v);
}

static void end_list(fd_col *c)
{
    uint32_t row = grow(c);
    c->v.off[row + 1] = c->children[0].n;
}

static void put_row(fd_batch *b, int i)
{
    static const int64_t amounts[] = {100, -7, INT64_MAX};
    static const double prices[] = {1.5, NAN, 0.0};
    static const int64_t times[] = {INT64_C(1769903999250), -1, INT64_C(300000000000000)};
    static const char *const ips[] = {"10.0.0.1", NULL, "nonsense"};
    static const char *const ids[] = {"a", "b", "c"};
    fd_col *c = b->root.children;
    put_s(&c[ID], ids[i]);
    put_i(&c[AMOUNT], amounts[i]);
    put_d(&c[PRICE], prices[i]);
    uint32_t row = grow(&c[OK]);
    c[OK].v.b[row] = i != 1;
    put_s(&c[STATUS], i == 1 ? "declined" : "approved");
    put_s(&c[IP], ips[i]);
    put_i(&c[AT], times[i]);
    put_i(&c[DAY], i == 1 ? -1 : 20484);
    put_i(&c[TOOK], i == 1 ? -1500 : 90000);
    put_s(&c[RAW], i == 0 ? "\x01\xff" : "");
    if (i == 2) {
        fd_col_push_null(&c[CARD]);
    } else {
        grow(&c[CARD]);
        put_s(&c[CARD].children[0], i == 0 ? "4111" : "5500");
        if (i == 0)
            put_i(&c[CARD].children[1], 5);
        else
            fd_col_push_null(&c[CARD].children[1]);
    }
    if (i != 1)
        put_s(&c[TAGS].children[0], "x");
    if (i == 0)
        put_s(&c[TAGS].children[0], "y");
    end_list(&c[TAGS]);
    if (i == 0)
        put_s(&c[NOTES].children[0], "n");
    if (i != 1)
        put_s(&c[NOTES].children[0], NULL);
    end_list(&c[NOTES]);
}

static void put_rest(fd_batch *b, int i)
{
    fd_col *c = b->root.children;
    if (i != 1) {
        put_s(&c[SCORES].children[0], "s");
        put_d(&c[SCORES].children[1], i == 0 ? 0.5 : 1.0);
    }
    if (i == 0) {
        put_s(&c[SCORES].children[0], "t");
        put_d(&c[SCORES].children[1], 2.0);
    }
    end_list(&c[SCORES]);
    uint32_t row = grow(&c[EITHER]);
    c[EITHER].v.tag[row] = i == 1;
    if (i == 1) {
        fd_col_push_null(&c[EITHER].children[0]);
        put_s(&c[EITHER].children[1], "forty");
    } else {
        put_i(&c[EITHER].children[0], i == 0 ? 42 : 7);
        fd_col_push_null(&c[EITHER].children[1]);
    }
    for (int p = 0; p < 2 && i == 0; p++) {
        grow(&c[PARTS].children[0]);
        put_s(&c[PARTS].children[0].children[0], p == 0 ? "p1" : "p2");
        put_i(&c[PARTS].children[0].children[1], p + 1);
    }
    end_list(&c[PARTS]);
    fd_col_push_null(&c[SELF]);
    row = b->root.n++;
    b->root.valid[row] = 1;
}

fd_batch *sample_batch(void)
{
    fd_batch *b = fd_batch_new(&sample_event, 8, 1000);
    for (int i = 0; i < 3; i++) {
        put_row(b, i);
        put_rest(b, i);
    }
    return b;
}

static const fd_type t_count = {.kind = FD_INT, .nullable = true};
static const fd_type t_ratio = {.kind = FD_DOUBLE, .nullable = true};
static const fd_type t_last = {
    .kind = FD_STRING, .nullable = true, .is_enum = true, .n_symbols = 2, .symbols = symbols};
static const fd_type t_since = {.kind = FD_DURATION, .nullable = true, .per_second = 1000000};
static const fd_type t_fresh = {.kind = FD_BOOL, .nullable = true};
static const fd_type t_seen = {.kind = FD_TIMESTAMP, .nullable = true, .per_second = 1000000};
static const fd_type t_blob = {.kind = FD_BYTES, .nullable = true};
enum { F_N, F_RATIO, F_LAST, F_SINCE, F_FRESH, F_SEEN, F_RAW, N_FEATURES };
static const fd_field feature_fields[N_FEATURES] = {
    [F_N] = {"n", &t_count},         [F_RATIO] = {"ratio", &t_ratio}, [F_LAST] = {"last", &t_last},
    [F_SINCE] = {"since", &t_since}, [F_FRESH] = {"fresh", &t_fresh}, [F_SEEN] = {"seen", &t_seen},
    [F_RAW] = {"raw", &t_blob},
};
const fd_type sample_features = {
    .kind = FD_RECORD, .name = "features", .n_fields = N_FEATURES, .fields = feature_fields};

fd_batch *sample_features_batch(void)
{
    static const int64_t counts[] = {7, 0, 101};
    fd_batch *b = fd_batch_new(&sample_features, 3, 0);
    fd_col *c = b->root.children;
    for (int i = 0; i < 3; i++) {
        fd_col_push_null(&b->root);
        b->root.valid[i] = 1;
        for (int f = 0; f < N_FEATURES; f++)
            c[f].valid[i] = i != 1 || f == F_N || f == F_FRESH;
        c[F_N].v.i[i] = counts[i];
        c[F_FRESH].v.b[i] = i != 2;
    }
    c[F_RATIO].v.d[0] = 0.25;
    c[F_RATIO].v.d[2] = 1.0;
    c[F_LAST].v.s[0] = FD_STR("declined");
    c[F_LAST].v.s[2] = FD_STR("approved");
    c[F_SINCE].v.i[0] = 1500000;
    c[F_SEEN].v.i[0] = INT64_C(1769903999250000);
    c[F_RAW].v.s[0] = FD_STR("\x01\xff");
    return b;
}

fd_cel_lookup sample_find_feature(void *ctx, fd_str name, const fd_type **type, uint32_t *column)
{
    (void)ctx;
    if (fd_str_eq_c(name, "broken"))
        return FD_CEL_BROKEN;
    const fd_field *f = fd_type_field(&sample_features, name, column);
    if (f == NULL)
        return FD_CEL_UNKNOWN;
    ++*column; /* behind the record's own */
    *type = f->type;
    return FD_CEL_FOUND;
}

static void show_items(const fd_cel_value *v, fd_strbuf *out)
{
    bool map = v->kind == FD_CEL_MAP;
    fd_strbuf_putc(out, map ? '{' : '[');
    for (uint32_t i = 0; i < fd_cel_length(v); i++) {
        fd_cel_value e = map ? fd_cel_map_key(v, i) : fd_cel_element(v, i);
        if (i != 0)
            fd_strbuf_puts(out, ", ");
        sample_show(&e, out);
        if (!map)
            continue;
        fd_strbuf_puts(out, ": ");
        e = fd_cel_map_value(v, i);
        sample_show(&e, out);
    }
    fd_strbuf_putc(out, map ? '}' : ']');
}

void sample_show(const fd_cel_value *v, fd_strbuf *out)
{
    switch (v->kind) {
    case FD_CEL_ERROR:
        fd_strbuf_printf(out, "error: %s", v->v.text);
        return;
    case FD_CEL_BOOL:
        fd_strbuf_puts(out, v->v.b ? "true" : "false");
        return;
    case FD_CEL_INT:
        fd_strbuf_printf(out, "%lld", (long long)v->v.i);
        return;
    case FD_CEL_UINT:
        fd_strbuf_printf(out, "%lluu", (unsigned long long)v->v.u);
        return;
    case FD_CEL_DOUBLE:
        fd_strbuf_printf(out, "%.17g", v->v.d);
        return;
    case FD_CEL_STRING:
        fd_strbuf_printf(out, "\"" FD_STR_FMT "\"", FD_STR_ARG(fd_cel_text(v)));
        return;
    case FD_CEL_BYTES:
        fd_strbuf_puts(out, "b\"");
        for (uint32_t i = 0; i < v->n; i++)
            fd_strbuf_printf(out, "%02x", (unsigned char)v->v.p[i]);
        fd_strbuf_putc(out, '"');
        return;
    case FD_CEL_LIST:
    case FD_CEL_MAP:
        show_items(v, out);
        return;
    case FD_CEL_TYPE:
        fd_strbuf_printf(out, "type " FD_STR_FMT, FD_STR_ARG(fd_cel_text(v)));
        return;
    case FD_CEL_OPTIONAL:
        fd_strbuf_puts(out, v->n == 0 ? "none" : "some ");
        if (v->n != 0)
            sample_show(v->v.list, out);
        return;
    case FD_CEL_IP:
    case FD_CEL_CIDR:
        fd_strbuf_printf(out, "%s ", fd_cel_kind_name(v->kind));
        for (uint32_t i = 0; i < 16; i++)
            fd_strbuf_printf(out, "%02x", v->v.address[i]);
        fd_strbuf_printf(out, " %x", v->n);
        return;
    case FD_CEL_TIMESTAMP:
    case FD_CEL_DURATION:
        fd_strbuf_printf(out, "%s %lld.%d", fd_cel_kind_name(v->kind), (long long)v->v.i,
                         fd_cel_nanos(v));
        return;
    default:
        fd_strbuf_puts(out, fd_cel_kind_name(v->kind));
    }
}
