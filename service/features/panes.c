/* Panes as events go into them; see panes_int.h. One owner. */
#include "features/panes_int.h"

#include "base/assert.h"
#include "base/hash.h"

static bool is_text(fd_kind k)
{
    return k == FD_STRING || k == FD_BYTES;
}

static double as_double(uint64_t word)
{
    double d;
    memcpy(&d, &word, sizeof d);
    return d;
}

static void put_double(uint64_t *word, double d)
{
    memcpy(word, &d, sizeof d);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
}

uint64_t fd_pane_hash(const fd_heap *h, fd_kind track, uint64_t word)
{
    if (!is_text(track))
        return mix(word);
    char room[8];
    fd_str s = fd_text_get(h, word, room);
    return mix(fd_hash64(s.p, s.n, 0));
}

/* ---- blocks ---- */

static uint32_t stock_cap(uint32_t n)
{
    uint32_t cap = 4;
    while (cap < n)
        cap *= 2;
    return cap;
}

uint32_t fd_stock_granules(uint32_t n, uint32_t words)
{
    return fd_heap_granules((size_t)stock_cap(n) * words * sizeof(uint64_t));
}

uint64_t *fd_stock_make(fd_heap *h, uint64_t *word, uint32_t n, bool over, uint32_t words)
{
    fd_stock s = {.n = (uint16_t)n, .over = over};
    if (n != 0) {
        s.ref = fd_heap_take_brief(h, fd_stock_granules(n, words));
        FD_ASSERT(s.ref != 0);
    }
    *word = fd_stock_word(s);
    return n == 0 ? NULL : fd_heap_at(h, s.ref);
}

static void stock_free(fd_heap *h, uint64_t word, uint32_t words)
{
    fd_stock s = fd_stock_of(word);
    if (s.ref != 0)
        fd_heap_give(h, s.ref, fd_stock_granules(s.n, words));
}

/* Puts {key, more} in order of key; of equal keys the first stays. Beyond max the last falls out.
 */
static void stock_add(fd_heap *h, uint64_t *word, uint32_t words, uint32_t max, uint64_t key,
                      uint64_t more)
{
    fd_stock s = fd_stock_of(*word);
    uint64_t *at = s.ref == 0 ? NULL : fd_heap_at(h, s.ref);
    uint32_t i = s.n;
    while (i > 0 && at[(i - 1) * words] > key)
        i--;
    if (i > 0 && at[(i - 1) * words] == key)
        return;
    if (s.n == max) {
        s.over = true;
        *word = fd_stock_word(s);
        if (i == max)
            return;
        memmove(&at[(i + 1) * words], &at[i * words], (size_t)(max - 1 - i) * words * sizeof *at);
    } else {
        if (s.n == 0 || s.n == stock_cap(s.n)) {
            uint64_t old = *word;
            uint64_t *grown = fd_stock_make(h, word, s.n + 1U, s.over, words);
            if (s.n != 0)
                memcpy(grown, at, (size_t)s.n * words * sizeof *at);
            stock_free(h, old, words);
            at = grown;
            s.ref = fd_stock_of(*word).ref;
        }
        memmove(&at[(i + 1) * words], &at[i * words], (size_t)(s.n - i) * words * sizeof *at);
        s.n++;
        *word = fd_stock_word(s);
    }
    at[i * words] = key;
    if (words == FD_SAMPLE_WORDS)
        at[i * words + 1] = more;
}

/* ---- cells ---- */

static void add_int(uint64_t *c, int64_t v)
{
    unsigned __int128 sum = (unsigned __int128)c[2] << 64 | c[1];
    unsigned __int128 squares = (unsigned __int128)c[4] << 64 | c[3];
    uint64_t abs = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    unsigned __int128 square = (unsigned __int128)abs * abs;
    sum += (unsigned __int128)(__int128)v;
    squares = squares + square < squares ? ~(unsigned __int128)0 : squares + square;
    c[1] = (uint64_t)sum;
    c[2] = (uint64_t)(sum >> 64);
    c[3] = (uint64_t)squares;
    c[4] = (uint64_t)(squares >> 64);
    if (c[0] == 0 || v < (int64_t)c[5])
        c[5] = (uint64_t)v;
    if (c[0] == 0 || v > (int64_t)c[6])
        c[6] = (uint64_t)v;
}

/* Welford's way of keeping mean and spread. */
static void add_real(uint64_t *c, uint64_t word)
{
    double v = as_double(word);
    double mean = as_double(c[2]);
    double delta = v - mean;
    mean += delta / (double)(c[0] + 1);
    put_double(&c[1], as_double(c[1]) + v);
    put_double(&c[2], mean);
    put_double(&c[3], as_double(c[3]) + delta * (v - mean));
    if (c[0] == 0 || v < as_double(c[4]))
        c[4] = word;
    if (c[0] == 0 || v > as_double(c[5]))
        c[5] = word;
}

static uint64_t text_copy(fd_heap *h, fd_kind track, uint64_t word)
{
    if (!is_text(track))
        return word;
    char room[8];
    return fd_text_pack(h, fd_text_get(h, word, room));
}

static void put_edge(fd_heap *h, const fd_cell *cell, uint64_t *edge, int64_t time, uint64_t word,
                     bool first)
{
    if (!first && is_text(cell->track))
        fd_text_release(h, edge[1]);
    edge[0] = (uint64_t)time;
    edge[1] = cell->value == 0 ? 0 : text_copy(h, cell->track, word);
}

static void add_edges(fd_heap *h, const fd_cell *cell, uint64_t *c, int64_t time, uint64_t word)
{
    if (c[0] == 0 || time < (int64_t)c[1])
        put_edge(h, cell, &c[1], time, word, c[0] == 0);
    if (c[0] == 0 || time >= (int64_t)c[3])
        put_edge(h, cell, &c[3], time, word, c[0] == 0);
}

static void add_place(uint64_t *c, const fd_cell *cell, const uint64_t *record)
{
    int64_t time = fd_record_time(record);
    if (c[0] != 0 && time < (int64_t)c[1])
        return;
    c[1] = (uint64_t)time;
    c[2] = record[cell->value];
    c[3] = record[cell->value2];
}

static void add_cell(fd_heap *h, const fd_cell *cell, uint64_t *c, const uint64_t *record,
                     uint64_t flags)
{
    uint64_t word = cell->value == 0 ? 0 : record[cell->value];
    bool match = (flags & cell->of) != 0;
    switch (cell->kind) {
    case FD_CELL_COUNT:
        break;
    case FD_CELL_RATIO:
        c[1] += match;
        break;
    case FD_CELL_INTS:
        add_int(c, (int64_t)word);
        break;
    case FD_CELL_REALS:
        add_real(c, word);
        break;
    case FD_CELL_SET:
        stock_add(h, &c[1], FD_SET_WORDS, FD_SET_MAX, fd_pane_hash(h, cell->track, word), 0);
        break;
    case FD_CELL_SAMPLE: {
        uint64_t key[3] = {record[0] >> 8, word, c[0]};
        stock_add(h, &c[1], FD_SAMPLE_WORDS, FD_SAMPLE_MAX, fd_hash64(key, sizeof key, 0), word);
        break;
    }
    case FD_CELL_EDGES:
        add_edges(h, cell, c, fd_record_time(record), word);
        break;
    case FD_CELL_PLACE:
        add_place(c, cell, record);
        break;
    case FD_CELL_ROW:
        c[1] = match ? c[1] + 1 : 0;
        break;
    }
    c[0]++;
}

static void cell_free(fd_heap *h, const fd_cell *cell, const uint64_t *c)
{
    if (cell->kind == FD_CELL_SET)
        stock_free(h, c[1], FD_SET_WORDS);
    if (cell->kind == FD_CELL_SAMPLE)
        stock_free(h, c[1], FD_SAMPLE_WORDS);
    if (cell->kind == FD_CELL_EDGES && is_text(cell->track) && c[0] != 0) {
        fd_text_release(h, c[2]);
        fd_text_release(h, c[4]);
    }
}

/* ---- panes ---- */

static uint32_t pane_granules(const fd_level *l)
{
    return fd_heap_granules(sizeof(fd_pane) + l->words * sizeof(uint64_t));
}

static uint32_t lists_granules(const fd_key_plan *k)
{
    return fd_heap_granules(k->n_levels * sizeof(fd_pane_list));
}

fd_pane_list *fd_pane_lists(const fd_heap *h, const fd_partial *p)
{
    if (!(p->flags & FD_PARTIAL_LARGE))
        return NULL;
    uint32_t ref = ((const fd_ring_head *)fd_heap_at(h, p->data))->panes;
    return ref == 0 ? NULL : fd_heap_at(h, ref);
}

static fd_pane_list *lists_make(fd_heap *h, const fd_key_plan *k, fd_partial *p)
{
    fd_pane_list *lists = fd_pane_lists(h, p);
    if (lists != NULL)
        return lists;
    uint32_t ref = fd_heap_take_brief(h, lists_granules(k));
    FD_ASSERT(ref != 0);
    fd_ring_make_large(h, k, p);
    ((fd_ring_head *)fd_heap_at(h, p->data))->panes = ref;
    lists = fd_heap_at(h, ref);
    memset(lists, 0, k->n_levels * sizeof *lists);
    return lists;
}

static void pane_free(fd_heap *h, const fd_level *l, fd_pane_list *list, uint32_t ref)
{
    const fd_pane *pane = fd_pane_at(h, ref);
    for (uint16_t i = 0; i < l->n_cells; i++)
        cell_free(h, &l->cells[i], &pane->words[l->cells[i].at]);
    if (pane->prev != 0)
        fd_pane_at(h, pane->prev)->next = pane->next;
    else
        list->first = pane->next;
    if (pane->next != 0)
        fd_pane_at(h, pane->next)->prev = pane->prev;
    else
        list->last = pane->prev;
    fd_heap_give(h, ref, pane_granules(l));
}

fd_pane *fd_pane_make(fd_heap *h, const fd_key_plan *k, fd_partial *p, uint16_t level,
                      int64_t start)
{
    fd_pane_list *list = &lists_make(h, k, p)[level];
    const fd_level *l = &k->levels[level];
    uint32_t after = list->last;
    while (after != 0 && fd_pane_at(h, after)->start > start)
        after = fd_pane_at(h, after)->prev;
    uint32_t ref = fd_heap_take_brief(h, pane_granules(l));
    FD_ASSERT(ref != 0);
    fd_pane *pane = fd_pane_at(h, ref);
    memset(pane, 0, sizeof *pane + l->words * sizeof(uint64_t));
    pane->start = start;
    pane->prev = after;
    pane->next = after == 0 ? list->first : fd_pane_at(h, after)->next;
    if (pane->next != 0)
        fd_pane_at(h, pane->next)->prev = ref;
    else
        list->last = ref;
    if (after != 0)
        fd_pane_at(h, after)->next = ref;
    else
        list->first = ref;
    return pane;
}

int64_t fd_level_cutoff(const fd_level *l, int64_t watermark)
{
    if (watermark == INT64_MIN)
        return INT64_MIN;
    return fd_time_floor(fd_time_minus(watermark, l->horizon_us), l->pane_us);
}

static fd_pane *pane_of(fd_heap *h, const fd_key_plan *k, fd_partial *p, uint16_t level,
                        int64_t start)
{
    const fd_pane_list *lists = fd_pane_lists(h, p);
    uint32_t ref = lists == NULL ? 0 : lists[level].last;
    while (ref != 0 && fd_pane_at(h, ref)->start > start)
        ref = fd_pane_at(h, ref)->prev;
    if (ref != 0 && fd_pane_at(h, ref)->start == start)
        return fd_pane_at(h, ref);
    return fd_pane_make(h, k, p, level, start);
}

void fd_panes_add(fd_heap *h, const fd_key_plan *k, fd_partial *p, const uint64_t *record,
                  int64_t watermark)
{
    int64_t time = fd_record_time(record);
    uint64_t flags = record[k->flags_at];
    for (uint16_t i = 0; i < k->n_levels; i++) {
        const fd_level *l = &k->levels[i];
        int64_t cutoff = fd_level_cutoff(l, watermark);
        fd_pane_list *lists = fd_pane_lists(h, p);
        while (lists != NULL && lists[i].first != 0 &&
               fd_pane_at(h, lists[i].first)->start < cutoff)
            pane_free(h, l, &lists[i], lists[i].first);
        int64_t start = fd_time_floor(time, l->pane_us);
        if (start < cutoff)
            continue;
        fd_pane *pane = pane_of(h, k, p, i, start);
        if (pane->n == 0 || time < pane->oldest)
            pane->oldest = time;
        if (pane->n == 0 || time > pane->youngest)
            pane->youngest = time;
        pane->n++;
        for (uint16_t c = 0; c < l->n_cells; c++)
            if ((flags & l->cells[c].need) == l->cells[c].need)
                add_cell(h, &l->cells[c], &pane->words[l->cells[c].at], record, flags);
    }
}

void fd_panes_free(fd_heap *h, const fd_key_plan *k, fd_partial *p)
{
    fd_pane_list *lists = fd_pane_lists(h, p);
    if (lists == NULL)
        return;
    for (uint16_t i = 0; i < k->n_levels; i++)
        while (lists[i].first != 0)
            pane_free(h, &k->levels[i], &lists[i], lists[i].first);
    fd_ring_head *ring = fd_heap_at(h, p->data);
    fd_heap_give(h, ring->panes, lists_granules(k));
    ring->panes = 0;
}

int64_t fd_panes_youngest(const fd_heap *h, const fd_key_plan *k, const fd_partial *p,
                          int64_t watermark)
{
    int64_t youngest = INT64_MIN;
    const fd_pane_list *lists = fd_pane_lists(h, p);
    for (uint16_t i = 0; lists != NULL && i < k->n_levels; i++) {
        const fd_pane *pane = fd_pane_at(h, lists[i].last);
        if (pane != NULL && pane->start >= fd_level_cutoff(&k->levels[i], watermark) &&
            pane->youngest > youngest)
            youngest = pane->youngest;
    }
    return youngest;
}

/* ---- measures ---- */

/* Of what is not in the pane itself. */
static fd_demand cell_demand(const fd_cell *c)
{
    if (c->kind == FD_CELL_SET)
        return (fd_demand){1, fd_stock_granules(FD_SET_MAX, FD_SET_WORDS)};
    if (c->kind == FD_CELL_SAMPLE)
        return (fd_demand){1, fd_stock_granules(FD_SAMPLE_MAX, FD_SAMPLE_WORDS)};
    if (c->kind == FD_CELL_EDGES && is_text(c->track))
        return (fd_demand){2, 2 * fd_heap_granules(FD_WINDOW_MAX_TEXT_BYTES)};
    return (fd_demand){0};
}

fd_demand fd_panes_demand(const fd_key_plan *k)
{
    if (k->n_levels == 0)
        return (fd_demand){0};
    fd_demand all = {1, lists_granules(k)};
    for (uint16_t i = 0; i < k->n_levels; i++) {
        all.blocks++;
        all.granules += pane_granules(&k->levels[i]);
        for (uint16_t c = 0; c < k->levels[i].n_cells; c++) {
            fd_demand own = cell_demand(&k->levels[i].cells[c]);
            all.blocks += own.blocks;
            all.granules += own.granules;
        }
    }
    return all;
}

uint32_t fd_panes_unit(const fd_key_plan *k)
{
    uint32_t unit = k->n_levels == 0 ? 0 : lists_granules(k);
    for (uint16_t i = 0; i < k->n_levels; i++) {
        uint32_t own = pane_granules(&k->levels[i]);
        unit = own > unit ? own : unit;
        for (uint16_t c = 0; c < k->levels[i].n_cells; c++) {
            fd_demand d = cell_demand(&k->levels[i].cells[c]);
            unit = d.granules > unit ? d.granules : unit;
        }
    }
    return unit;
}
