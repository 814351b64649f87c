/* The record of a set; see set.h. One owner at a time. */
#include "app/archive/set.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "base/assert.h"

static const char *const part_names[] = {
#define X(id, name, folder) name,
    FD_ARCHIVE_PARTS(X)
#undef X
};

void fd_archive_time(int64_t wall_ms, char out[32])
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm utc;
    gmtime_r(&s, &utc);
    char head[24];
    strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, 32, "%s.%03dZ", head, (int)(wall_ms % 1000));
}

void fd_archive_set_name(const fd_archive_hashes *h, fd_strbuf *out)
{
    fd_strbuf all = {0};
    fd_strbuf_printf(&all, "%s %s %s %s", h->ruleset, h->lists, h->models, h->config);
    fd_strbuf_printf(out, "%s.%s", h->ruleset, fd_content_hash_of(all.p, all.n).hex);
    fd_strbuf_free(&all);
}

void fd_archive_set_json(const fd_archive_set *set, fd_strbuf *out)
{
    const fd_archive_hashes *h = &set->hashes;
    fd_strbuf_printf(out,
                     "{\"ruleset\": \"%s\", \"lists_hash\": \"%s\", \"models_hash\": \"%s\", "
                     "\"config_hash\": \"%s\", \"engine\": ",
                     h->ruleset, h->lists, h->models, h->config);
    fd_strbuf_json(out, fd_str_from(set->engine));
    fd_strbuf_printf(out, ", \"stored\": \"%s\", \"files\": {", set->stored);
    const char *comma = "";
    for (int p = 0; p < FD_N_ARCHIVE_PARTS; p++) {
        if (set->parts[p][0] == '\0')
            continue;
        fd_strbuf_printf(out, "%s\"%s\": \"%s\"", comma, part_names[p], set->parts[p]);
        comma = ", ";
    }
    fd_strbuf_puts(out, "}}\n");
}

/* A hash, or "". */
static bool is_hash(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");
    return s[n] == '\0' && (n == 0 || n == FD_CONTENT_HASH_CHARS);
}

static bool get_hash(const json_t *in, const char *key, char out[FD_CONTENT_HASH_CHARS + 1])
{
    const char *s = json_string_value(json_object_get(in, key));
    bool ok = s == NULL || is_hash(s);
    snprintf(out, FD_CONTENT_HASH_CHARS + 1, "%s", s == NULL || !ok ? "" : s);
    return ok;
}

static void get_text(const json_t *in, const char *key, char *out, size_t n)
{
    const char *s = json_string_value(json_object_get(in, key));
    snprintf(out, n, "%s", s == NULL ? "" : s);
}

bool fd_archive_set_parse(const char *name, const char *json, fd_archive_set *out)
{
    *out = (fd_archive_set){0};
    json_t *root = json_loads(json, 0, NULL);
    const json_t *files = json_object_get(root, "files");
    bool ok = files != NULL && get_hash(root, "ruleset", out->hashes.ruleset) &&
              get_hash(root, "lists_hash", out->hashes.lists) &&
              get_hash(root, "models_hash", out->hashes.models) &&
              get_hash(root, "config_hash", out->hashes.config);
    for (int p = 0; ok && p < FD_N_ARCHIVE_PARTS; p++)
        ok = get_hash(files, part_names[p], out->parts[p]);
    get_text(root, "stored", out->stored, sizeof out->stored);
    get_text(root, "engine", out->engine, sizeof out->engine);
    json_decref(root);
    fd_strbuf own = {0};
    fd_archive_set_name(&out->hashes, &own);
    ok = ok && strcmp(own.p, name) == 0 &&
         strcmp(out->parts[FD_PART_OF_RULES], out->hashes.ruleset) == 0;
    fd_strbuf_free(&own);
    return ok;
}
