/*
 * Panes in a stored value, behind the records:
 *   varint   0: none, 1: for each level of the key
 *     varint   number of panes, then each, oldest first:
 *       signed   start / pane length; varint n; signed oldest, youngest less the start
 *       each cell: varint n; where that is not 0
 *         sets, samples   varint 2 * kept + (there were more), then each kept one as word(s)
 *         edges           signed time and value (a text as its length and bytes), twice
 *         others          each word as a varint
 * See value_int.h. One owner.
 */
#include "base/assert.h"
#include "features/panes_int.h"
#include "features/value_int.h"

static const uint16_t cell_words[] = {
#define X(name, words) words,
    FD_CELLS(X)
#undef X
};

static bool text_edges(const fd_cell *c)
{
    return c->kind == FD_CELL_EDGES && (c->track == FD_STRING || c->track == FD_BYTES);
}

static bool is_stock(const fd_cell *c)
{
    return c->kind == FD_CELL_SET || c->kind == FD_CELL_SAMPLE;
}

static uint32_t stock_words(const fd_cell *c)
{
    return c->kind == FD_CELL_SET ? FD_SET_WORDS : FD_SAMPLE_WORDS;
}

/* ---- writing ---- */

static void write_text(const fd_heap *h, uint64_t word, fd_strbuf *out)
{
    char room[8];
    fd_str s = fd_text_get(h, word, room);
    fd_wire_put(out, s.n);
    fd_strbuf_add(out, s.p, s.n);
}

static void write_cell(const fd_heap *h, const fd_cell *cell, const uint64_t *c, fd_strbuf *out)
{
    fd_wire_put(out, c[0]);
    if (c[0] == 0)
        return;
    if (is_stock(cell)) {
        fd_stock s = fd_stock_of(c[1]);
        const uint64_t *words = fd_heap_at(h, s.ref);
        fd_wire_put(out, 2U * s.n + s.over);
        for (uint32_t i = 0; i < s.n * stock_words(cell); i++)
            fd_wire_put_word(out, words[i]);
    } else if (text_edges(cell)) {
        fd_wire_put(out, c[1]);
        write_text(h, c[2], out);
        fd_wire_put(out, c[3]);
        write_text(h, c[4], out);
    } else {
        for (uint32_t i = 1; i < cell_words[cell->kind]; i++)
            fd_wire_put(out, c[i]);
    }
}

static void write_level(const fd_heap *h, const fd_level *l, uint32_t first, fd_strbuf *out)
{
    uint64_t n = 0;
    for (uint32_t ref = first; ref != 0; ref = fd_pane_at(h, ref)->next)
        n++;
    fd_wire_put(out, n);
    for (uint32_t ref = first; ref != 0; ref = fd_pane_at(h, ref)->next) {
        const fd_pane *pane = fd_pane_at(h, ref);
        fd_wire_put_signed(out, pane->start / l->pane_us);
        fd_wire_put(out, pane->n);
        fd_wire_put_signed(out, pane->oldest - pane->start);
        fd_wire_put_signed(out, pane->youngest - pane->start);
        for (uint16_t c = 0; c < l->n_cells; c++)
            write_cell(h, &l->cells[c], &pane->words[l->cells[c].at], out);
    }
}

void fd_panes_write(const fd_heap *h, const fd_key_plan *k, const fd_partial *p, fd_strbuf *out)
{
    const fd_pane_list *lists = fd_pane_lists(h, p);
    bool some = false;
    for (uint16_t i = 0; lists != NULL && i < k->n_levels; i++)
        some |= lists[i].first != 0;
    fd_wire_put(out, some);
    for (uint16_t i = 0; some && i < k->n_levels; i++)
        write_level(h, &k->levels[i], lists[i].first, out);
}

/* ---- reading: into a heap, or, where it is NULL, only looking ---- */

typedef struct reader {
    fd_wire *in;
    fd_heap *h;
    uint64_t blocks;
} reader;

static bool read_stock(reader *r, const fd_cell *cell, uint64_t *c)
{
    uint64_t head = fd_wire_get(r->in);
    uint32_t words = stock_words(cell);
    uint64_t n = head >> 1;
    if (n == 0 || n > (cell->kind == FD_CELL_SET ? FD_SET_MAX : FD_SAMPLE_MAX))
        return false;
    uint64_t *at = NULL;
    if (r->h != NULL)
        at = fd_stock_make(r->h, &c[1], (uint32_t)n, head & 1, words);
    r->blocks++;
    uint64_t before = 0;
    for (uint64_t i = 0; i < n * words; i++) {
        uint64_t word = fd_wire_get_word(r->in);
        if (i % words == 0 && i != 0 && word <= before)
            return false;
        before = i % words == 0 ? word : before;
        if (at != NULL)
            at[i] = word;
    }
    return !r->in->bad;
}

static bool read_edges(reader *r, uint64_t *c)
{
    for (int edge = 0; edge < 2; edge++) {
        uint64_t time = fd_wire_get(r->in);
        fd_str text = fd_wire_get_bytes(r->in, fd_wire_get(r->in));
        if (r->in->bad || text.n > FD_WINDOW_MAX_TEXT_BYTES)
            return false;
        r->blocks++;
        if (r->h == NULL)
            continue;
        c[1 + 2 * edge] = time;
        c[2 + 2 * edge] = fd_text_pack(r->h, text);
    }
    return true;
}

static bool read_cell(reader *r, const fd_cell *cell, uint64_t *c)
{
    c[0] = fd_wire_get(r->in);
    if (r->in->bad)
        return false;
    if (c[0] == 0)
        return true;
    if (is_stock(cell))
        return read_stock(r, cell, c);
    if (text_edges(cell))
        return read_edges(r, c);
    for (uint32_t i = 1; i < cell_words[cell->kind]; i++)
        c[i] = fd_wire_get(r->in);
    return !r->in->bad;
}

static bool read_pane(reader *r, const fd_key_plan *k, uint16_t level, fd_partial *p,
                      int64_t *start)
{
    const fd_level *l = &k->levels[level];
    uint64_t looked_at[8] = {0};
    fd_pane head = {0};
    int64_t place = fd_wire_get_signed(r->in);
    head.n = fd_wire_get(r->in);
    int64_t oldest = fd_wire_get_signed(r->in);
    int64_t youngest = fd_wire_get_signed(r->in);
    if (r->in->bad || head.n == 0 || __builtin_mul_overflow(place, l->pane_us, &head.start) ||
        __builtin_add_overflow(head.start, oldest, &head.oldest) ||
        __builtin_add_overflow(head.start, youngest, &head.youngest))
        return false;
    fd_pane *pane = NULL;
    r->blocks++;
    if (r->h != NULL) {
        pane = fd_pane_make(r->h, k, p, level, head.start);
        pane->n = head.n;
        pane->oldest = head.oldest;
        pane->youngest = head.youngest;
    }
    *start = head.start;
    for (uint16_t c = 0; c < l->n_cells; c++)
        if (!read_cell(r, &l->cells[c], pane == NULL ? looked_at : &pane->words[l->cells[c].at]))
            return false;
    return true;
}

static bool read_all(reader *r, const fd_key_plan *k, fd_partial *p)
{
    uint64_t some = fd_wire_get(r->in);
    if (r->in->bad || some > 1 || (some == 1 && k->n_levels == 0))
        return false;
    r->blocks = some * 3;
    for (uint16_t i = 0; some == 1 && i < k->n_levels; i++) {
        int64_t before = INT64_MIN;
        for (uint64_t n = fd_wire_get(r->in); n > 0; n--) {
            int64_t start;
            if (!read_pane(r, k, i, p, &start) || (before != INT64_MIN && start <= before))
                return false;
            before = start;
        }
        if (r->in->bad)
            return false;
    }
    return true;
}

bool fd_panes_look(const fd_key_plan *k, fd_wire *in, uint64_t *blocks)
{
    reader r = {.in = in};
    bool fine = read_all(&r, k, NULL);
    *blocks = r.blocks;
    return fine;
}

void fd_panes_read(fd_heap *h, const fd_key_plan *k, fd_partial *p, fd_wire *in)
{
    reader r = {.in = in, .h = h};
    bool fine = read_all(&r, k, p);
    FD_ASSERT(fine);
}
