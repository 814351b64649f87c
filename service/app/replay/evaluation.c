/* Precision, recall and whose they are; see evaluation.h. One owner. */
#include "app/replay/evaluation.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"

typedef struct pattern {
    uint64_t events, caught; /* of this pattern; flagged */
    uint64_t own;            /* of this pattern, and one of its rules fired */
    uint64_t said, right;    /* its rules fired; on fraud of any pattern */
    uint32_t cases, cases_caught;
    int64_t amount, amount_caught;
} pattern;

typedef struct rule {
    fd_evaluated_rule is;
    uint64_t patterns; /* bits: those whose names are its tags */
    uint64_t fired, fraud, alone_fraud, alone_good;
    uint64_t by_pattern[FD_TRUTH_PATTERNS];
} rule;

enum { CASE_SEEN = 1, CASE_CAUGHT = 2 };

struct fd_evaluation {
    const fd_truth *truth;
    fd_action flagged;
    bool amounts;
    int64_t good_amount;                 /* of good events that were flagged */
    uint64_t by_action[FD_N_ACTIONS][2]; /* good, fraud */
    uint64_t labelled;
    pattern patterns[FD_TRUTH_PATTERNS];
    uint32_t n_rules;
    rule *rules;
    uint8_t *cases; /* by number: what was seen of them */
};

fd_evaluation *fd_evaluation_new(const fd_truth *truth, const fd_evaluated_rule *rules,
                                 uint32_t n_rules, fd_action flagged, bool amounts)
{
    fd_evaluation *e = calloc(1, sizeof *e);
    FD_ALLOCATED(e);
    e->truth = truth;
    e->flagged = flagged;
    e->amounts = amounts;
    e->n_rules = n_rules;
    e->rules = calloc(n_rules + 1, sizeof *e->rules);
    FD_ALLOCATED(e->rules);
    e->cases = calloc(fd_truth_n_cases(truth) + 1, 1);
    FD_ALLOCATED(e->cases);
    for (uint32_t r = 0; r < n_rules; r++) {
        e->rules[r].is = rules[r];
        for (uint32_t p = 0; p < fd_truth_n_patterns(truth); p++) {
            for (uint32_t t = 0; t < rules[r].n_tags; t++) {
                if (fd_str_eq_c(fd_truth_pattern(truth, p), rules[r].tags[t]))
                    e->rules[r].patterns |= UINT64_C(1) << p;
            }
        }
    }
    return e;
}

void fd_evaluation_free(fd_evaluation *e)
{
    if (e == NULL)
        return;
    free(e->rules);
    free(e->cases);
    free(e);
}

/* ---- counting ---- */

static void count_case(fd_evaluation *e, const fd_known *k, bool flagged)
{
    if (k->case_no == FD_NO_CASE)
        return;
    uint8_t *seen = &e->cases[k->case_no];
    e->patterns[k->pattern].cases += !(*seen & CASE_SEEN);
    e->patterns[k->pattern].cases_caught += flagged && !(*seen & CASE_CAUGHT);
    *seen |= CASE_SEEN | (flagged ? CASE_CAUGHT : 0);
}

static void count_rules(fd_evaluation *e, const fd_known *fraud, const fd_rule_hit *hits,
                        uint32_t n_hits)
{
    uint32_t n_live = 0;
    uint64_t said = 0;
    for (uint32_t i = 0; i < n_hits; i++) {
        FD_ASSERT(hits[i].rule < e->n_rules);
        rule *r = &e->rules[hits[i].rule];
        r->fired++;
        r->fraud += fraud != NULL;
        if (fraud != NULL)
            r->by_pattern[fraud->pattern]++;
        n_live += hits[i].mode == FD_MODE_LIVE;
        said |= r->patterns;
    }
    for (uint32_t i = 0; i < n_hits && n_live == 1; i++) {
        rule *r = &e->rules[hits[i].rule];
        bool alone = hits[i].mode == FD_MODE_LIVE;
        r->alone_fraud += alone && fraud != NULL;
        r->alone_good += alone && fraud == NULL;
    }
    for (uint32_t p = 0; p < fd_truth_n_patterns(e->truth) && said != 0; p++) {
        bool of_it = (said >> p & 1) != 0;
        e->patterns[p].said += of_it;
        e->patterns[p].right += of_it && fraud != NULL;
        e->patterns[p].own += of_it && fraud != NULL && fraud->pattern == p;
    }
}

void fd_evaluation_add(fd_evaluation *e, const fd_evaluated *event)
{
    uint32_t label = fd_truth_find(e->truth, event->id);
    const fd_known *known = label == UINT32_MAX ? NULL : fd_truth_known(e->truth, label);
    const fd_known *fraud = known != NULL && known->fraud ? known : NULL;
    bool flagged = event->action >= e->flagged;
    e->labelled += known != NULL;
    e->by_action[event->action][fraud != NULL]++;
    if (fraud != NULL) {
        pattern *p = &e->patterns[fraud->pattern];
        p->events++;
        p->caught += flagged;
        p->amount += event->amount;
        p->amount_caught += flagged ? event->amount : 0;
        count_case(e, fraud, flagged);
    } else if (flagged) {
        e->good_amount += event->amount;
    }
    count_rules(e, fraud, event->hits, event->n_hits);
}

/* ---- sums ---- */

typedef struct sums {
    uint64_t events, fraud, flagged, caught;
    int64_t amount, amount_caught; /* of fraud */
} sums;

static sums sum_up(const fd_evaluation *e)
{
    sums s = {0};
    for (int a = 0; a < FD_N_ACTIONS; a++) {
        s.events += e->by_action[a][0] + e->by_action[a][1];
        s.fraud += e->by_action[a][1];
        if ((fd_action)a >= e->flagged) {
            s.flagged += e->by_action[a][0] + e->by_action[a][1];
            s.caught += e->by_action[a][1];
        }
    }
    for (uint32_t i = 0; i < fd_truth_n_patterns(e->truth); i++) {
        s.amount += e->patterns[i].amount;
        s.amount_caught += e->patterns[i].amount_caught;
    }
    return s;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

/* Refunds may be negative; a share of less than nothing is none. */
static uint64_t amount(int64_t sum)
{
    return sum < 0 ? 0 : (uint64_t)sum;
}

/* Of nothing there is no share. */
static void put_share(fd_strbuf *out, int width, uint64_t part, uint64_t whole)
{
    if (whole == 0)
        fd_strbuf_printf(out, "%*s", width, "-");
    else
        fd_strbuf_printf(out, "%*.3f", width, share(part, whole));
}

/* ---- for people ---- */

static void text_patterns(const fd_evaluation *e, fd_strbuf *out)
{
    fd_strbuf_puts(out, "\npattern              events  caught  recall   cases  caught  recall    "
                        "its rules: fired  recall  precision");
    fd_strbuf_puts(out, e->amounts ? "  of amount\n" : "\n");
    for (uint32_t i = 0; i < fd_truth_n_patterns(e->truth); i++) {
        const pattern *p = &e->patterns[i];
        fd_str name = fd_truth_pattern(e->truth, i);
        fd_strbuf_printf(out, "%-18.*s %8" PRIu64 "%8" PRIu64, (int)name.n, name.p, p->events,
                         p->caught);
        put_share(out, 8, p->caught, p->events);
        fd_strbuf_printf(out, "%8u%8u", p->cases, p->cases_caught);
        put_share(out, 8, p->cases_caught, p->cases);
        fd_strbuf_printf(out, "%20" PRIu64, p->said);
        put_share(out, 8, p->own, p->events);
        put_share(out, 11, p->right, p->said);
        if (e->amounts)
            put_share(out, 11, amount(p->amount_caught), amount(p->amount));
        fd_strbuf_putc(out, '\n');
    }
}

static void text_rules(const fd_evaluation *e, fd_strbuf *out)
{
    fd_strbuf_puts(out, "\nrule                               fired   fraud    good  precision  "
                        "alone: fraud    good\n");
    for (uint32_t i = 0; i < e->n_rules; i++) {
        const rule *r = &e->rules[i];
        if (r->fired == 0)
            continue;
        fd_strbuf_printf(out, "%-32s%8" PRIu64 "%8" PRIu64 "%8" PRIu64, r->is.id, r->fired,
                         r->fraud, r->fired - r->fraud);
        put_share(out, 11, r->fraud, r->fired);
        if (r->is.mode == FD_MODE_SHADOW)
            fd_strbuf_puts(out, "  shadow\n");
        else
            fd_strbuf_printf(out, "%14" PRIu64 "%8" PRIu64 "\n", r->alone_fraud, r->alone_good);
    }
    uint32_t silent = 0;
    for (uint32_t i = 0; i < e->n_rules; i++)
        silent += e->rules[i].fired == 0;
    if (silent > 0)
        fd_strbuf_printf(out, "%u rules never fired\n", silent);
}

void fd_evaluation_text(const fd_evaluation *e, fd_strbuf *out)
{
    sums s = sum_up(e);
    fd_strbuf_printf(out,
                     "%" PRIu64 " events, %" PRIu64 " labelled, %" PRIu64 " fraudulent; %" PRIu64
                     " flagged (%s or worse)\n",
                     s.events, e->labelled, s.fraud, s.flagged, fd_action_name(e->flagged));
    fd_strbuf_puts(out, "precision ");
    put_share(out, 0, s.caught, s.flagged);
    fd_strbuf_puts(out, "  recall ");
    put_share(out, 0, s.caught, s.fraud);
    fd_strbuf_puts(out, "  F1 ");
    put_share(out, 0, 2 * s.caught, s.flagged + s.fraud);
    fd_strbuf_puts(out, "  good events flagged ");
    put_share(out, 0, s.flagged - s.caught, s.events - s.fraud);
    if (e->amounts) {
        fd_strbuf_printf(out, "\namount of fraud %" PRId64 ", flagged %" PRId64 " (", s.amount,
                         s.amount_caught);
        put_share(out, 0, amount(s.amount_caught), amount(s.amount));
        fd_strbuf_printf(out, "); of good events flagged %" PRId64, e->good_amount);
    }
    fd_strbuf_puts(out, "\n\naction         fraud      good  precision\n");
    for (int a = 0; a < FD_N_ACTIONS; a++) {
        const uint64_t *n = e->by_action[a];
        fd_strbuf_printf(out, "%-10s%10" PRIu64 "%10" PRIu64, fd_action_name((fd_action)a), n[1],
                         n[0]);
        put_share(out, 11, n[1], n[0] + n[1]);
        fd_strbuf_putc(out, '\n');
    }
    text_patterns(e, out);
    text_rules(e, out);
}

/* ---- for programs ---- */

static void json_share(fd_strbuf *out, const char *name, uint64_t part, uint64_t whole)
{
    fd_strbuf_printf(out, ",\"%s\":", name);
    if (whole == 0)
        fd_strbuf_puts(out, "null");
    else
        fd_strbuf_double(out, share(part, whole));
}

static void json_patterns(const fd_evaluation *e, fd_strbuf *out)
{
    for (uint32_t i = 0; i < fd_truth_n_patterns(e->truth); i++) {
        const pattern *p = &e->patterns[i];
        fd_strbuf_puts(out, i == 0 ? "" : ",");
        fd_strbuf_json(out, fd_truth_pattern(e->truth, i));
        fd_strbuf_printf(out, ":{\"events\":%" PRIu64 ",\"caught\":%" PRIu64, p->events, p->caught);
        json_share(out, "recall", p->caught, p->events);
        fd_strbuf_printf(out, ",\"cases\":%u,\"cases_caught\":%u", p->cases, p->cases_caught);
        json_share(out, "case_recall", p->cases_caught, p->cases);
        if (e->amounts)
            fd_strbuf_printf(out, ",\"amount\":%" PRId64 ",\"amount_caught\":%" PRId64, p->amount,
                             p->amount_caught);
        fd_strbuf_printf(out, ",\"own_rules\":{\"fired\":%" PRIu64, p->said);
        json_share(out, "recall", p->own, p->events);
        json_share(out, "precision", p->right, p->said);
        fd_strbuf_puts(out, "}}");
    }
}

static void json_rules(const fd_evaluation *e, fd_strbuf *out)
{
    for (uint32_t i = 0; i < e->n_rules; i++) {
        const rule *r = &e->rules[i];
        fd_strbuf_puts(out, i == 0 ? "" : ",");
        fd_strbuf_json(out, fd_str_from(r->is.id));
        fd_strbuf_printf(out, ":{\"fired\":%" PRIu64 ",\"fraud\":%" PRIu64, r->fired, r->fraud);
        json_share(out, "precision", r->fraud, r->fired);
        fd_strbuf_printf(out,
                         ",\"alone\":{\"fraud\":%" PRIu64 ",\"good\":%" PRIu64 "},\"patterns\":{",
                         r->alone_fraud, r->alone_good);
        bool first = true;
        for (uint32_t p = 0; p < fd_truth_n_patterns(e->truth); p++) {
            if (r->by_pattern[p] == 0)
                continue;
            fd_strbuf_puts(out, first ? "" : ",");
            fd_strbuf_json(out, fd_truth_pattern(e->truth, p));
            fd_strbuf_printf(out, ":%" PRIu64, r->by_pattern[p]);
            first = false;
        }
        fd_strbuf_puts(out, "}}");
    }
}

void fd_evaluation_json(const fd_evaluation *e, fd_strbuf *out)
{
    sums s = sum_up(e);
    fd_strbuf_printf(out,
                     "{\"events\":%" PRIu64 ",\"labelled\":%" PRIu64 ",\"fraud\":%" PRIu64
                     ",\"flagged\":%" PRIu64 ",\"caught\":%" PRIu64,
                     s.events, e->labelled, s.fraud, s.flagged, s.caught);
    json_share(out, "precision", s.caught, s.flagged);
    json_share(out, "recall", s.caught, s.fraud);
    json_share(out, "f1", 2 * s.caught, s.flagged + s.fraud);
    if (e->amounts) {
        fd_strbuf_printf(out, ",\"amount\":{\"fraud\":%" PRId64 ",\"caught\":%" PRId64, s.amount,
                         s.amount_caught);
        fd_strbuf_printf(out, ",\"good_flagged\":%" PRId64 "}", e->good_amount);
    }
    fd_strbuf_puts(out, ",\"actions\":{");
    for (int a = 0; a < FD_N_ACTIONS; a++)
        fd_strbuf_printf(out, "%s\"%s\":{\"fraud\":%" PRIu64 ",\"good\":%" PRIu64 "}",
                         a == 0 ? "" : ",", fd_action_name((fd_action)a), e->by_action[a][1],
                         e->by_action[a][0]);
    fd_strbuf_puts(out, "},\"patterns\":{");
    json_patterns(e, out);
    fd_strbuf_puts(out, "},\"rules\":{");
    json_rules(e, out);
    fd_strbuf_puts(out, "}}\n");
}
