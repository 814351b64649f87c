/*
 * Loading: the inputs in their order, then defaults for what nobody gave, then the checks that
 * need to see everything. Errors are collected, not stopped at. One owner at a time.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "config/config_int.h"

static const char *source_line(const fd_loader *l, int line, char *buf, size_t size)
{
    const char *p = l->file.p;
    for (int i = 1; p != NULL && i < line; i++) {
        p = strchr(p, '\n');
        p = p == NULL ? NULL : p + 1;
    }
    if (p == NULL)
        return NULL;
    size_t n = strcspn(p, "\r\n");
    snprintf(buf, size, "%.*s", (int)(n < size ? n : size - 1), p);
    /* A line may hold a secret beside what is wrong in it, or be too broken to tell. */
    return fd_config_property_is_secret(buf) || strstr(buf, "basic_auth") != NULL ? NULL : buf;
}

void fd_cdiag(fd_loader *l, fd_severity severity, const fd_place *at, bool secret, const char *hint,
              const char *fmt, ...)
{
    char text[1024], line[512], full[1280];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_diag d = {.severity = severity, .text = text, .hint = hint};
    switch (at->from) {
    case FD_FROM_FILE:
        d.file = at->name;
        d.line = at->line;
        d.col = at->col;
        d.width = at->width;
        if (!secret)
            d.source = source_line(l, at->line, line, sizeof line);
        break;
    case FD_FROM_ENV:
        snprintf(full, sizeof full, "environment variable %s: %s", at->name, text);
        d.text = full;
        break;
    case FD_FROM_SET:
        snprintf(full, sizeof full, "--set %s: %s", at->name, text);
        d.text = full;
        break;
    case FD_FROM_DEFAULT:
        break;
    }
    fd_diags_add(l->diags, &d);
}

static void give(fd_loader *l, const fd_ckey *k, fd_given *given, void *base, const char *text,
                 const fd_place *at)
{
    if (given->text != NULL && given->place.from == at->from && at->from != FD_FROM_SET) {
        fd_cdiag(l, FD_ERROR, at, (k->flags & FD_C_SECRET) != 0, NULL, "%s is given twice",
                 k->name);
        return;
    }
    given->text = fd_arena_cstr(l->own->arena, text);
    given->place = *at;
    fd_cvalue_store(l, k, base, given->text, at);
}

void fd_config_give(fd_loader *l, const fd_ckey *k, const char *text, bool from_file,
                    const fd_place *at)
{
    if (from_file)
        text = fd_config_read_secret(l, text, at);
    else if (at->from == FD_FROM_FILE || at->from == FD_FROM_DEFAULT)
        text = fd_config_expand(l, text, at, (k->flags & FD_C_SECRET) != 0);
    if (text != NULL)
        give(l, k, &l->own->key[k - fd_ckeys], l->c, text, at);
}

static const char *owned_reason(const char *name)
{
    static const fd_kv owned[] = {
#define X(key, why) {key, why},
        FD_KAFKA_OWNED(X)
#undef X
    };
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        if (strcmp(name, owned[i].key) == 0)
            return owned[i].value;
    }
    size_t n = strlen(name);
    return n > 3 && strcmp(name + n - 3, "_cb") == 0 ? "it is a pointer inside the program" : NULL;
}

const char *fd_config_map_name(fd_cmap map)
{
    static const char *const names[] = {"kafka", "consumer", "producer"};
    return names[map];
}

static fd_kvs *public_map(fd_config *c, fd_cmap map)
{
    return map == FD_MAP_KAFKA ? &c->kafka : map == FD_MAP_CONSUMER ? &c->consumer : &c->producer;
}

static void put_property(fd_loader *l, fd_cmap map, const char *name, const char *text,
                         const fd_place *at)
{
    fd_kvs *kvs = public_map(l->c, map);
    fd_kv *items = l->own->kv[map];
    size_t i = 0;
    while (i < kvs->n && strcmp(items[i].key, name) != 0)
        i++;
    if (i == FD_KV_MAX) {
        fd_cdiag(l, FD_ERROR, at, true, NULL, "%s has more than %d properties",
                 fd_config_map_name(map), FD_KV_MAX);
        return;
    }
    fd_place *place = &l->own->map_place[map][i];
    if (i < kvs->n && place->from == at->from && at->from != FD_FROM_SET) {
        fd_cdiag(l, FD_ERROR, at, fd_config_property_is_secret(name), NULL, "%s.%s is given twice",
                 fd_config_map_name(map), name);
        return;
    }
    if (i == kvs->n) {
        items[i].key = fd_arena_cstr(l->own->arena, name);
        kvs->n++;
    }
    items[i].value = fd_arena_cstr(l->own->arena, text);
    *place = *at;
    kvs->items = items;
}

void fd_config_give_property(fd_loader *l, fd_cmap map, const char *name, const char *text,
                             const fd_place *at)
{
    char key[256];
    size_t n = strlen(name);
    bool from_file = n > 5 && strcmp(name + n - 5, "_file") == 0;
    snprintf(key, sizeof key, "%.*s", (int)(from_file ? n - 5 : n), name);
    const char *why = owned_reason(key);
    bool secret = fd_config_property_is_secret(key);
    if (n == 0 || n >= sizeof key) {
        fd_cdiag(l, FD_ERROR, at, true, NULL, "%s: a property needs a name of 1 to %zu characters",
                 fd_config_map_name(map), sizeof key - 1);
    } else if (why != NULL) {
        fd_cdiag(l, FD_ERROR, at, secret, "remove it", "%s.%s cannot be set: %s",
                 fd_config_map_name(map), key, why);
    } else {
        if (from_file)
            text = fd_config_read_secret(l, text, at);
        else if (at->from == FD_FROM_FILE)
            text = fd_config_expand(l, text, at, secret);
        if (text != NULL)
            put_property(l, map, key, text, at);
    }
}

bool fd_config_property_is_secret(const char *name)
{
    static const char *const parts[] = {
#define X(part) part,
        FD_KAFKA_SECRETS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(name, parts[i]) != NULL)
            return true;
    }
    return false;
}

/* Full names of the keys that could have been meant at this level: "" or "section.". */
static const char *nearest(const char *name, fd_str level)
{
    const char *names[FD_N_CKEYS + FD_N_SECTIONS + FD_N_MAPS + 1];
    size_t n = 0;
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        const char *dot = strchr(fd_ckeys[i].name, '.');
        if (level.n == 0 ? dot == NULL : strncmp(fd_ckeys[i].name, level.p, level.n) == 0)
            names[n++] = fd_ckeys[i].name;
    }
    for (size_t i = 0; i < FD_N_SECTIONS && level.n == 0; i++)
        names[n++] = fd_csections[i].name;
    for (int i = 0; i < FD_N_MAPS && level.n == 0; i++)
        names[n++] = fd_config_map_name((fd_cmap)i);
    if (level.n == 0)
        names[n++] = "sources";
    return fd_did_you_mean(name, names, n);
}

/* A key that is right but in no or in the wrong section: "max_events", "state.max_wait". */
static const char *elsewhere(const char *name)
{
    const char *last = strrchr(name, '.');
    last = last == NULL ? name : last + 1;
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        const char *dot = strchr(fd_ckeys[i].name, '.');
        if (dot != NULL && strcmp(dot + 1, last) == 0)
            return fd_ckeys[i].name;
    }
    return NULL;
}

void fd_config_unknown(fd_loader *l, const char *name, fd_str level, const fd_place *at)
{
    const char *later = fd_ckey_later(fd_str_from(name));
    if (later != NULL) {
        fd_cdiag(l, FD_ERROR, at, false, "remove it", "this version of fraudd has no %s yet (%s)",
                 name, later);
        return;
    }
    char hint[160];
    const char *near = nearest(name, level);
    if (near == NULL)
        near = elsewhere(name);
    if (near == NULL)
        snprintf(hint, sizeof hint, "`fraudd config --reference` lists all keys");
    else
        snprintf(hint, sizeof hint, "did you mean %s?", near);
    fd_cdiag(l, FD_ERROR, at, false, hint, "unknown key %s", name);
}

static void fill_defaults(fd_loader *l)
{
    static const fd_place nowhere = {.from = FD_FROM_DEFAULT};
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        if (l->own->key[i].text == NULL)
            fd_config_give(l, &fd_ckeys[i], fd_ckeys[i].preset, false, &nowhere);
    }
    bool has_brokers = false;
    for (size_t i = 0; i < l->c->kafka.n; i++) {
        has_brokers = has_brokers || strcmp(l->c->kafka.items[i].key, "bootstrap.servers") == 0 ||
                      strcmp(l->c->kafka.items[i].key, "metadata.broker.list") == 0;
    }
    if (!has_brokers)
        put_property(l, FD_MAP_KAFKA, "bootstrap.servers", "localhost:9092", &nowhere);
}

fd_config *fd_config_load(const fd_config_inputs *inputs, fd_diags *diags)
{
    size_t errors = diags->errors;
    fd_config *c = calloc(1, sizeof *c);
    FD_ALLOCATED(c);
    c->own = calloc(1, sizeof *c->own);
    FD_ALLOCATED(c->own);
    c->own->arena = fd_arena_new(4096, 0);
    c->sources = c->own->sources;
    fd_loader l = {.in = inputs, .diags = diags, .c = c, .own = c->own};
    /* Every string member is "" before it is anything else, so that checks need no NULL. */
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        static const char *const empty = "";
        if (fd_ckeys[i].type == FD_C_STRING || fd_ckeys[i].type == FD_C_PATH)
            memcpy((char *)c + fd_ckeys[i].offset, &empty, sizeof empty);
    }
    if (inputs->path != NULL)
        fd_config_read_yaml(&l);
    fd_config_read_env(&l);
    fd_config_read_set(&l);
    fill_defaults(&l);
    if (!l.unreadable)
        fd_config_check(&l);
    fd_strbuf_free(&l.file);
    if (diags->errors == errors)
        return c;
    fd_config_free(c);
    return NULL;
}

void fd_config_free(fd_config *c)
{
    if (c == NULL)
        return;
    fd_arena_free(c->own->arena);
    free(c->own);
    free(c);
}

const char *fd_config_property(const fd_config *c, const fd_kvs *own_map, const char *key)
{
    const fd_kvs *maps[] = {own_map, &c->kafka};
    for (size_t m = 0; m < 2; m++) {
        for (size_t i = 0; maps[m] != NULL && i < maps[m]->n; i++) {
            if (strcmp(maps[m]->items[i].key, key) == 0)
                return maps[m]->items[i].value;
        }
    }
    return NULL;
}
