/* Temporary files and loading for the configuration's tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support.h"

static char dir[64];

static void remove_dir(void)
{
    static const char *const names[] = {"f.yaml", "secret", "empty"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

const char *write_beside(const char *name, const char *text)
{
    static char path[128];
    if (dir[0] == '\0') {
        snprintf(dir, sizeof dir, "/tmp/fraudd-config-XXXXXX");
        assert_non_null(mkdtemp(dir));
        atexit(remove_dir);
    }
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

/* The directory's name is random: cut it out of what is compared. */
static void shorten(fd_strbuf *b)
{
    size_t n = strlen(dir) + 1;
    for (char *p = b->p; dir[0] != '\0' && b->n != 0 && (p = strstr(p, dir)) != NULL;) {
        memmove(p, p + n, strlen(p + n) + 1);
        b->n -= n;
    }
}

loaded load_from(const char *yaml, const char *const *env, const char *const *set)
{
    loaded l = {0};
    fd_diags_init(&l.diags);
    fd_config_inputs in = {.env = env, .set = set};
    char path[128];
    if (yaml != NULL) {
        snprintf(path, sizeof path, "%s", write_beside("f.yaml", yaml));
        in.path = path;
    }
    while (set != NULL && set[in.n_set] != NULL)
        in.n_set++;
    l.c = fd_config_load(&in, &l.diags);
    fd_diags_render(&l.diags, &l.text);
    shorten(&l.text);
    assert_true((l.c == NULL) == (l.diags.errors != 0));
    return l;
}

loaded load_yaml(const char *yaml)
{
    return load_from(yaml, (const char *const[]){"HOSTNAME=h1", NULL}, NULL);
}

void loaded_free(loaded *l)
{
    fd_config_free(l->c);
    fd_diags_free(&l->diags);
    fd_strbuf_free(&l->text);
}

void expect_text(const loaded *l, const char *part)
{
    if (l->text.n == 0 || strstr(l->text.p, part) == NULL)
        fail_msg("expected:\n%s\nin:\n%s", part, l->text.n == 0 ? "(nothing)" : l->text.p);
}

void expect_no_text(const loaded *l, const char *part)
{
    if (l->text.n != 0 && strstr(l->text.p, part) != NULL)
        fail_msg("did not expect:\n%s\nin:\n%s", part, l->text.p);
}
