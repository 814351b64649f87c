/*
 * What a loaded program was made of, read again and checked against what was loaded: rule files
 * and lists may have changed in the meantime, and then the program is not what would be stored.
 * Thread: whoever loads.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/archive/set.h"
#include "base/assert.h"

static fd_class changed(const char *path, fd_err *err)
{
    return fd_fail(err, FD_RETRY, FD_EXIT_CONFIG, "%s has changed since it was loaded", path);
}

static fd_class too_many(const char *dir, fd_err *err)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG, "%s: more than %d files to archive", dir,
                   FD_FILES_MAX);
}

static fd_class take_file(const char *path, const char *name, fd_files *out, fd_err *err)
{
    fd_strbuf bytes = {0};
    fd_class cls = fd_archive_read(path, &bytes, err);
    if (cls != FD_OK)
        fd_strbuf_free(&bytes);
    else if (!fd_files_take(out, name, &bytes))
        cls = out->n < FD_FILES_MAX ? changed(path, err) : too_many(path, err);
    return cls;
}

static fd_class collect_rules(const char *dir, fd_files *out, fd_err *err)
{
    DIR *at = opendir(dir);
    if (at == NULL)
        return fd_fail(err, FD_RETRY, FD_EXIT_CONFIG, "%s: %s", dir, strerror(errno));
    fd_class cls = FD_OK;
    for (struct dirent *e = readdir(at); e != NULL && cls == FD_OK; e = readdir(at)) {
        if (!fd_ruleset_is_rule_file(e->d_name))
            continue;
        fd_strbuf path = {0};
        fd_strbuf_printf(&path, "%s/%s", dir, e->d_name);
        cls = take_file(path.p, e->d_name, out, err);
        fd_strbuf_free(&path);
    }
    closedir(at);
    return cls;
}

/* Where a file goes when a set is taken out into a directory with the rules in rules/ and the
 * models in models/ (`base`): where these look for it, if that is inside the directory, else into
 * outside/. */
static void place_of(const char *base, const char *file, fd_strbuf *out)
{
    fd_strbuf_puts(out, file[0] == '/' ? "outside" : base);
    while (*file != '\0') {
        file += strspn(file, "/");
        size_t n = strcspn(file, "/");
        bool up = n == 2 && file[0] == '.' && file[1] == '.';
        if (up && out->n == 0) {
            fd_strbuf_puts(out, "outside");
        } else if (up) {
            const char *slash = strrchr(out->p, '/');
            out->n = slash == NULL ? 0 : (size_t)(slash - out->p);
            out->p[out->n] = '\0';
        } else if (n != 0 && !(n == 1 && file[0] == '.')) {
            fd_strbuf_puts(out, out->n == 0 ? "" : "/");
            fd_strbuf_add(out, file, n);
        }
        file += n;
    }
}

static fd_class collect_lists(const char *dir, const fd_ruleset *rules, fd_files *out, fd_err *err)
{
    fd_class cls = FD_OK;
    for (uint32_t i = 0; i < fd_ruleset_n_lists(rules) && cls == FD_OK; i++) {
        const char *file = fd_ruleset_list_file(rules, i);
        if (file == NULL)
            continue;
        fd_strbuf path = {0}, name = {0};
        if (file[0] != '/')
            fd_strbuf_printf(&path, "%s/", dir);
        fd_strbuf_puts(&path, file);
        place_of("rules", file, &name);
        cls = take_file(path.p, name.p, out, err);
        if (cls == FD_OK) {
            const fd_strbuf *bytes = &fd_files_find(out, name.p)->bytes;
            fd_content_hash now = fd_content_hash_of(bytes->p, bytes->n);
            if (strcmp(now.hex, fd_ruleset_list_file_hash(rules, i)) != 0)
                cls = changed(path.p, err);
        }
        fd_strbuf_free(&path);
        fd_strbuf_free(&name);
    }
    return cls;
}

/* ---- models ---- */

/* One file that a manifest names, or the manifest; *bytes is where it is then. */
static fd_class collect_model_file(const char *dir, const char *path, fd_files *out,
                                   const fd_strbuf **bytes, fd_err *err)
{
    fd_strbuf name = {0};
    size_t n = strlen(dir);
    bool inside = strncmp(path, dir, n) == 0 && path[n] == '/';
    place_of("models", inside ? path + n + 1 : path, &name);
    fd_class cls = take_file(path, name.p, out, err);
    if (cls == FD_OK)
        *bytes = &fd_files_find(out, name.p)->bytes;
    fd_strbuf_free(&name);
    return cls;
}

static fd_class collect_model(const char *dir, const fd_manifest *m, fd_files *out,
                              fd_strbuf *hashed, fd_err *err)
{
    const fd_strbuf *bytes;
    fd_class cls = FD_OK;
    if (m->self_test != NULL)
        cls = collect_model_file(dir, m->self_test, out, &bytes, err);
    if (cls == FD_OK)
        cls = collect_model_file(dir, m->path, out, &bytes, err);
    if (cls == FD_OK && strcmp(fd_sha256_of(bytes->p, bytes->n).hex, m->sha256.hex) != 0)
        cls = changed(m->path, err);
    if (cls == FD_OK)
        cls = collect_model_file(dir, m->yaml, out, &bytes, err);
    if (cls != FD_OK)
        return cls;
    fd_manifest_hashed(m, (fd_str){bytes->p, (uint32_t)bytes->n}, hashed);
    return FD_OK;
}

static fd_class collect_models(const char *dir, const fd_models *models, fd_files *out, fd_err *err)
{
    fd_strbuf hashed = {0};
    fd_class cls = FD_OK;
    uint32_t n = fd_models_n(models);
    for (uint32_t i = 0; i < n && cls == FD_OK; i++)
        cls = collect_model(dir, fd_models_at(models, i), out, &hashed, err);
    if (cls == FD_OK && n > 0 &&
        strcmp(fd_content_hash_of(hashed.p, hashed.n).hex, fd_models_hash(models)) != 0)
        cls = changed(dir, err);
    fd_strbuf_free(&hashed);
    return cls;
}

fd_class fd_archive_collect(const fd_config *config, const fd_program *p, fd_files *out,
                            fd_err *err)
{
    fd_class cls = collect_rules(config->rules, &out[FD_PART_OF_RULES], err);
    if (cls == FD_OK &&
        strcmp(fd_files_hash(&out[FD_PART_OF_RULES]).hex, fd_program_ruleset_hash(p)) != 0)
        cls = changed(config->rules, err);
    if (cls == FD_OK)
        cls = collect_lists(config->rules, fd_program_rules(p, 0), &out[FD_PART_OF_LISTS], err);
    if (cls == FD_OK)
        cls = collect_models(config->models, fd_program_models(p), &out[FD_PART_OF_MODELS], err);
    return cls;
}

/* ---- the configuration ---- */

static fd_class collect_schema(const char *path, const char *name, const fd_schema *loaded,
                               fd_files *out, fd_err *err)
{
    fd_class cls = take_file(path, name, out, err);
    if (cls != FD_OK)
        return cls;
    const fd_strbuf *bytes = &fd_files_find(out, name)->bytes;
    fd_diags diags;
    fd_diags_init(&diags);
    fd_schema *now = fd_schema_parse(bytes->p, bytes->n, path, &diags);
    fd_content_hash was = fd_schema_hash(loaded);
    bool same = now != NULL && strcmp(fd_schema_hash(now).hex, was.hex) == 0;
    fd_schema_free(now);
    fd_diags_free(&diags);
    return same ? FD_OK : changed(path, err);
}

fd_class fd_archive_collect_config(const fd_config *c, const fd_schema *const *readers,
                                   fd_files *out, fd_content_hash *config_hash, fd_err *err)
{
    fd_content_hash *hashes = calloc(c->n_sources, sizeof *hashes);
    FD_ALLOCATED(hashes);
    char(*names)[512] = calloc(c->n_sources, sizeof *names);
    FD_ALLOCATED(names);
    const char **shown = calloc(c->n_sources, sizeof *shown);
    FD_ALLOCATED(shown);
    fd_class cls = FD_OK;
    for (size_t i = 0; i < c->n_sources && cls == FD_OK; i++) {
        hashes[i] = fd_schema_hash(readers[i]);
        snprintf(names[i], sizeof names[i], "schemas/%zu-%s.avsc", i, c->sources[i].topic);
        shown[i] = names[i];
        cls = collect_schema(c->sources[i].schema, names[i], readers[i], out, err);
    }
    fd_strbuf decides = {0}, replay = {0}, all = {0};
    if (cls == FD_OK) {
        fd_config_decides(c, c->n_sources, hashes, &decides);
        *config_hash = fd_content_hash_of(decides.p, decides.n);
        fd_config_print_deciding(c, "rules", "models", shown, &replay);
        fd_config_print(c, &all);
        fd_files_take(out, "config-hash.txt", &decides);
        fd_files_take(out, "fraudd.yaml", &replay);
        fd_files_take(out, "effective.yaml", &all);
    }
    free(hashes);
    free(names);
    free(shown);
    return cls;
}
