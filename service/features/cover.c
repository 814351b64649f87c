/* Whether one layout serves for another; see windows.h. Any thread. */
#include "features/windows.h"

static const fd_window_key *key_of(const fd_window_layout *l, uint16_t feature)
{
    return &l->keys[l->features[feature].key];
}

static bool find(const fd_window_layout *l, fd_str line, uint16_t *at)
{
    for (uint16_t f = 0; f < l->n_features; f++) {
        if (fd_str_eq(l->lines[f], line)) {
            *at = f;
            return true;
        }
    }
    return false;
}

/* What decides where a key's past is cut. */
typedef struct cut {
    int64_t longest_us; /* window: the grain of trimming */
    int64_t end_us;     /* window + delay of those with this window: what panes are cut by */
    bool exact;
} cut;

static cut cut_of(const fd_window_layout *l, fd_str key, int64_t window_us)
{
    cut c = {.longest_us = 0};
    for (uint16_t f = 0; f < l->n_features; f++) {
        const fd_window_feature *x = &l->features[f];
        if (!fd_str_eq(key_of(l, f)->name, key))
            continue;
        c.exact = c.exact || x->exact;
        if (x->window_us > c.longest_us)
            c.longest_us = x->window_us;
        if (x->window_us == window_us && x->window_us + x->delay_us > c.end_us)
            c.end_us = x->window_us + x->delay_us;
    }
    return c;
}

bool fd_windows_cover(const fd_window_layout *wide, const fd_window_layout *narrow, uint16_t *from)
{
    if (wide->reach_us != narrow->reach_us)
        return false;
    for (uint16_t f = 0; f < narrow->n_features; f++) {
        if (!find(wide, narrow->lines[f], &from[f]))
            return false;
        fd_str key = key_of(narrow, f)->name;
        int64_t window_us = narrow->features[f].window_us;
        cut a = cut_of(wide, key, window_us), b = cut_of(narrow, key, window_us);
        if (a.longest_us != b.longest_us || a.end_us != b.end_us || a.exact != b.exact)
            return false;
    }
    return true;
}
