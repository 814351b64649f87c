/*
 * FRAUDD_* variables and --set arguments.
 *
 * FRAUDD_BATCH_MAX_EVENTS is batch.max_events. FRAUDD_KAFKA_BOOTSTRAP_SERVERS is
 * kafka["bootstrap.servers"]: lower case, "_" becomes ".", "__" becomes "_"; likewise
 * FRAUDD_CONSUMER_* and FRAUDD_PRODUCER_*. A name near to a key's is an error, any other a
 * warning: environments are shared, and a stranger's variable must not stop the service. What
 * Kubernetes puts into every container of a namespace that has a service whose name begins with
 * "fraudd" is not even that. One owner at a time.
 */
#include <ctype.h>
#include <stdio.h>

#include "config/config_int.h"

enum { NAME_MAX_BYTES = 256 };

static const char prefix[] = "FRAUDD_";

/* batch.max_events -> BATCH_MAX_EVENTS */
static void variable_name(const char *key, char *out, size_t size)
{
    size_t i = 0;
    for (; key[i] != '\0' && i + 1 < size; i++)
        out[i] = key[i] == '.' ? '_' : (char)toupper((unsigned char)key[i]);
    out[i] = '\0';
}

static bool is_service_link(const char *name)
{
    if (strncmp(name, "PORT", 4) == 0 || strncmp(name, "SERVICE_", 8) == 0)
        return true;
    return strstr(name, "_SERVICE_HOST") != NULL || strstr(name, "_SERVICE_PORT") != NULL ||
           strstr(name, "_PORT_") != NULL;
}

/* The key whose variable this is; *from_file when it names a secret's file. */
static const fd_ckey *key_of(const char *name, bool *from_file)
{
    char candidate[NAME_MAX_BYTES];
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        variable_name(fd_ckeys[i].name, candidate, sizeof candidate);
        size_t n = strlen(candidate);
        if (strncmp(name, candidate, n) != 0)
            continue;
        *from_file = (fd_ckeys[i].flags & FD_C_SECRET) != 0 && strcmp(name + n, "_FILE") == 0;
        if (name[n] == '\0' || *from_file)
            return &fd_ckeys[i];
    }
    return NULL;
}

/* SASL_PASSWORD_FILE -> sasl.password_file */
static void property_name(const char *name, char *out)
{
    size_t n = strlen(name);
    size_t file = n > 5 && strcmp(name + n - 5, "_FILE") == 0 ? n - 5 : n;
    size_t o = 0;
    for (size_t i = 0; i < n; i++) {
        bool doubled = name[i] == '_' && name[i + 1] == '_';
        if (name[i] == '_' && !doubled && i != file)
            out[o++] = '.';
        else
            out[o++] = (char)tolower((unsigned char)name[i]);
        i += doubled;
    }
    out[o] = '\0';
}

static bool give_to_map(fd_loader *l, const char *name, const char *value, const fd_place *at)
{
    char upper[NAME_MAX_BYTES], property[NAME_MAX_BYTES];
    for (int map = 0; map < FD_N_MAPS; map++) {
        variable_name(fd_config_map_name((fd_cmap)map), upper, sizeof upper);
        size_t n = strlen(upper);
        if (strncmp(name, upper, n) != 0 || name[n] != '_')
            continue;
        property_name(name + n + 1, property);
        fd_config_give_property(l, (fd_cmap)map, property, value, at);
        return true;
    }
    return false;
}

static void unknown_variable(fd_loader *l, const char *name, const fd_place *at)
{
    static char names[FD_N_CKEYS][NAME_MAX_BYTES];
    const char *candidates[FD_N_CKEYS];
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        variable_name(fd_ckeys[i].name, names[i], sizeof names[i]);
        candidates[i] = names[i];
    }
    char hint[NAME_MAX_BYTES + 64];
    const char *near = fd_did_you_mean(name, candidates, FD_N_CKEYS);
    snprintf(hint, sizeof hint, "did you mean %s%s?", prefix, near == NULL ? "" : near);
    if (strncmp(name, "SOURCES", 7) == 0)
        fd_cdiag(l, FD_ERROR, at, true, NULL, "sources can only be given in the file");
    else if (near != NULL)
        fd_cdiag(l, FD_ERROR, at, true, hint, "no key has this variable");
    else
        fd_cdiag(l, FD_WARNING, at, true, NULL, "no key has this variable: it is passed over");
}

void fd_config_read_env(fd_loader *l)
{
    for (const char *const *e = l->in->env; e != NULL && *e != NULL; e++) {
        const char *equals = strchr(*e, '=');
        if (strncmp(*e, prefix, sizeof prefix - 1) != 0 || equals == NULL)
            continue;
        fd_str whole = {*e, (uint32_t)(equals - *e)};
        const char *full = fd_arena_str(l->own->arena, whole).p;
        const char *name = full + sizeof prefix - 1;
        fd_place at = {.from = FD_FROM_ENV, .name = full};
        bool from_file = false;
        if (whole.n >= NAME_MAX_BYTES) {
            fd_cdiag(l, FD_ERROR, &at, true, NULL, "the name is too long");
            continue;
        }
        const fd_ckey *k = key_of(name, &from_file);
        if (k != NULL)
            fd_config_give(l, k, equals + 1, from_file, &at);
        else if (!give_to_map(l, name, equals + 1, &at) && !is_service_link(name))
            unknown_variable(l, name, &at);
    }
}

static void set_one(fd_loader *l, const char *key, const char *value, const fd_place *at)
{
    for (int map = 0; map < FD_N_MAPS; map++) {
        const char *name = fd_config_map_name((fd_cmap)map);
        size_t n = strlen(name);
        if (strncmp(key, name, n) == 0 && key[n] == '.') {
            fd_config_give_property(l, (fd_cmap)map, key + n + 1, value, at);
            return;
        }
    }
    size_t n = strlen(key);
    const fd_ckey *k = fd_ckey_find(fd_str_from(key));
    if (k != NULL) {
        fd_config_give(l, k, value, false, at);
        return;
    }
    if (n > 5 && strcmp(key + n - 5, "_file") == 0)
        k = fd_ckey_find((fd_str){key, (uint32_t)n - 5});
    const char *dot = strchr(key, '.');
    fd_str level = {key, dot == NULL ? 0 : (uint32_t)(dot - key) + 1};
    if (k != NULL && (k->flags & FD_C_SECRET) != 0)
        fd_config_give(l, k, value, true, at);
    else if (strncmp(key, "sources", 7) == 0)
        fd_cdiag(l, FD_ERROR, at, true, NULL, "sources can only be given in the file");
    else
        fd_config_unknown(l, key, level, at);
}

void fd_config_read_set(fd_loader *l)
{
    for (size_t i = 0; i < l->in->n_set; i++) {
        const char *equals = strchr(l->in->set[i], '=');
        size_t n = equals == NULL ? strlen(l->in->set[i]) : (size_t)(equals - l->in->set[i]);
        fd_str name = {l->in->set[i], n > NAME_MAX_BYTES ? NAME_MAX_BYTES : (uint32_t)n};
        fd_place at = {.from = FD_FROM_SET, .name = fd_arena_str(l->own->arena, name).p};
        if (equals == NULL || n == 0 || n >= NAME_MAX_BYTES)
            fd_cdiag(l, FD_ERROR, &at, true, NULL, "expected section.key=value");
        else
            set_one(l, at.name, equals + 1, &at);
    }
}
