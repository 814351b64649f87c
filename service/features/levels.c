/* Levels of panes: what is kept of events beyond the newest N; see plan_int.h. Any thread. */
#include <stdlib.h>

#include "base/assert.h"
#include "features/plan_int.h"

static const uint16_t cell_words[] = {
#define X(name, words) words,
    FD_CELLS(X)
#undef X
};

static fd_cell_kind kind_of(const fd_group *g)
{
    switch (g->class) {
    case FD_GROUP_COUNT:
        return FD_CELL_COUNT;
    case FD_GROUP_RATIO:
        return FD_CELL_RATIO;
    case FD_GROUP_NUMBERS:
        return g->kind == FD_DOUBLE ? FD_CELL_REALS : FD_CELL_INTS;
    case FD_GROUP_DISTINCT:
    case FD_GROUP_IS_NEW:
        return FD_CELL_SET;
    case FD_GROUP_LAST:
    case FD_GROUP_FIRST:
    case FD_GROUP_SINCE_LAST:
    case FD_GROUP_SINCE_FIRST:
        return FD_CELL_EDGES;
    case FD_GROUP_CONSECUTIVE:
        return FD_CELL_ROW;
    case FD_GROUP_PERCENTILE:
        return FD_CELL_SAMPLE;
    case FD_GROUP_TRAVEL:
        return FD_CELL_PLACE;
    }
    FD_UNREACHABLE();
}

static uint16_t level_of(fd_key_plan *p, const fd_window_feature *f)
{
    uint16_t i = 0;
    while (i < p->n_levels && p->levels[i].window_us != f->window_us)
        i++;
    if (i == p->n_levels) {
        p->levels = realloc(p->levels, (p->n_levels + 1U) * sizeof *p->levels);
        FD_ALLOCATED(p->levels);
        p->levels[p->n_levels++] = (fd_level){.window_us = f->window_us};
    }
    int64_t reach = fd_time_minus(f->window_us, -f->delay_us);
    if (reach > p->levels[i].reach_us)
        p->levels[i].reach_us = reach;
    return i;
}

static uint16_t cell_of(fd_level *l, const fd_group *g)
{
    fd_cell c = {kind_of(g), g->kind, g->need, g->of, g->value, g->value2, l->words};
    for (uint16_t i = 0; i < l->n_cells; i++) {
        const fd_cell *o = &l->cells[i];
        if (o->kind == c.kind && o->need == c.need && o->of == c.of && o->value == c.value &&
            o->value2 == c.value2)
            return i;
    }
    l->cells = realloc(l->cells, (l->n_cells + 1U) * sizeof *l->cells);
    FD_ALLOCATED(l->cells);
    l->cells[l->n_cells] = c;
    l->words = (uint16_t)(l->words + cell_words[c.kind]);
    return l->n_cells++;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a - 1) / b + 1;
}

void fd_levels_make(fd_key_plan *p, const fd_window_layout *layout, int64_t slack_us)
{
    for (uint16_t i = 0; i < p->n_groups; i++) {
        fd_group *g = &p->groups[i];
        g->places = calloc(g->n, sizeof *g->places);
        FD_ALLOCATED(g->places);
        for (uint16_t f = 0; f < g->n; f++) {
            uint16_t level = level_of(p, &layout->features[g->features[f]]);
            g->places[f] = (fd_place){level, cell_of(&p->levels[level], g)};
        }
    }
    for (uint16_t i = 0; i < p->n_levels; i++) {
        fd_level *l = &p->levels[i];
        l->horizon_us = fd_time_minus(l->reach_us, -slack_us);
        l->pane_us = divide_up(l->window_us, FD_PANES_PER_WINDOW);
        int64_t coarse = divide_up(l->horizon_us, FD_PANES_PER_LEVEL);
        if (coarse > l->pane_us)
            l->pane_us = coarse;
    }
}

void fd_levels_release(fd_key_plan *p)
{
    for (uint16_t i = 0; i < p->n_groups; i++)
        free(p->groups[i].places);
    for (uint16_t i = 0; i < p->n_levels; i++)
        free(p->levels[i].cells);
    free(p->levels);
}
