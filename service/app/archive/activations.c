/* Lines of the activation log; see activations.h. */
#include "app/archive/activations.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

static const char *const kinds[] = {
#define X(id, text) text,
    FD_ACTIVATION_KINDS(X)
#undef X
};

const char *fd_activation_kind_name(fd_activation_kind kind)
{
    FD_ASSERT(kind < FD_N_ACTIVATION_KINDS);
    return kinds[kind];
}

/* ---- writing ---- */

static void put_text(fd_strbuf *out, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    fd_strbuf_printf(out, ", \"%s\": ", key);
    fd_strbuf_json(out, fd_str_from(value));
}

void fd_activation_line(const fd_activation *a, fd_strbuf *out)
{
    fd_strbuf_printf(out, "{\"kind\": \"%s\"", kinds[a->kind]);
    put_text(out, "time", a->time);
    put_text(out, "who", a->who);
    put_text(out, "trigger", a->trigger);
    put_text(out, "ruleset", a->hashes.ruleset);
    put_text(out, "lists_hash", a->hashes.lists);
    put_text(out, "models_hash", a->hashes.models);
    put_text(out, "config_hash", a->hashes.config);
    put_text(out, "engine", a->engine);
    put_text(out, "why", a->why);
    put_text(out, "from", a->from);
    if (a->kind == FD_ACTIVATION_DECIDES) {
        fd_strbuf_puts(out, ", \"first\": [");
        for (uint32_t i = 0; i < a->n_first; i++) {
            fd_strbuf_puts(out, i == 0 ? "{\"topic\": " : ", {\"topic\": ");
            fd_strbuf_json(out, fd_str_from(a->first[i].topic));
            fd_strbuf_printf(out, ", \"partition\": %" PRId32 ", \"offset\": %" PRId64 "}",
                             a->first[i].partition, a->first[i].offset);
        }
        fd_strbuf_putc(out, ']');
    }
    fd_strbuf_puts(out, "}\n");
}

/* ---- reading ---- */

static const char *text_of(fd_arena *arena, const json_t *in, const char *key)
{
    const char *s = json_string_value(json_object_get(in, key));
    return s == NULL ? NULL : fd_arena_printf(arena, "%s", s);
}

static void hash_of(const json_t *in, const char *key, char out[FD_CONTENT_HASH_CHARS + 1])
{
    const char *s = json_string_value(json_object_get(in, key));
    snprintf(out, FD_CONTENT_HASH_CHARS + 1, "%s", s == NULL ? "" : s);
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool read_first(fd_arena *arena, const json_t *root, fd_activation *out)
{
    const json_t *list = json_object_get(root, "first");
    size_t n = json_array_size(list);
    fd_first *first = fd_arena_zalloc(arena, (n + 1) * sizeof *first);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        first[i].topic = text_of(arena, one, "topic");
        first[i].partition = (int32_t)json_integer_value(json_object_get(one, "partition"));
        first[i].offset = json_integer_value(json_object_get(one, "offset"));
        if (!is_given(first[i].topic))
            return false;
    }
    out->first = first;
    out->n_first = (uint32_t)n;
    return true;
}

static bool read_line(fd_arena *arena, const char *line, size_t n, fd_activation *out)
{
    json_t *root = json_loadb(line, n, 0, NULL);
    const char *kind = json_string_value(json_object_get(root, "kind"));
    uint32_t k = 0;
    while (kind != NULL && k < FD_N_ACTIVATION_KINDS && strcmp(kind, kinds[k]) != 0)
        k++;
    bool ok = kind != NULL && k < FD_N_ACTIVATION_KINDS;
    if (ok) {
        *out = (fd_activation){.kind = (fd_activation_kind)k,
                               .time = text_of(arena, root, "time"),
                               .who = text_of(arena, root, "who"),
                               .trigger = text_of(arena, root, "trigger"),
                               .engine = text_of(arena, root, "engine"),
                               .why = text_of(arena, root, "why"),
                               .from = text_of(arena, root, "from")};
        hash_of(root, "ruleset", out->hashes.ruleset);
        hash_of(root, "lists_hash", out->hashes.lists);
        hash_of(root, "models_hash", out->hashes.models);
        hash_of(root, "config_hash", out->hashes.config);
        ok = read_first(arena, root, out) && is_given(out->time) && is_given(out->who);
    }
    json_decref(root);
    return ok;
}

static fd_activation *push(fd_activations *a)
{
    if (a->n == a->cap) {
        a->cap = a->cap == 0 ? 64 : a->cap * 2;
        a->items = realloc(a->items, a->cap * sizeof *a->items);
        FD_ALLOCATED(a->items);
    }
    return &a->items[a->n++];
}

void fd_activations_parse(const fd_strbuf *log, fd_activations *out)
{
    *out = (fd_activations){.arena = fd_arena_new(64 * 1024, 0)};
    uint32_t number = 0;
    for (size_t at = 0; at < log->n;) {
        const char *line = log->p + at;
        const char *nl = memchr(line, '\n', log->n - at);
        size_t n = nl == NULL ? log->n - at : (size_t)(nl - line);
        at += n + 1;
        number++;
        fd_activation one;
        if (n == 0)
            continue;
        if (read_line(out->arena, line, n, &one)) {
            *push(out) = one;
        } else if (nl == NULL) {
            out->torn = true;
        } else {
            out->first_broken = out->broken == 0 ? number : out->first_broken;
            out->broken++;
        }
    }
}

void fd_activations_free(fd_activations *a)
{
    fd_arena_free(a->arena);
    free(a->items);
    *a = (fd_activations){0};
}

const fd_activation *fd_activations_at(const fd_activations *a, const char *topic,
                                       int32_t partition, int64_t offset)
{
    for (uint32_t i = a->n; i-- > 0;) {
        const fd_activation *line = &a->items[i];
        for (uint32_t f = 0; f < line->n_first; f++) {
            const fd_first *first = &line->first[f];
            if (first->partition == partition && first->offset <= offset &&
                strcmp(first->topic, topic) == 0)
                return line;
        }
    }
    return NULL;
}
