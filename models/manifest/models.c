/* A directory of models, from its names to its hash; see manifest.h. Loading. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/file.h"
#include "manifest/manifest_int.h"

enum { ARENA_BLOCK_BYTES = 64 * 1024 };

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static int is_yaml(const struct dirent *e)
{
    return e->d_name[0] != '.' && (ends_with(e->d_name, ".yaml") || ends_with(e->d_name, ".yml"));
}

/* By bytes, not by the locale as alphasort() does. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool list_files(fd_models *all, const char *dir, fd_diags *diags)
{
    struct dirent **names = NULL;
    int n = scandir(dir, &names, is_yaml, by_name);
    if (n < 0) {
        fd_diags_error(diags, "model directory %s: %s", dir, strerror(errno));
        return false;
    }
    bool ok = n <= FD_MODELS_MAX_FILES;
    if (!ok)
        fd_diags_error(diags, "model directory %s has more than %d *.yaml files", dir,
                       FD_MODELS_MAX_FILES);
    all->names = fd_arena_zalloc(all->arena, ((size_t)n + 1) * sizeof *all->names);
    all->files = fd_arena_zalloc(all->arena, ((size_t)n + 1) * sizeof *all->files);
    FD_ALLOCATED(all->names);
    FD_ALLOCATED(all->files);
    for (int i = 0; i < n; i++) {
        if (ok)
            all->names[all->n_files++] = fd_arena_cstr(all->arena, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return ok;
}

static bool read_files(fd_models *all, const char *dir, fd_diags *diags)
{
    bool ok = true;
    for (uint32_t i = 0; i < all->n_files; i++) {
        char *path = fd_arena_printf(all->arena, "%s/%s", dir, all->names[i]);
        fd_strbuf text = {0};
        const char *why;
        all->files[i].name = path;
        if (fd_file_read(path, FD_MODELS_MAX_YAML_BYTES, &text, &why)) {
            all->files[i].text = fd_arena_str(all->arena, (fd_str){text.p, (uint32_t)text.n});
        } else {
            fd_diags_error(diags, "%s: %s", path, why);
            ok = false;
        }
        fd_strbuf_free(&text);
    }
    return ok;
}

/* ---- which of them are manifests ---- */

/* The value of a file's `file`, whatever else is in it; n == 0: it has none. */
static fd_str file_of(fd_yaml *y)
{
    fd_yaml_node *root = y->loaded ? fd_yaml_root(y) : NULL;
    if (root == NULL || root->type != YAML_MAPPING_NODE)
        return (fd_str){NULL, 0};
    yaml_node_pair_t *end = root->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < end; p++) {
        const fd_yaml_node *key = fd_yaml_get(y, p->key), *value = fd_yaml_get(y, p->value);
        if (key->type == YAML_SCALAR_NODE && value->type == YAML_SCALAR_NODE &&
            strcmp((const char *)key->data.scalar.value, "file") == 0)
            return fd_arena_str(y->arena, (fd_str){(const char *)value->data.scalar.value,
                                                   (uint32_t)value->data.scalar.length});
    }
    return (fd_str){NULL, 0};
}

/* What manifests name is no manifest. */
static void mark_named(const fd_models *all, bool *named)
{
    fd_diags ignored;
    fd_diags_init(&ignored);
    for (uint32_t i = 0; i < all->n_files; i++) {
        fd_yaml y;
        fd_yaml_load(&y, all->files[i].name, all->files[i].text, all->arena, &ignored);
        fd_str file = file_of(&y);
        for (uint32_t k = 0; k < all->n_files && file.n != 0; k++)
            named[k] = named[k] || (k != i && fd_str_eq_c(file, all->names[k]));
        fd_yaml_free(&y);
    }
    fd_diags_free(&ignored);
}

/* ---- manifests ---- */

static bool add_manifest(fd_models *all, const char *dir, fd_yaml *y, fd_diags *diags)
{
    fd_manifest_def *d = &all->defs[all->n];
    if (!fd_yaml_load(y, y->name, y->text, all->arena, diags))
        return false;
    if (fd_yaml_root(y) == NULL) {
        fd_diags_error(diags, "%s: the file is empty", y->name);
        return false;
    }
    if (all->n == FD_MODELS_MAX) {
        fd_yaml_report(y, fd_yaml_root(y), FD_ERROR, NULL, "more than %d models", FD_MODELS_MAX);
        return false;
    }
    all->n++;
    if (!fd_manifest_define(all, dir, y, d))
        return false;
    for (uint32_t i = 0; i + 1 < all->n; i++) {
        if (!fd_str_eq(all->defs[i].m.id, d->m.id))
            continue;
        fd_yaml_report(y, d->id_node, FD_ERROR, NULL, "model \"%s\" is already defined in %s",
                       d->m.id.p, all->defs[i].m.yaml);
        return false;
    }
    return fd_manifest_bind(all, d, diags) && fd_manifest_self_test(d, diags);
}

static int by_id(const void *a, const void *b)
{
    const fd_manifest_def *x = a, *y = b;
    return fd_str_cmp(x->m.id, y->m.id);
}

void fd_manifest_hashed(const fd_manifest *m, fd_str yaml, fd_strbuf *out)
{
    const char *slash = strrchr(m->yaml, '/');
    fd_strbuf_printf(out, "%s %u %s\n", slash + 1, yaml.n, m->sha256.hex);
    fd_strbuf_add(out, yaml.p, yaml.n);
}

static fd_content_hash hash_of(const fd_models *all)
{
    fd_strbuf text = {0};
    for (uint32_t i = 0; i < all->n; i++)
        fd_manifest_hashed(&all->defs[i].m, all->defs[i].y->text, &text);
    fd_content_hash hash = fd_content_hash_of(text.p, text.n);
    fd_strbuf_free(&text);
    return hash;
}

static bool load_all(fd_models *all, const char *dir, fd_diags *diags)
{
    if (!list_files(all, dir, diags) || !read_files(all, dir, diags))
        return false;
    bool *named = fd_arena_zalloc(all->arena, all->n_files + 1U);
    all->defs = fd_arena_zalloc(all->arena, FD_MODELS_MAX * sizeof *all->defs);
    FD_ALLOCATED(named);
    FD_ALLOCATED(all->defs);
    mark_named(all, named);
    bool ok = true;
    for (uint32_t i = 0; i < all->n_files; i++)
        ok = (named[i] || add_manifest(all, dir, &all->files[i], diags)) && ok;
    if (!ok)
        return false;
    if (all->n != 0) {
        qsort(all->defs, all->n, sizeof *all->defs, by_id);
        all->hash = hash_of(all);
    }
    return true;
}

fd_models *fd_models_load(const char *dir, fd_diags *diags)
{
    fd_models *all = calloc(1, sizeof *all);
    FD_ALLOCATED(all);
    all->arena = fd_arena_new(ARENA_BLOCK_BYTES, 0);
    if (dir == NULL || dir[0] == '\0' || load_all(all, dir, diags))
        return all;
    fd_models_free(all);
    return NULL;
}

void fd_models_free(fd_models *m)
{
    if (m == NULL)
        return;
    for (uint32_t i = 0; i < m->n; i++)
        fd_model_free(m->defs[i].model);
    for (uint32_t i = 0; i < m->n_files; i++)
        fd_yaml_free(&m->files[i]);
    fd_arena_free(m->arena);
    free(m);
}

uint32_t fd_models_n(const fd_models *m)
{
    return m->n;
}

const fd_manifest *fd_models_at(const fd_models *m, uint32_t i)
{
    FD_ASSERT(i < m->n);
    return &m->defs[i].m;
}

const char *fd_models_hash(const fd_models *m)
{
    return m->hash.hex;
}
