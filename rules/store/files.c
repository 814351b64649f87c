/*
 * The files of a rule set: every *.yaml directly in the directory, by name. A ConfigMap's names
 * are links through a hidden directory: links are followed, hidden names passed over. Loading.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/file.h"
#include "store/ruleset_int.h"

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

bool fd_ruleset_is_rule_file(const char *name)
{
    bool yaml = ends_with(name, ".yaml") || ends_with(name, ".yml");
    bool test = ends_with(name, ".test.yaml") || ends_with(name, ".test.yml");
    return name[0] != '.' && yaml && !test;
}

static int is_rule_file(const struct dirent *e)
{
    return fd_ruleset_is_rule_file(e->d_name);
}

/* Names and bytes, each with its length, so that no two sets look alike. */
static void add_to_hash(fd_strbuf *to, const char *name, const fd_strbuf *bytes)
{
    fd_strbuf_printf(to, "%zu:%s%zu:", strlen(name), name, bytes->n);
    fd_strbuf_add(to, bytes->p, bytes->n);
}

static void read_one(fd_loading *l, const char *name)
{
    fd_arena *a = l->set->arena;
    char *path = fd_arena_printf(a, "%s/%s", l->dir, name);
    fd_strbuf text = {0};
    const char *why;
    if (!fd_file_read(path, FD_RULES_MAX_YAML_BYTES, &text, &why)) {
        fd_diags_error(l->diags, "%s: %s", path, why);
    } else {
        add_to_hash(&l->rules_bytes, name, &text);
        fd_str own = fd_arena_str(a, (fd_str){text.p, (uint32_t)text.n});
        fd_yaml *y = &l->files[l->n_files++];
        if (fd_yaml_load(y, path, own, a, l->diags) && fd_yaml_root(y) != NULL)
            fd_store_read_sections(l, y);
    }
    fd_strbuf_free(&text);
}

/* By bytes, not by the locale as alphasort() does. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

bool fd_store_read_files(fd_loading *l)
{
    struct dirent **names = NULL;
    int n = scandir(l->dir, &names, is_rule_file, by_name);
    if (n < 0) {
        fd_diags_error(l->diags, "rule directory %s: %s", l->dir, strerror(errno));
        return false;
    }
    if (n == 0)
        fd_diags_error(l->diags, "rule directory %s has no *.yaml file", l->dir);
    else if (n > FD_RULES_MAX_FILES)
        fd_diags_error(l->diags, "rule directory %s has more than %d files", l->dir,
                       FD_RULES_MAX_FILES);
    bool ok = n > 0 && n <= FD_RULES_MAX_FILES;
    l->files = fd_arena_zalloc(l->set->arena, (size_t)n * sizeof *l->files + 1);
    for (int i = 0; i < n; i++) {
        if (ok)
            read_one(l, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return ok;
}
