/*
 * A schema and a batch that the tests of the language share: every kind of column, a few rows; and
 * the same for features.
 * Rows are written as a decoder writes them. One test at a time.
 */
#ifndef TESTS_UNIT_LANG_SAMPLE_H
#define TESTS_UNIT_LANG_SAMPLE_H

#include "domain/batch.h"
#include "lang/cel.h"

/* id string; amount int; price double; ok bool; status enum approved, declined; ip string or null;
 * at timestamp (ms); day date; took duration (ms); raw bytes; card {bin string, limit int or null}
 * or null; tags list of string; notes list of (string or null); scores map to double;
 * either int or string; parts list of {sku string, qty int}; self (recursive) */
extern const fd_type sample_event;

/*
 * row  id  amount price  ok    status    ip        card            tags       notes
 * 0    a   100    1.5    true  approved  10.0.0.1  {"4111", 5}     [x, y]     ["n", null]
 * 1    b   -7     NaN    false declined  null      {"5500", null}  []         []
 * 2    c   MAX    0.0    true  approved  nonsense  null            [x]        [null]
 * scores {"s": 0.5, "t": 2.0}, {}, {"s": 1.0}; either 42, "forty", 7
 * at 2026-01-31T23:59:59.250Z, 1969-12-31T23:59:59.999Z, out of CEL's range
 */
fd_batch *sample_batch(void);

/* n int; ratio double; last status (the enum); since duration (us); fresh bool; seen timestamp
 * (us); raw bytes: all may be absent */
extern const fd_type sample_features;

/*
 * row  n   ratio last      since  fresh seen                    raw
 * 0    7   0.25  declined  1.5 s  true  2026-01-31T23:59:59.25  01ff
 * 1    0   -     -         -      true  -                       -
 * 2    101 1.0   approved  0 s    false 1970-01-01T00:00:00     empty
 */
fd_batch *sample_features_batch(void);

/* A scope's `feature` over them; "broken" is one with errors of its own. */
fd_cel_lookup sample_find_feature(void *ctx, fd_str name, const fd_type **type, uint32_t *column);

/* The value as text, as tests write it: 1, 2u, 1.5, "s", b"00ff", error: no such key, ... */
void sample_show(const fd_cel_value *v, fd_strbuf *out);

#endif
