/* Which test files there are, and their bytes. One owner. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/file.h"
#include "testing/testing_int.h"

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

static int is_test_file(const struct dirent *e)
{
    const char *name = e->d_name;
    return name[0] != '.' && (ends_with(name, ".test.yaml") || ends_with(name, ".test.yml"));
}

/* By bytes, not by the locale as alphasort() does. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_one(fd_testing *t, const char *path)
{
    fd_strbuf text = {0};
    const char *why;
    if (!fd_file_read(path, FD_RULES_TEST_MAX_BYTES, &text, &why)) {
        fd_diags_error(t->diags, "%s: %s", path, why);
    } else {
        fd_str own = fd_arena_str(t->arena, (fd_str){text.p, (uint32_t)text.n});
        fd_yaml *y = &t->files[t->n_files++];
        if (fd_yaml_load(y, path, own, t->arena, t->diags)) {
            if (fd_yaml_root(y) != NULL)
                fd_testing_read(t, y);
            else
                fd_diags_error(t->diags, "%s is empty", path);
        }
    }
    fd_strbuf_free(&text);
}

static bool make_room(fd_testing *t, size_t n)
{
    if (n > FD_RULES_TEST_MAX_FILES) {
        fd_diags_error(t->diags, "more than %d test files", FD_RULES_TEST_MAX_FILES);
        return false;
    }
    t->files = fd_arena_zalloc(t->arena, n * sizeof *t->files + 1);
    FD_ALLOCATED(t->files);
    return true;
}

void fd_testing_read_files(fd_testing *t)
{
    const fd_rules_test_options *o = t->options;
    if (o->n_files != 0) {
        bool ok = make_room(t, o->n_files);
        for (uint32_t i = 0; ok && i < o->n_files; i++)
            read_one(t, o->files[i]);
        return;
    }
    struct dirent **names = NULL;
    int n = scandir(o->dir, &names, is_test_file, by_name);
    if (n < 0) {
        fd_diags_error(t->diags, "rule directory %s: %s", o->dir, strerror(errno));
        return;
    }
    bool ok = make_room(t, (size_t)n);
    for (int i = 0; i < n; i++) {
        if (ok)
            read_one(t, fd_arena_printf(t->arena, "%s/%s", o->dir, names[i]->d_name));
        free(names[i]);
    }
    free(names);
}
