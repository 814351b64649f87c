/*
 * The group coordinator's side of membership: seats, generations, sessions, who gets what.
 *
 * A rebalance is complete when every seat has joined again (or its time is up). In the cooperative
 * protocol a partition that its owner still holds is given to nobody; the owner gives it up,
 * joins again, and the next round deals it. A static member that comes back takes its old seat,
 * without a rebalance. One thread.
 */
#include "model_int.h"

typedef struct session {
    int seat;
    uint32_t id;
} session;

typedef struct round_end {
    uint64_t round;
} round_end;

static void prepare(model *m);

static model_seat *seat_by_id(model *m, uint32_t id)
{
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        if (m->group.seats[i].used && m->group.seats[i].id == id)
            return &m->group.seats[i];
    }
    return NULL;
}

static model_seat *seat_by_instance(model *m, int instance)
{
    for (int i = 0; instance >= 0 && i < MODEL_SEATS_MAX; i++) {
        if (m->group.seats[i].used && m->group.seats[i].instance == instance)
            return &m->group.seats[i];
    }
    return NULL;
}

uint32_t model_members(const model *m)
{
    uint32_t n = 0;
    for (int i = 0; i < MODEL_SEATS_MAX; i++)
        n += m->group.seats[i].used;
    return n;
}

int32_t model_generation(const model *m)
{
    return m->group.generation;
}

bool model_rebalancing(const model *m)
{
    return m->group.preparing;
}

int model_owner(const model *m, fd_tp tp)
{
    model_bits bit = MODEL_BIT(model_tp_index(m, tp));
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        const model_seat *s = &m->group.seats[i];
        if (s->used && (s->assigned & bit) != 0)
            return s->client;
    }
    return -1;
}

/* ---- sessions ---- */

static void remove_seat(model *m, model_seat *s, const char *why)
{
    MODEL_TRACE(m, "group: member %u (c%d) is out: %s", s->id, s->client, why);
    model_answer gone = {.err = MODEL_E_UNKNOWN_MEMBER_ID};
    if (s->waiting != NULL)
        model_reply(m, s->waiting, &gone);
    *s = (model_seat){0};
    m->group.salt++;
    if (model_members(m) == 0) {
        m->group.preparing = false;
        m->group.generation++;
    } else {
        prepare(m);
    }
}

static void fire_session(model *m, void *arg)
{
    const session *e = arg;
    model_seat *s = &m->group.seats[e->seat];
    if (!s->used || s->id != e->id)
        return;
    int64_t until = s->waiting != NULL ? model_now(m) + m->config.session_ns : s->deadline_ns;
    if (model_now(m) < m->down_until_ns && until < m->down_until_ns)
        until = m->down_until_ns + MODEL_MS(1);
    if (model_now(m) < until)
        model_at(m, until, fire_session, arg);
    else
        remove_seat(m, s, "its session timed out");
}

static void renew(model *m, model_seat *s)
{
    s->deadline_ns = model_now(m) + m->config.session_ns;
}

static model_seat *new_seat(model *m, const model_request *r)
{
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        model_seat *s = &m->group.seats[i];
        if (s->used)
            continue;
        *s = (model_seat){
            .used = true, .id = ++m->group.next_id, .instance = r->instance, .client = r->client};
        renew(m, s);
        m->group.salt++;
        session *e = fd_arena_alloc(m->arena, sizeof *e);
        FD_ALLOCATED(e);
        *e = (session){.seat = i, .id = s->id};
        model_at(m, s->deadline_ns, fire_session, e);
        return s;
    }
    FD_UNREACHABLE();
}

void model_group_loaded(model *m)
{
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        model_seat *s = &m->group.seats[i];
        int64_t back = m->down_until_ns > m->group_moves_ns[1] ? m->down_until_ns
                                                               : m->group_moves_ns[1];
        if (s->used)
            s->deadline_ns = back + m->config.session_ns;
    }
}

void model_kick(model *m, int client)
{
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        model_seat *s = &m->group.seats[i];
        if (s->used && s->client == client)
            remove_seat(m, s, "kicked");
    }
}

/* ---- dealing ---- */

static bool dealt_to(const model *m, uint32_t tp, const model_seat *s)
{
    return m->group.dealt && m->group.deal[tp] == s->client;
}

/* Who should have it: as scripted, else in turn over the seats, from a place that changes. */
static int target_of(const model *m, uint32_t tp)
{
    int seats[MODEL_SEATS_MAX];
    uint32_t n = 0;
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        const model_seat *s = &m->group.seats[i];
        if (!s->used)
            continue;
        if (dealt_to(m, tp, s))
            return i;
        seats[n++] = i;
    }
    if (n == 0 || (m->group.dealt && m->group.deal[tp] == -1))
        return -1;
    return seats[(tp + m->group.salt) % n];
}

static void deal(model *m)
{
    model_group *g = &m->group;
    for (int i = 0; i < MODEL_SEATS_MAX; i++)
        g->seats[i].assigned = 0;
    for (uint32_t tp = 0; tp < m->n_logs; tp++) {
        int to = target_of(m, tp);
        bool held = false;
        for (int i = 0; m->config.cooperative && i < MODEL_SEATS_MAX; i++)
            held = held || (g->seats[i].used && i != to && (g->seats[i].owned & MODEL_BIT(tp)));
        if (to >= 0 && !held)
            g->seats[to].assigned |= MODEL_BIT(tp);
    }
}

static void admit(model *m, model_seat *s)
{
    model_answer a = {.generation = m->group.generation, .member_id = s->id, .tps = s->assigned};
    const model_request *r = s->waiting;
    s->waiting = NULL;
    renew(m, s);
    if (r != NULL)
        model_reply(m, r, &a);
}

static void complete(model *m)
{
    model_group *g = &m->group;
    g->preparing = false;
    g->generation++;
    m->counts.rebalances++;
    deal(m);
    MODEL_TRACE(m, "group: generation %d, %u members", g->generation, model_members(m));
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        if (g->seats[i].used)
            admit(m, &g->seats[i]);
    }
}

static void try_complete(model *m)
{
    if (!m->group.preparing)
        return;
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        if (m->group.seats[i].used && m->group.seats[i].waiting == NULL)
            return;
    }
    complete(m);
}

static void fire_round_end(model *m, void *arg)
{
    const round_end *e = arg;
    model_group *g = &m->group;
    if (!g->preparing || g->round != e->round)
        return;
    for (int i = 0; i < MODEL_SEATS_MAX; i++) {
        model_seat *s = &g->seats[i];
        if (s->used && s->waiting == NULL) {
            MODEL_TRACE(m, "group: member %u (c%d) did not join again", s->id, s->client);
            *s = (model_seat){0};
            g->salt++;
        }
    }
    if (model_members(m) > 0)
        complete(m);
    else
        g->preparing = false;
}

static void prepare(model *m)
{
    model_group *g = &m->group;
    if (!g->preparing) {
        g->preparing = true;
        g->round++;
        round_end *e = fd_arena_alloc(m->arena, sizeof *e);
        FD_ALLOCATED(e);
        *e = (round_end){.round = g->round};
        model_at(m, model_now(m) + m->config.rebalance_ns, fire_round_end, e);
    }
    try_complete(m);
}

void model_rebalance(model *m)
{
    MODEL_TRACE(m, "group: to be dealt anew");
    m->group.salt++;
    if (model_members(m) > 0)
        prepare(m);
}

void model_deal(model *m, const int *owner)
{
    m->group.dealt = owner != NULL;
    for (uint32_t i = 0; owner != NULL && i < m->n_logs; i++)
        m->group.deal[i] = owner[i];
    model_rebalance(m);
}

/* ---- requests ---- */

/* The old self hears that it is fenced. The seat keeps what it was assigned. */
static void replace(model *m, model_seat *s, const model_request *r)
{
    if (s->waiting != NULL) {
        model_answer fenced = {.err = MODEL_E_FENCED_INSTANCE_ID};
        model_reply(m, s->waiting, &fenced);
    }
    MODEL_TRACE(m, "group: c%d takes the seat of c%d", r->client, s->client);
    session *e = fd_arena_alloc(m->arena, sizeof *e);
    FD_ALLOCATED(e);
    s->id = ++m->group.next_id;
    s->client = r->client;
    s->owned = 0;
    s->waiting = r;
    renew(m, s);
    *e = (session){.seat = (int)(s - m->group.seats), .id = s->id};
    model_at(m, s->deadline_ns, fire_session, e);
}

static bool take_join(model *m, const model_request *r, model_answer *a)
{
    model_seat *s = seat_by_instance(m, r->instance);
    if (s != NULL && r->member_id == 0) {
        replace(m, s, r);
        if (m->group.preparing)
            try_complete(m);
        else
            admit(m, s);
        return false;
    }
    if (s != NULL && s->id != r->member_id) {
        a->err = MODEL_E_FENCED_INSTANCE_ID;
        return true;
    }
    if (s == NULL && r->member_id != 0)
        s = seat_by_id(m, r->member_id);
    if (s == NULL && r->member_id != 0) {
        a->err = MODEL_E_UNKNOWN_MEMBER_ID;
        return true;
    }
    if (s == NULL)
        s = new_seat(m, r);
    s->waiting = r;
    s->owned = r->owned;
    renew(m, s);
    prepare(m);
    return false;
}

/* A copy of a join: the group begins anew, its member will hear of it. One without a member id has
 * no effect: a real broker hands the id out first (KIP-394). */
static bool take_unheard_join(model *m, const model_request *r)
{
    if (r->member_id != 0 && seat_by_id(m, r->member_id) != NULL)
        prepare(m);
    return true;
}

/* KIP-447: member and generation, not partitions; and nothing at all for who names neither. */
model_error model_check_member(model *m, const model_request *r)
{
    if (r->generation < 0 && !r->member_known) {
        model_violation(m, "an offset commit without generation or member id");
        return MODEL_E_NONE;
    }
    if (r->generation < 0 && model_members(m) == 0) {
        model_violation(m, "an offset commit without generation to an empty group");
        return MODEL_E_NONE;
    }
    const model_seat *s = seat_by_instance(m, r->instance);
    if (s != NULL && s->id != r->member_id)
        return MODEL_E_FENCED_INSTANCE_ID;
    if (s == NULL)
        s = seat_by_id(m, r->member_id);
    if (s == NULL)
        return MODEL_E_UNKNOWN_MEMBER_ID;
    return r->generation == m->group.generation ? MODEL_E_NONE : MODEL_E_ILLEGAL_GENERATION;
}

static void take_heartbeat(model *m, const model_request *r, model_answer *a)
{
    a->err = model_check_member(m, r);
    model_seat *s = seat_by_id(m, r->member_id);
    if (s == NULL)
        return;
    renew(m, s);
    if (a->err == MODEL_E_NONE && m->group.preparing)
        a->err = MODEL_E_REBALANCE_IN_PROGRESS;
}

bool model_group_take(model *m, const model_request *r, model_answer *a)
{
    if (r->api == MODEL_JOIN_GROUP)
        return r->unheard ? take_unheard_join(m, r) : take_join(m, r, a);
    if (r->api == MODEL_HEARTBEAT) {
        take_heartbeat(m, r, a);
        return true;
    }
    model_seat *s = seat_by_id(m, r->member_id);
    if (s == NULL)
        a->err = MODEL_E_UNKNOWN_MEMBER_ID;
    else
        remove_seat(m, s, "it left");
    return true;
}
