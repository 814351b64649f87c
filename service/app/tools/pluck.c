/* Key and time of Avro records; see pluck.h. One owner. */
#include "app/tools/pluck.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

struct fd_pluck {
    fd_decoder *decoder;
    fd_plan *plan;
    fd_batch *batch;
    const fd_col *key, *time; /* NULL: not wanted */
    char digits[24];
};

static bool whole(const fd_type *t)
{
    return t->kind == FD_INT && t->scale == 0;
}

static bool can_be_key(const fd_type *t)
{
    return t != NULL && (t->kind == FD_STRING || whole(t));
}

static bool can_be_time(const fd_type *t)
{
    return t != NULL && (whole(t) || (t->kind == FD_TIMESTAMP && t->per_second >= 1000));
}

fd_pluck *fd_pluck_new(const fd_schema *schema, const char *key, const char *time)
{
    const fd_type *type = fd_schema_type(schema);
    if ((key != NULL && !can_be_key(fd_type_path(type, fd_str_from(key)))) ||
        (time != NULL && !can_be_time(fd_type_path(type, fd_str_from(time)))))
        return NULL;
    fd_pluck *p = calloc(1, sizeof *p);
    FD_ALLOCATED(p);
    fd_diags diags;
    fd_diags_init(&diags);
    p->decoder = fd_decoder_new(schema, (fd_str){0}, (fd_str){0}, &diags);
    p->plan = p->decoder == NULL ? NULL : fd_plan_new(p->decoder, NULL, &diags);
    fd_diags_free(&diags);
    if (p->plan == NULL) {
        fd_pluck_free(p);
        return NULL;
    }
    p->batch = fd_batch_new(type, 1, FD_DECODE_MAX_ELEMS);
    p->key = key == NULL ? NULL : fd_batch_path(p->batch, fd_str_from(key));
    p->time = time == NULL ? NULL : fd_batch_path(p->batch, fd_str_from(time));
    FD_ASSERT((key == NULL) == (p->key == NULL) && (time == NULL) == (p->time == NULL));
    return p;
}

void fd_pluck_free(fd_pluck *p)
{
    if (p == NULL)
        return;
    fd_batch_free(p->batch);
    fd_plan_free(p->plan);
    fd_decoder_free(p->decoder);
    free(p);
}

fd_poison fd_pluck_record(fd_pluck *p, fd_str record, fd_plucked *out)
{
    fd_batch_reset(p->batch);
    *out = (fd_plucked){.null_key = true, .null_time = true};
    fd_poison poison = fd_plan_decode(p->plan, record, p->batch);
    if (poison != FD_POISON_NONE)
        return poison;
    if (p->key != NULL && p->key->valid[0]) {
        out->null_key = false;
        if (p->key->type->kind == FD_STRING) {
            out->key = p->key->v.s[0];
        } else {
            int n = snprintf(p->digits, sizeof p->digits, "%" PRId64, p->key->v.i[0]);
            out->key = (fd_str){p->digits, (uint32_t)n};
        }
    }
    if (p->time != NULL && p->time->valid[0]) {
        out->null_time = false;
        out->time_ms = p->time->v.i[0];
        if (p->time->type->kind == FD_TIMESTAMP)
            out->time_ms /= p->time->type->per_second / 1000;
    }
    return FD_POISON_NONE;
}
