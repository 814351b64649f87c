/*
 * A stored value:
 *   byte     version
 *   word     print of the key: of the layout's descriptor and of how its records look
 *   varint   lsn + 1
 *   varint   number of records, then each, oldest first:
 *     signed   time, less that of the record before (of the first: the time itself)
 *     varint   conditions, varint valid tracks, then each valid track in order:
 *       a signed varint for FD_BOOL and integers, a word for doubles and hashes,
 *       a varint of its length and the bytes for texts
 *   panes, as panes_value.c says
 *   word     hash of all before
 * Numbers are in their shortest form, so that equal partials are equal bytes. See value_int.h.
 */
#include "features/value_int.h"

#include "base/assert.h"
#include "base/hash.h"
#include "features/wire_int.h"

enum { VERSION = 1, HEAD_BYTES = 9, HASH_BYTES = 8 };

static bool as_word(const fd_window_track *t)
{
    return t->hashed || t->kind == FD_DOUBLE;
}

static uint64_t hash_of(const char *p, size_t n)
{
    return fd_hash64(p, n, VERSION);
}

/* ---- writing ---- */

static void write_record(const fd_heap *h, const fd_key_plan *k, const uint64_t *record,
                         int64_t *time, fd_strbuf *out)
{
    fd_wire_put_signed(out, fd_record_time(record) - *time);
    *time = fd_record_time(record);
    uint64_t flags = record[k->flags_at];
    uint32_t valid = (uint32_t)(flags >> k->valid_shift) & fd_plan_tracks(k);
    fd_wire_put(out, flags & fd_plan_conditions(k));
    fd_wire_put(out, valid);
    for (; valid != 0; valid &= valid - 1) {
        uint32_t t = (uint32_t)__builtin_ctz(valid);
        uint64_t word = record[k->values_at + t];
        if (k->text_mask >> t & 1) {
            char room[8];
            fd_str s = fd_text_get(h, word, room);
            fd_wire_put(out, s.n);
            fd_strbuf_add(out, s.p, s.n);
        } else if (as_word(&k->key->tracks[t])) {
            fd_wire_put_word(out, word);
        } else {
            fd_wire_put_signed(out, (int64_t)word);
        }
    }
}

void fd_value_write(const fd_heap *h, const fd_key_plan *k, const fd_partial *p, fd_strbuf *out)
{
    size_t begin = out->n;
    char version = VERSION;
    fd_strbuf_add(out, &version, 1);
    fd_wire_put_word(out, k->print);
    fd_wire_put(out, (uint64_t)(p->lsn + 1));
    fd_wire_put(out, fd_ring_count(h, p));
    int64_t time = 0;
    for (fd_span s = fd_ring_oldest(h, k, p); s.n != 0; s = fd_ring_after(h, k, &s))
        for (uint32_t i = 0; i < s.n; i++)
            write_record(h, k, s.records + (size_t)i * k->words, &time, out);
    fd_panes_write(h, k, p, out);
    fd_wire_put_word(out, hash_of(out->p + begin, out->n - begin));
}

/* ---- reading ---- */

/* One record into `record`, texts not taken over but told to `texts`; false: it cannot be one. */
static bool read_record(const fd_key_plan *k, fd_wire *in, int64_t *time, uint64_t *record,
                        fd_str *texts)
{
    int64_t delta = fd_wire_get_signed(in);
    if (__builtin_add_overflow(*time, delta, time) || *time > FD_TIME_LIMIT ||
        *time < -FD_TIME_LIMIT)
        return false;
    uint64_t bits = fd_wire_get(in);
    uint64_t valid = fd_wire_get(in);
    if ((bits & ~fd_plan_conditions(k)) != 0 || (valid & ~(uint64_t)fd_plan_tracks(k)) != 0)
        return false;
    record[0] = (uint64_t)*time << 8;
    if (k->flags_at != 0)
        record[1] = 0;
    record[k->flags_at] |= bits | valid << k->valid_shift;
    for (uint32_t t = 0; t < k->key->n_tracks; t++) {
        uint64_t *word = &record[k->values_at + t];
        *word = 0;
        if (!(valid >> t & 1))
            continue;
        if (k->text_mask >> t & 1) {
            texts[t] = fd_wire_get_bytes(in, fd_wire_get(in));
            if (texts[t].n > FD_WINDOW_MAX_TEXT_BYTES)
                return false;
        } else if (as_word(&k->key->tracks[t])) {
            *word = fd_wire_get_word(in);
        } else {
            *word = (uint64_t)fd_wire_get_signed(in);
        }
    }
    return !in->bad;
}

static fd_wire open_value(fd_str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    return (fd_wire){p + HEAD_BYTES, p + bytes.n - HASH_BYTES, false};
}

bool fd_value_check(const fd_key_plan *k, fd_str bytes, fd_value_size *size)
{
    if (bytes.n < HEAD_BYTES + HASH_BYTES || bytes.p[0] != VERSION)
        return false;
    const unsigned char *p = (const unsigned char *)bytes.p;
    fd_wire head = {p + 1, p + HEAD_BYTES, false};
    fd_wire tail = {p + bytes.n - HASH_BYTES, p + bytes.n, false};
    if (fd_wire_get_word(&head) != k->print ||
        fd_wire_get_word(&tail) != hash_of(bytes.p, bytes.n - HASH_BYTES))
        return false;
    fd_wire in = open_value(bytes);
    size->lsn = (int64_t)fd_wire_get(&in) - 1;
    size->events = fd_wire_get(&in);
    size->blocks = 8; /* of one that grows */
    if (in.bad || size->lsn < -1 || size->events > bytes.n)
        return false;
    size->blocks += size->events / k->chunk;
    int64_t time = 0;
    for (uint64_t i = 0; i < size->events; i++) {
        uint64_t record[FD_RECORD_MAX_WORDS];
        fd_str texts[FD_WINDOW_MAX_TRACKS];
        int64_t before = time;
        if (!read_record(k, &in, &time, record, texts) || (i != 0 && time < before))
            return false;
        size->blocks += k->n_text;
    }
    return fd_panes_look(k, &in, &size->pane_blocks) && in.p == in.end;
}

void fd_value_read(fd_heap *h, const fd_key_plan *k, fd_partial *p, fd_str bytes)
{
    fd_wire in = open_value(bytes);
    p->lsn = (int64_t)fd_wire_get(&in) - 1;
    uint64_t n = fd_wire_get(&in);
    int64_t time = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t record[FD_RECORD_MAX_WORDS];
        fd_str texts[FD_WINDOW_MAX_TRACKS];
        bool fine = read_record(k, &in, &time, record, texts);
        FD_ASSERT(fine);
        uint64_t valid = record[k->flags_at] >> k->valid_shift;
        for (uint32_t m = k->text_mask & (uint32_t)valid; m != 0; m &= m - 1) {
            uint32_t t = (uint32_t)__builtin_ctz(m);
            record[k->values_at + t] = fd_text_pack(h, texts[t]);
        }
        fd_ring_insert(h, k, p, record);
    }
    fd_panes_read(h, k, p, &in);
}
