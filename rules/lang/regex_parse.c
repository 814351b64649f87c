/*
 * The syntax of RE2, read from left to right with a stack of its own. See regex_int.h.
 *
 * `items` holds the parts of the concatenations that are open, `choices` the alternatives that
 * are complete, and a frame for each open parenthesis says where its share of them begins.
 */
#include "base/assert.h"
#include "lang/regex_int.h"

enum { FIRST = 32 }; /* nodes of a stack before it is moved to the arena */

typedef struct stack {
    const fd_regex_node **nodes;
    uint32_t n, cap;
    const fd_regex_node *first[FIRST];
} stack;

typedef struct frame {
    uint32_t items, choices; /* how many there were before it */
    uint32_t flags;          /* to come back with the closing parenthesis */
    uint32_t at;
} frame;

typedef struct parsing {
    fd_regex_parser p;
    stack items, choices;
    frame *frames;
    uint32_t n_frames, frames_cap;
    bool repeated;       /* a repetition was just read */
    bool after_repeated; /* and this stands directly behind it */
    uint32_t repeat_at;  /* where it began */
} parsing;

bool fd_regex_refuse(fd_regex_parser *p, uint32_t at, uint32_t to, const char *text,
                     const char *hint)
{
    if (!p->failed)
        *p->error = (fd_regex_error){at, to > at ? to - at : 1, text, hint};
    p->failed = true;
    return false;
}

bool fd_regex_too_large(fd_regex_parser *p)
{
    return fd_regex_refuse(p, 0, p->src.n, "the pattern is too large",
                           "repetitions of large classes add up: look things up in a list, or use "
                           "several patterns");
}

static bool push(parsing *s, stack *to, const fd_regex_node *x)
{
    if (x == NULL)
        return fd_regex_too_large(&s->p);
    if (x->height > FD_REGEX_DEPTH_MAX)
        return fd_regex_refuse(&s->p, 0, s->p.src.n, "nested too deeply", NULL);
    if (to->n == to->cap) {
        const fd_regex_node **nodes = fd_arena_alloc(s->p.arena, 2 * to->cap * sizeof *nodes);
        if (nodes == NULL)
            return fd_regex_too_large(&s->p);
        memcpy(nodes, to->nodes, to->n * sizeof *nodes);
        to->nodes = nodes;
        to->cap *= 2;
    }
    to->nodes[to->n++] = x;
    return true;
}

static bool open_group(parsing *s, uint32_t at)
{
    if (s->n_frames == FD_REGEX_DEPTH_MAX)
        return fd_regex_refuse(&s->p, at, at + 1, "nested too deeply", NULL);
    if (s->n_frames == s->frames_cap) {
        uint32_t cap = s->frames_cap == 0 ? 16 : 2 * s->frames_cap;
        frame *frames = fd_arena_alloc(s->p.arena, cap * sizeof *frames);
        if (frames == NULL)
            return fd_regex_too_large(&s->p);
        if (s->n_frames != 0)
            memcpy(frames, s->frames, s->n_frames * sizeof *frames);
        s->frames = frames;
        s->frames_cap = cap;
    }
    s->frames[s->n_frames++] = (frame){s->items.n, s->choices.n, s->p.flags, at};
    return true;
}

static const frame *innermost(const parsing *s)
{
    return &s->frames[s->n_frames - 1];
}

/* The open concatenation becomes an alternative. */
static bool end_choice(parsing *s)
{
    uint32_t from = innermost(s)->items;
    const fd_regex_node *x = fd_regex_node_cat(s->p.arena, s->items.nodes + from,
                                               s->items.n - from);
    s->items.n = from;
    return push(s, &s->choices, x);
}

/* The innermost group becomes an item of the one around it. */
static bool end_group(parsing *s)
{
    if (!end_choice(s))
        return false;
    uint32_t from = innermost(s)->choices;
    const fd_regex_node *x = fd_regex_node_alt(s->p.arena, s->choices.nodes + from,
                                               s->choices.n - from);
    s->choices.n = from;
    s->n_frames--;
    return push(s, &s->items, x);
}

static bool is_name(fd_str name)
{
    fd_regex_parser p = {.src = name, .error = &(fd_regex_error){0}};
    uint32_t c = 0;
    while (p.at < name.n) {
        if (!fd_regex_take_rune(&p, &c))
            return false;
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '_' || c >= 0x80;
        if (!word)
            return false;
    }
    return name.n != 0;
}

/* (?P<name> or (?<name>: the name is checked and forgotten. */
static bool take_name(parsing *s, uint32_t from, uint32_t begin)
{
    fd_regex_parser *p = &s->p;
    const char *text = p->src.p + begin;
    const char *end = memchr(text, '>', p->src.n - begin);
    if (end == NULL)
        return fd_regex_refuse(p, from, p->src.n, "'>' is missing behind the name of a group",
                               NULL);
    fd_str name = {text, (uint32_t)(end - text)};
    p->at = begin + name.n + 1;
    if (!is_name(name))
        return fd_regex_refuse(p, from, p->at, "a bad name of a group",
                               "names are letters, digits and _");
    return open_group(s, from);
}

static bool bad_group(fd_regex_parser *p, uint32_t from)
{
    return fd_regex_refuse(p, from, p->at, "unknown kind of group",
                           "there are (?:...), (?P<name>...), (?<name>...) and the flags i, m, s "
                           "and U: (?i) or (?i:...)");
}

static uint32_t flag_of(uint32_t letter)
{
    switch (letter) {
    case 'i':
        return FD_REGEX_FOLD;
    case 'm':
        return FD_REGEX_LINES;
    case 's':
        return FD_REGEX_DOT_NL;
    default:
        return 0;
    }
}

/* (?i) (?i-s:...; the place is behind "(?". */
static bool take_flags(parsing *s, uint32_t from)
{
    fd_regex_parser *p = &s->p;
    bool negated = false, any = true;
    uint32_t flags = p->flags, c = 0;
    while (c != ')' && c != ':') {
        if (p->at == p->src.n)
            return bad_group(p, from);
        if (!fd_regex_take_rune(p, &c))
            return false;
        if (c == '-' && !negated) {
            negated = true;
            any = false;
        } else if (flag_of(c) != 0 || c == 'U') {
            flags = negated ? flags & ~flag_of(c) : flags | flag_of(c);
            any = true;
        } else if (c != ')' && c != ':') {
            return bad_group(p, from);
        }
    }
    if (!any)
        return bad_group(p, from);
    if (c == ':' && !open_group(s, from))
        return false;
    p->flags = flags;
    return true;
}

static bool take_open(parsing *s)
{
    fd_regex_parser *p = &s->p;
    uint32_t from = p->at;
    if (!fd_regex_looking_at(p, "(?")) {
        p->at++;
        return open_group(s, from);
    }
    static const char *const around[] = {"(?=", "(?!", "(?<=", "(?<!"};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        if (fd_regex_looking_at(p, around[i]))
            return fd_regex_refuse(p, from, from + (uint32_t)strlen(around[i]),
                                   "look-around is not supported",
                                   "it cannot be matched in linear time: use two conditions, "
                                   "joined by && and !");
    }
    if (fd_regex_looking_at(p, "(?P<"))
        return take_name(s, from, from + 4);
    if (fd_regex_looking_at(p, "(?<"))
        return take_name(s, from, from + 3);
    p->at += 2;
    return take_flags(s, from);
}

static bool take_close(parsing *s)
{
    if (s->n_frames == 1)
        return fd_regex_refuse(&s->p, s->p.at, s->p.at + 1, "')' without '('",
                               "a parenthesis itself is written \\)");
    s->p.flags = innermost(s)->flags;
    s->p.at++;
    return end_group(s);
}

/* A number as repetitions have them: no leading zeros. */
static bool take_number(const char *text, uint32_t n, uint32_t *at, uint32_t *number)
{
    uint32_t i = *at;
    *number = 0;
    for (; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
        if (*number >= 100000000 || (i > *at && text[*at] == '0'))
            return false;
        *number = *number * 10 + (uint32_t)(text[i] - '0');
    }
    bool any = i > *at;
    *at = i;
    return any;
}

/* {n} {n,} {n,m}; anything else in braces is text. */
static bool take_braces(fd_regex_parser *p, uint32_t *min, uint32_t *max)
{
    const char *text = p->src.p;
    uint32_t n = p->src.n, at = p->at + 1;
    if (!take_number(text, n, &at, min))
        return false;
    *max = *min;
    if (at < n && text[at] == ',') {
        at++;
        *max = FD_REGEX_ENDLESS;
        if (at < n && text[at] != '}' && !take_number(text, n, &at, max))
            return false;
    }
    if (at >= n || text[at] != '}')
        return false;
    p->at = at + 1;
    return true;
}

static bool repeat(parsing *s, uint32_t from, uint32_t min, uint32_t max)
{
    fd_regex_parser *p = &s->p;
    if (p->at < p->src.n && p->src.p[p->at] == '?')
        p->at++;
    if (s->after_repeated)
        return fd_regex_refuse(p, s->repeat_at, p->at, "two repetitions in a row",
                               "put the inner one in parentheses: (?:a*)*");
    if (s->items.n == innermost(s)->items)
        return fd_regex_refuse(p, from, p->at, "nothing to repeat",
                               "the character itself is written with a backslash in front");
    if (max < min || min > FD_REGEX_REPEAT_MAX ||
        (max != FD_REGEX_ENDLESS && max > FD_REGEX_REPEAT_MAX))
        return fd_regex_refuse(p, from, p->at, "a bad number of repetitions",
                               "at most 1000, the smaller one first");
    const fd_regex_node *x = s->items.nodes[s->items.n - 1];
    uint64_t times = max == FD_REGEX_ENDLESS ? min : max;
    if (times >= 2 && x->copies * times > FD_REGEX_REPEAT_MAX)
        return fd_regex_refuse(p, from, p->at, "too many repetitions",
                               "those of repetitions inside one another multiply: 1000 at most");
    s->items.n--;
    if (!push(s, &s->items, fd_regex_node_repeat(p->arena, x, min, max)))
        return false;
    s->repeated = true;
    s->repeat_at = from;
    return true;
}

static bool push_rune(parsing *s, uint32_t rune)
{
    return push(s, &s->items,
                fd_regex_node_rune(s->p.arena, rune, (s->p.flags & FD_REGEX_FOLD) != 0));
}

static bool push_simple(parsing *s, fd_regex_op op, uint8_t assertion)
{
    return push(s, &s->items, fd_regex_node_simple(s->p.arena, op, assertion));
}

static bool push_dot(parsing *s)
{
    fd_regex_set set = {.arena = s->p.arena};
    if ((s->p.flags & FD_REGEX_DOT_NL) == 0)
        fd_regex_set_add(&set, '\n', '\n');
    fd_regex_set_negate(&set);
    return push(s, &s->items, fd_regex_node_set(&set));
}

/* \Q...\E */
static bool take_quoted(parsing *s)
{
    uint32_t rune;
    s->p.at += 2;
    while (s->p.at < s->p.src.n) {
        if (fd_regex_looking_at(&s->p, "\\E")) {
            s->p.at += 2;
            return true;
        }
        if (!fd_regex_take_rune(&s->p, &rune) || !push_rune(s, rune))
            return false;
    }
    return true;
}

static bool take_backslash(parsing *s)
{
    static const struct {
        char letter;
        uint8_t op, assertion;
    } simple[] = {
        {'A', FD_REGEX_ASSERT, FD_REGEX_BEGIN_TEXT},
        {'z', FD_REGEX_ASSERT, FD_REGEX_END_TEXT},
        {'b', FD_REGEX_ASSERT, FD_REGEX_WORD_EDGE},
        {'B', FD_REGEX_ASSERT, FD_REGEX_NO_WORD_EDGE},
        {'C', FD_REGEX_BYTE, 0},
    };
    fd_regex_parser *p = &s->p;
    char c = p->at + 1 < p->src.n ? p->src.p[p->at + 1] : '\0';
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        if (c == simple[i].letter) {
            p->at += 2;
            return push_simple(s, (fd_regex_op)simple[i].op, simple[i].assertion);
        }
    }
    if (c == 'Q')
        return take_quoted(s);
    fd_regex_set set = {.arena = p->arena};
    if (fd_regex_take_class_escape(p, &set))
        return push(s, &s->items, fd_regex_node_set(&set));
    uint32_t rune;
    return !p->failed && fd_regex_take_escape(p, &rune) && push_rune(s, rune);
}

static bool take_class(parsing *s)
{
    fd_regex_set set = {.arena = s->p.arena};
    return fd_regex_take_class(&s->p, &set) && push(s, &s->items, fd_regex_node_set(&set));
}

/* One operator, one character, one group's end. */
static bool take(parsing *s)
{
    fd_regex_parser *p = &s->p;
    bool lines = (p->flags & FD_REGEX_LINES) != 0;
    uint32_t from = p->at, min, max, rune;
    switch (p->src.p[from]) {
    case '(':
        return take_open(s);
    case ')':
        return take_close(s);
    case '|':
        p->at++;
        return end_choice(s);
    case '[':
        return take_class(s);
    case '\\':
        return take_backslash(s);
    case '.':
        p->at++;
        return push_dot(s);
    case '^':
        p->at++;
        return push_simple(s, FD_REGEX_ASSERT, lines ? FD_REGEX_BEGIN_LINE : FD_REGEX_BEGIN_TEXT);
    case '$':
        p->at++;
        return push_simple(s, FD_REGEX_ASSERT, lines ? FD_REGEX_END_LINE : FD_REGEX_END_TEXT);
    case '*':
        p->at++;
        return repeat(s, from, 0, FD_REGEX_ENDLESS);
    case '+':
        p->at++;
        return repeat(s, from, 1, FD_REGEX_ENDLESS);
    case '?':
        p->at++;
        return repeat(s, from, 0, 1);
    case '{':
        if (take_braces(p, &min, &max))
            return repeat(s, from, min, max);
        break;
    default:
        break;
    }
    return fd_regex_take_rune(p, &rune) && push_rune(s, rune);
}

const fd_regex_node *fd_regex_parse(fd_str pattern, fd_arena *arena, fd_regex_error *error)
{
    parsing s = {.p = {.src = pattern, .arena = arena, .error = error}};
    s.items.nodes = s.items.first;
    s.choices.nodes = s.choices.first;
    s.items.cap = s.choices.cap = FIRST;
    bool good = open_group(&s, 0);
    while (good && s.p.at < pattern.n) {
        uint32_t from = s.p.at;
        s.after_repeated = s.repeated;
        s.repeated = false;
        good = take(&s);
        FD_ASSERT(!good || s.p.at > from);
    }
    if (good && s.n_frames > 1)
        good = fd_regex_refuse(&s.p, innermost(&s)->at, innermost(&s)->at + 1, "')' is missing",
                               NULL);
    return good && end_group(&s) ? s.items.nodes[0] : NULL;
}
