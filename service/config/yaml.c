/*
 * The YAML file: walks libyaml's document and gives each scalar to its key, with its place.
 * Bounded by FD_CONFIG_FILE_MAX bytes. One owner at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <yaml.h>

#include "base/assert.h"
#include "config/config_int.h"

typedef struct walk {
    fd_loader *l;
    yaml_document_t *doc;
} walk;

/* libyaml counts characters; places are in bytes. */
static int byte_col(const fd_loader *l, yaml_mark_t mark)
{
    const unsigned char *p = (const unsigned char *)l->file.p;
    const unsigned char *end = p + l->file.n;
    for (size_t line = 0; line < mark.line && p < end; p++)
        line += *p == '\n';
    size_t bytes = 0;
    for (size_t chars = 0; chars < mark.column && p + bytes < end; chars++) {
        size_t n = fd_utf8_len(p + bytes, (size_t)(end - p) - bytes);
        bytes += n == 0 ? 1 : n;
    }
    return (int)bytes + 1;
}

static fd_place place_of(const walk *w, const yaml_node_t *node)
{
    fd_place at = {.from = FD_FROM_FILE, .name = w->l->own->path};
    at.line = (int)node->start_mark.line + 1;
    at.col = byte_col(w->l, node->start_mark);
    at.width = 1;
    bool one_line = node->start_mark.line == node->end_mark.line;
    if (one_line && node->end_mark.column > node->start_mark.column)
        at.width = (int)(node->end_mark.column - node->start_mark.column);
    return at;
}

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static bool is_null(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *t = text_of(node);
    return t[0] == '\0' || strcmp(t, "~") == 0 || strcmp(t, "null") == 0;
}

/* A scalar with a value, or an error. */
static const char *scalar(walk *w, const yaml_node_t *node, const char *name)
{
    fd_place at = place_of(w, node);
    if (node->type != YAML_SCALAR_NODE) {
        fd_cdiag(w->l, FD_ERROR, &at, false, NULL, "%s: expected one value, not a %s", name,
                 node->type == YAML_MAPPING_NODE ? "mapping" : "list");
        return NULL;
    }
    if (is_null(node)) {
        fd_cdiag(w->l, FD_ERROR, &at, false, "write \"\" for empty, or remove the line",
                 "%s has no value", name);
        return NULL;
    }
    if (strlen(text_of(node)) == node->data.scalar.length)
        return text_of(node);
    fd_cdiag(w->l, FD_ERROR, &at, false, NULL, "%s holds a NUL character", name);
    return NULL;
}

typedef void pair_fn(walk *w, const char *prefix, const yaml_node_t *key, yaml_node_t *value);

/* Calls fn for each pair; NULL ("kafka:" with nothing below) is an empty mapping. */
static void each_pair(walk *w, yaml_node_t *map, const char *prefix, pair_fn *fn)
{
    if (is_null(map))
        return;
    fd_place at = place_of(w, map);
    if (map->type != YAML_MAPPING_NODE) {
        fd_cdiag(w->l, FD_ERROR, &at, false, NULL, "%s: expected a mapping (key: value)",
                 prefix[0] == '\0' ? "the file" : prefix);
        return;
    }
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        yaml_node_t *key = yaml_document_get_node(w->doc, p->key);
        yaml_node_t *value = yaml_document_get_node(w->doc, p->value);
        FD_ASSERT(key != NULL && value != NULL);
        if (scalar(w, key, "a key") != NULL)
            fn(w, prefix, key, value);
    }
}

static void section_pair(walk *w, const char *prefix, const yaml_node_t *key, yaml_node_t *value)
{
    char name[256];
    snprintf(name, sizeof name, "%s.%s", prefix, text_of(key));
    fd_place key_at = place_of(w, key);
    const fd_ckey *k = fd_ckey_find(fd_str_from(name));
    size_t n = strlen(name);
    bool from_file = false;
    if (k == NULL && n > 5 && strcmp(name + n - 5, "_file") == 0) {
        k = fd_ckey_find((fd_str){name, (uint32_t)n - 5});
        from_file = k != NULL && (k->flags & FD_C_SECRET) != 0;
        k = from_file ? k : NULL;
    }
    if (k == NULL) {
        fd_str level = {name, (uint32_t)strlen(prefix) + 1};
        fd_config_unknown(w->l, name, level, &key_at);
        return;
    }
    const char *text = scalar(w, value, name);
    fd_place at = place_of(w, value);
    if (text != NULL)
        fd_config_give(w->l, k, text, from_file, &at);
}

static void property_pair(walk *w, const char *prefix, const yaml_node_t *key, yaml_node_t *value)
{
    fd_cmap map = FD_MAP_KAFKA;
    while (strcmp(fd_config_map_name(map), prefix) != 0)
        map++;
    const char *text = scalar(w, value, text_of(key));
    fd_place at = place_of(w, value);
    if (text != NULL)
        fd_config_give_property(w->l, map, text_of(key), text, &at);
}

/* The item that source_pair fills: its number travels in the loader's n_sources. */
static void source_pair(walk *w, const char *prefix, const yaml_node_t *key, yaml_node_t *value)
{
    fd_loader *l = w->l;
    size_t item = l->c->n_sources;
    const char *names[FD_N_SKEYS];
    char full[256];
    fd_place key_at = place_of(w, key);
    for (size_t i = 0; i < FD_N_SKEYS; i++) {
        names[i] = fd_skeys[i].name;
        if (strcmp(text_of(key), names[i]) != 0)
            continue;
        fd_given *given = &l->own->source[item][i];
        fd_place at = place_of(w, value);
        const char *text = scalar(w, value, names[i]);
        if (text != NULL && given->text != NULL)
            fd_cdiag(l, FD_ERROR, &key_at, false, NULL, "%s is given twice", names[i]);
        if (text == NULL || (text = fd_config_expand(l, text, &at, false)) == NULL)
            text = ""; /* said already; not also missing */
        else
            fd_cvalue_store(l, &fd_skeys[i], &l->own->sources[item], text, &at);
        *given = (fd_given){text, at};
        return;
    }
    snprintf(full, sizeof full, "%s.%s", prefix, text_of(key));
    if (fd_ckey_later(fd_str_from(full)) != NULL) {
        fd_config_unknown(l, full, (fd_str){0}, &key_at);
        return;
    }
    const char *near = fd_did_you_mean(text_of(key), names, FD_N_SKEYS);
    snprintf(full, sizeof full, "did you mean %s?", near == NULL ? "" : near);
    fd_cdiag(l, FD_ERROR, &key_at, false, near == NULL ? NULL : full, "unknown key %s in a source",
             text_of(key));
}

static void source_defaults(fd_loader *l, size_t item)
{
    static const fd_place nowhere = {.from = FD_FROM_DEFAULT};
    for (size_t i = 0; i < FD_N_SKEYS; i++) {
        fd_given *given = &l->own->source[item][i];
        const char *text = fd_skeys[i].preset;
        if (given->text != NULL)
            continue;
        if (text == NULL) {
            fd_cdiag(l, FD_ERROR, &l->own->source_place[item], false, NULL,
                     "the source has no %s: %s", fd_skeys[i].name, fd_skeys[i].doc);
            text = "";
        }
        *given = (fd_given){text, nowhere};
        fd_cvalue_store(l, &fd_skeys[i], &l->own->sources[item], text, &nowhere);
    }
}

static void read_sources(walk *w, yaml_node_t *list)
{
    fd_loader *l = w->l;
    fd_place at = place_of(w, list);
    if (list->type != YAML_SEQUENCE_NODE) {
        fd_cdiag(l, FD_ERROR, &at, false, "begin each one with \"- topic: ...\"",
                 "sources: expected a list");
        return;
    }
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top;
         i++) {
        yaml_node_t *node = yaml_document_get_node(w->doc, *i);
        if (l->c->n_sources == FD_SOURCES_MAX) {
            fd_cdiag(l, FD_ERROR, &at, false, NULL, "more than %d sources", FD_SOURCES_MAX);
            return;
        }
        size_t item = l->c->n_sources;
        l->own->source_place[item] = place_of(w, node);
        for (size_t k = 0; k < FD_N_SKEYS; k++) {
            static const char *const empty = "";
            if (fd_skeys[k].type == FD_C_STRING || fd_skeys[k].type == FD_C_PATH)
                memcpy((char *)&l->own->sources[item] + fd_skeys[k].offset, &empty, sizeof empty);
        }
        each_pair(w, node, "source", source_pair);
        source_defaults(l, item);
        l->c->n_sources++;
    }
}

static bool is_section(const char *name)
{
    for (size_t i = 0; i < FD_N_SECTIONS; i++) {
        if (strcmp(name, fd_csections[i].name) == 0)
            return true;
    }
    return false;
}

static void top_pair(walk *w, const char *prefix, const yaml_node_t *key, yaml_node_t *value)
{
    (void)prefix;
    const char *name = text_of(key);
    fd_place key_at = place_of(w, key);
    fd_place at = place_of(w, value);
    const fd_ckey *k = fd_ckey_find(fd_str_from(name));
    if (k != NULL && strchr(name, '.') == NULL) {
        const char *text = scalar(w, value, name);
        if (text != NULL)
            fd_config_give(w->l, k, text, false, &at);
        return;
    }
    for (int map = 0; map < FD_N_MAPS; map++) {
        if (strcmp(name, fd_config_map_name((fd_cmap)map)) == 0) {
            each_pair(w, value, name, property_pair);
            return;
        }
    }
    if (is_section(name))
        each_pair(w, value, name, section_pair);
    else if (strcmp(name, "sources") == 0)
        read_sources(w, value);
    else
        fd_config_unknown(w->l, name, (fd_str){0}, &key_at);
}

static void parser_error(fd_loader *l, const yaml_parser_t *p)
{
    fd_place at = {.from = FD_FROM_FILE, .name = l->own->path, .width = 1};
    at.line = (int)p->problem_mark.line + 1;
    at.col = byte_col(l, p->problem_mark);
    fd_cdiag(l, FD_ERROR, &at, false, NULL, "not YAML: %s%s%s",
             p->problem == NULL ? "unreadable" : p->problem, p->context == NULL ? "" : ", ",
             p->context == NULL ? "" : p->context);
}

static bool read_file(fd_loader *l)
{
    const char *path = l->own->path;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fd_diags_error(l->diags, "cannot read the configuration %s: %s", path, strerror(errno));
        return false;
    }
    char block[4096];
    size_t n;
    while (l->file.n <= FD_CONFIG_FILE_MAX && (n = fread(block, 1, sizeof block, f)) > 0)
        fd_strbuf_add(&l->file, block, n);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    if (failed != 0)
        fd_diags_error(l->diags, "cannot read the configuration %s: %s", path, strerror(failed));
    else if (l->file.n > FD_CONFIG_FILE_MAX)
        fd_diags_error(l->diags, "the configuration %s is larger than 1 MiB", path);
    return failed == 0 && l->file.n <= FD_CONFIG_FILE_MAX;
}

/* A second document would be ignored silently: it is an error. */
static void expect_end(fd_loader *l, yaml_parser_t *p)
{
    yaml_document_t doc;
    if (!yaml_parser_load(p, &doc)) {
        parser_error(l, p);
        return;
    }
    yaml_node_t *root = yaml_document_get_root_node(&doc);
    if (root != NULL) {
        walk w = {l, &doc};
        fd_place at = place_of(&w, root);
        fd_cdiag(l, FD_ERROR, &at, false, "remove the line ---",
                 "a second document: the configuration is one");
    }
    yaml_document_delete(&doc);
}

void fd_config_read_yaml(fd_loader *l)
{
    l->own->path = fd_arena_cstr(l->own->arena, l->in->path);
    l->unreadable = !read_file(l);
    if (l->unreadable)
        return;
    if (l->file.n == 0)
        return; /* an empty file gives nothing */
    yaml_parser_t p;
    yaml_document_t doc;
    int ok = yaml_parser_initialize(&p);
    FD_ASSERT(ok);
    yaml_parser_set_input_string(&p, (const unsigned char *)l->file.p, l->file.n);
    if (!yaml_parser_load(&p, &doc)) {
        parser_error(l, &p);
        l->unreadable = true;
        yaml_parser_delete(&p);
        return;
    }
    walk w = {l, &doc};
    yaml_node_t *root = yaml_document_get_root_node(&doc);
    if (root != NULL) {
        each_pair(&w, root, "", top_pair);
        expect_end(l, &p);
    }
    yaml_document_delete(&doc);
    yaml_parser_delete(&p);
}
