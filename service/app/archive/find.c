/* Looking up in an archive; see find.h. One owner at a time. */
#include "app/archive/find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/assert.h"

static int compare(const void *a, const void *b)
{
    const fd_archive_set *x = a, *y = b;
    int c = strcmp(x->hashes.ruleset, y->hashes.ruleset);
    return c != 0 ? c : strcmp(y->stored, x->stored);
}

fd_class fd_archive_finder_open(fd_place place, fd_archive_finder *out, fd_err *err)
{
    *out = (fd_archive_finder){.place = place};
    fd_archive_index index = {0};
    fd_class cls = place.ops->read_index(place.self, &index, err);
    out->sets = calloc(index.n_sets + 1, sizeof *out->sets);
    FD_ALLOCATED(out->sets);
    for (size_t i = 0; i < index.n_sets; i++) {
        fd_archive_set *set = &out->sets[out->n_sets];
        if (fd_archive_set_parse(index.sets[i].key, index.sets[i].value, set))
            out->n_sets++;
        else
            out->broken_sets++;
    }
    if (out->n_sets > 1)
        qsort(out->sets, out->n_sets, sizeof *out->sets, compare);
    fd_activations_parse(&index.log, &out->log);
    fd_archive_index_free(&index);
    if (cls != FD_OK)
        fd_archive_finder_close(out);
    return cls;
}

void fd_archive_finder_close(fd_archive_finder *f)
{
    free(f->sets);
    fd_activations_free(&f->log);
    if (f->place.ops != NULL)
        f->place.ops->close(f->place.self);
    *f = (fd_archive_finder){0};
}

/* ---- by hash ---- */

static bool begins(const char *hash, const char *wanted)
{
    return wanted == NULL || strncmp(hash, wanted, strlen(wanted)) == 0;
}

static fd_class check_wanted(const char *text, fd_err *err)
{
    if (text == NULL || text[0] == '\0')
        return FD_OK;
    size_t n = strspn(text, "0123456789abcdef");
    if (text[n] != '\0' || n > FD_CONTENT_HASH_CHARS || n < FD_ARCHIVE_PREFIX)
        return fd_fail(err, FD_FATAL, FD_EXIT_USAGE,
                       "'%s' is no hash: %d to %d of the digits 0-9 and a-f", text,
                       FD_ARCHIVE_PREFIX, FD_CONTENT_HASH_CHARS);
    return FD_OK;
}

static fd_class none(const fd_archive_finder *f, const fd_archive_wanted *w, fd_err *err)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s has no set with %s%s%s%s%s%s%s%s (it has %zu)",
                   f->place.ops->name(f->place.self), w->ruleset == NULL ? "" : "ruleset ",
                   w->ruleset == NULL ? "" : w->ruleset, w->lists == NULL ? "" : ", lists ",
                   w->lists == NULL ? "" : w->lists, w->models == NULL ? "" : ", models ",
                   w->models == NULL ? "" : w->models, w->config == NULL ? "" : ", config ",
                   w->config == NULL ? "" : w->config, f->n_sets);
}

fd_class fd_archive_find(const fd_archive_finder *f, const fd_archive_wanted *w,
                         const fd_archive_set **out, size_t *others, fd_err *err)
{
    const char *texts[] = {w->ruleset, w->lists, w->models, w->config};
    for (int i = 0; i < 4; i++) {
        if (check_wanted(texts[i], err) != FD_OK)
            return FD_FATAL;
    }
    *out = NULL;
    *others = 0;
    for (size_t i = 0; i < f->n_sets; i++) {
        const fd_archive_hashes *h = &f->sets[i].hashes;
        if (!begins(h->ruleset, w->ruleset) || !begins(h->lists, w->lists) ||
            !begins(h->models, w->models) || !begins(h->config, w->config))
            continue;
        if (*out == NULL)
            *out = &f->sets[i];
        else if (strcmp((*out)->hashes.ruleset, h->ruleset) == 0)
            ++*others;
        else
            return fd_fail(err, FD_FATAL, FD_EXIT_CHECK,
                           "%s fits more than one rule set, %s and %s: give more digits",
                           w->ruleset == NULL ? "what was given" : w->ruleset,
                           (*out)->hashes.ruleset, h->ruleset);
    }
    return *out == NULL ? none(f, w, err) : FD_OK;
}

/* ---- files ---- */

static fd_class take_part(const fd_archive_finder *f, const char *id, const char *folder,
                          fd_files *out, fd_err *err)
{
    fd_files part = {0};
    fd_class cls = f->place.ops->read_files(f->place.self, id, &part, err);
    for (uint32_t i = 0; i < part.n && cls == FD_OK; i++) {
        fd_strbuf name = {0};
        fd_strbuf_printf(&name, "%s%s", folder, part.items[i].name);
        if (!fd_files_take(out, name.p, &part.items[i].bytes))
            cls = fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "two files of the set are called %s",
                          name.p);
        fd_strbuf_free(&name);
    }
    fd_files_free(&part);
    return cls;
}

static fd_class check_config(const fd_archive_set *set, const fd_files *files, fd_err *err)
{
    const fd_file *decides = fd_files_find(files, "config-hash.txt");
    if (decides != NULL &&
        strcmp(fd_content_hash_of(decides->bytes.p, decides->bytes.n).hex, set->hashes.config) == 0)
        return FD_OK;
    return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "the archived configuration is not that of %s",
                   set->hashes.config);
}

fd_class fd_archive_files(const fd_archive_finder *f, const fd_archive_set *set, fd_files *out,
                          fd_err *err)
{
    static const char *const folders[] = {
#define X(id, name, folder) folder,
        FD_ARCHIVE_PARTS(X)
#undef X
    };
    fd_class cls = FD_OK;
    for (int p = 0; p < FD_N_ARCHIVE_PARTS && cls == FD_OK; p++) {
        if (set->parts[p][0] != '\0')
            cls = take_part(f, set->parts[p], folders[p], out, err);
    }
    if (cls == FD_OK)
        cls = check_config(set, out, err);
    if (cls != FD_OK)
        fd_files_free(out);
    return cls;
}

static bool is_empty(const char *dir)
{
    DIR *at = opendir(dir);
    if (at == NULL)
        return errno == ENOENT;
    bool empty = true;
    for (struct dirent *e = readdir(at); e != NULL && empty; e = readdir(at))
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    closedir(at);
    return empty;
}

static fd_class write_out(const fd_file *file, const char *dir, fd_err *err)
{
    fd_strbuf path = {0};
    fd_strbuf_printf(&path, "%s/%s", dir, file->name);
    bool ok = true;
    for (char *slash = strchr(path.p + strlen(dir), '/'); ok && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ok = mkdir(path.p, 0755) == 0 || errno == EEXIST;
        *slash = '/';
    }
    FILE *f = ok ? fopen(path.p, "wxe") : NULL;
    ok = f != NULL && fwrite(file->bytes.p, 1, file->bytes.n, f) == file->bytes.n;
    int why = errno;
    if (f != NULL && fclose(f) != 0 && ok) {
        ok = false;
        why = errno;
    }
    fd_class cls = ok ? FD_OK
                      : fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: %s", path.p, strerror(why));
    fd_strbuf_free(&path);
    return cls;
}

fd_class fd_archive_extract(const fd_files *files, const char *dir, fd_err *err)
{
    if (!is_empty(dir))
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s is not a new or empty directory", dir);
    fd_class cls = FD_OK;
    for (uint32_t i = 0; i < files->n && cls == FD_OK; i++)
        cls = write_out(&files->items[i], dir, err);
    /* The configuration may name it, also when there was no model in it. */
    fd_strbuf models = {0};
    fd_strbuf_printf(&models, "%s/models", dir);
    if (cls == FD_OK && mkdir(models.p, 0755) != 0 && errno != EEXIST)
        cls = fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s: %s", models.p, strerror(errno));
    fd_strbuf_free(&models);
    return cls;
}

/* ---- are they what decided? ---- */

/* "schemas/0-payments.avsc" */
static const fd_file *first_schema(const fd_files *files, char topic[256])
{
    static const char head[] = "schemas/0-", tail[] = ".avsc";
    for (uint32_t i = 0; i < files->n; i++) {
        const char *name = files->items[i].name;
        if (strncmp(name, head, sizeof head - 1) != 0)
            continue;
        size_t n = strlen(name + sizeof head - 1);
        n -= n > sizeof tail ? sizeof tail - 1 : n;
        snprintf(topic, 256, "%.*s", (int)n, name + sizeof head - 1);
        return &files->items[i];
    }
    return NULL;
}

static fd_class compare_loaded(const fd_archive_set *set, const char *dir, const char *topic,
                               const fd_schema *schema, fd_diags *diags, fd_err *err)
{
    fd_strbuf rules = {0}, models = {0};
    fd_strbuf_printf(&rules, "%s/rules", dir);
    fd_strbuf_printf(&models, "%s/models", dir);
    const fd_engine_source source = {.topic = topic, .schema = schema};
    const fd_engine_config config = {.n_sources = 1,
                                     .sources = &source,
                                     .rules_dir = rules.p,
                                     .models_dir = models.p,
                                     .max_events = 1};
    fd_program *loaded = fd_program_load(&config, diags);
    fd_class cls = FD_OK;
    if (loaded == NULL) {
        fd_strbuf text = {0};
        fd_diags_render(diags, &text);
        cls = fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "what was taken out does not load: %s", text.p);
        fd_strbuf_free(&text);
    } else if (strcmp(fd_program_ruleset_hash(loaded), set->hashes.ruleset) != 0 ||
               strcmp(fd_program_lists_hash(loaded), set->hashes.lists) != 0 ||
               strcmp(fd_program_models_hash(loaded), set->hashes.models) != 0) {
        cls = fd_fail(err, FD_FATAL, FD_EXIT_CHECK,
                      "what was archived is not what decided: rules %s, lists %s, models %s",
                      fd_program_ruleset_hash(loaded), fd_program_lists_hash(loaded),
                      fd_program_models_hash(loaded));
    }
    fd_program_free(loaded);
    fd_strbuf_free(&rules);
    fd_strbuf_free(&models);
    return cls;
}

fd_class fd_archive_verify(const fd_archive_set *set, const fd_files *files, const char *dir,
                           fd_err *err)
{
    char topic[256];
    const fd_file *file = first_schema(files, topic);
    if (file == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "the archived set has no schema");
    fd_diags diags;
    fd_diags_init(&diags);
    fd_schema *schema = fd_schema_parse(file->bytes.p, file->bytes.n, file->name, &diags);
    fd_class cls = schema == NULL
                       ? fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "the archived schema does not load")
                       : compare_loaded(set, dir, topic, schema, &diags, err);
    fd_schema_free(schema);
    fd_diags_free(&diags);
    return cls;
}
