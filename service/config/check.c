/*
 * What one value alone cannot show: names that must differ, sizes that must fit, settings that
 * need each other. One owner at a time.
 */
#include "base/assert.h"
#include "config/config_int.h"

static fd_place key_place(const fd_loader *l, const char *name)
{
    const fd_ckey *k = fd_ckey_find(fd_str_from(name));
    FD_ASSERT(k != NULL);
    return l->own->key[k - fd_ckeys].place;
}

#define KEY_ERROR(l, name, hint, ...)                              \
    do {                                                           \
        fd_place at_ = key_place((l), (name));                     \
        fd_cdiag((l), FD_ERROR, &at_, false, (hint), __VA_ARGS__); \
    } while (0)

/* Kafka's rule for topics; good for groups and instances as well, whose names end up in
 * transactional ids. */
static bool is_name(const char *s)
{
    size_t n = strlen(s);
    if (n == 0 || n > 249 || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
        return false;
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
           '\0';
}

/* field(.field)*, Avro names. */
static bool is_field_path(const char *s)
{
    bool start = true;
    for (; *s != '\0'; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_';
        bool digit = *s >= '0' && *s <= '9';
        if (start ? !letter : !letter && !digit && *s != '.')
            return false;
        start = *s == '.';
    }
    return !start;
}

static const fd_given *source_given(const fd_loader *l, size_t source, const char *key)
{
    for (size_t i = 0; i < FD_N_SKEYS; i++) {
        if (strcmp(fd_skeys[i].name, key) == 0)
            return &l->own->source[source][i];
    }
    FD_UNREACHABLE();
}

static void check_field(fd_loader *l, size_t source, const char *key, const char *path)
{
    const fd_given *given = source_given(l, source, key);
    if (path[0] != '\0' && !is_field_path(path))
        fd_cdiag(l, FD_ERROR, &given->place, false, NULL,
                 "%s: \"%s\" is not a field: write its name, or a dotted path to it", key, path);
}

/* Missing keys are "" and were said already. */
static void check_required(fd_loader *l, size_t source, const char *key)
{
    const fd_given *given = source_given(l, source, key);
    if (given->text[0] == '\0' && given->place.from == FD_FROM_FILE)
        fd_cdiag(l, FD_ERROR, &given->place, false, NULL, "the %s of a source cannot be empty",
                 key);
}

static void check_source(fd_loader *l, size_t i)
{
    const fd_config_source *s = &l->c->sources[i];
    const fd_given *topic = source_given(l, i, "topic");
    if (s->topic[0] != '\0' && !is_name(s->topic))
        fd_cdiag(l, FD_ERROR, &topic->place, false, "letters, digits, . _ and - only, at most 249",
                 "topic: \"%s\" is no name of a topic", s->topic);
    for (size_t j = 0; j < i && s->topic[0] != '\0'; j++) {
        if (strcmp(s->topic, l->c->sources[j].topic) == 0)
            fd_cdiag(l, FD_ERROR, &topic->place, false, NULL, "topic %s is the source of line %d",
                     s->topic, l->own->source_place[j].line);
    }
    if (s->role == FD_ROLE_OBSERVE)
        fd_cdiag(l, FD_ERROR, &source_given(l, i, "role")->place, false, "remove the source",
                 "this version of fraudd has no sources that are only observed yet");
    if (s->framing == FD_FRAMING_CONFLUENT && l->c->registry.url[0] == '\0')
        fd_cdiag(l, FD_ERROR, &source_given(l, i, "framing")->place, false,
                 "registry: {url: \"http://...\"}",
                 "framing confluent needs registry.url: writers' schemas are looked up there");
    check_required(l, i, "topic");
    check_required(l, i, "schema");
    check_required(l, i, "id");
    check_required(l, i, "time");
    check_field(l, i, "id", s->id);
    check_field(l, i, "time", s->time);
    check_field(l, i, "partitioned_by", s->partitioned_by);
}

static void check_sources(fd_loader *l)
{
    bool decides = false;
    for (size_t i = 0; i < l->c->n_sources; i++) {
        check_source(l, i);
        decides = decides || l->c->sources[i].role == FD_ROLE_DECIDE;
    }
    if (!decides)
        fd_cdiag(l, FD_ERROR, &(fd_place){.from = FD_FROM_DEFAULT}, false,
                 "sources:\n          - {topic: payments, schema: payment.avsc, id: tx_id, "
                 "time: event_time}",
                 "no source decides: `sources` needs one with the role decide");
}

static void check_archive(fd_loader *l)
{
    const fd_config *c = l->c;
    const char *topic = c->archive.topic;
    if (topic[0] == '\0')
        return;
    if (!is_name(topic))
        KEY_ERROR(l, "archive.topic", "letters, digits, . _ and - only, at most 249",
                  "archive.topic: \"%s\" is no name of a topic", topic);
    bool taken = strcmp(topic, c->output.topic) == 0 || strcmp(topic, c->dead_letter.topic) == 0;
    for (size_t i = 0; i < c->n_sources; i++)
        taken = taken || strcmp(topic, c->sources[i].topic) == 0;
    if (taken)
        KEY_ERROR(l, "archive.topic", NULL,
                  "archive.topic: %s is another topic's name here: the archive needs its own",
                  topic);
}

static void check_topics(fd_loader *l)
{
    const fd_config *c = l->c;
    static const char *const keys[] = {"output.topic", "dead_letter.topic"};
    const char *topics[] = {c->output.topic, c->dead_letter.topic};
    for (size_t k = 0; k < 2; k++) {
        if (!is_name(topics[k]))
            KEY_ERROR(l, keys[k], "letters, digits, . _ and - only, at most 249",
                      "%s: \"%s\" is no name of a topic", keys[k], topics[k]);
        for (size_t i = 0; i < c->n_sources; i++) {
            if (strcmp(topics[k], c->sources[i].topic) == 0)
                KEY_ERROR(l, keys[k], NULL, "%s: %s is a source too: it would feed itself", keys[k],
                          topics[k]);
        }
    }
    if (strcmp(topics[0], topics[1]) == 0)
        KEY_ERROR(l, keys[1], NULL, "dead_letter.topic must differ from output.topic (%s)",
                  topics[0]);
}

static void check_names(fd_loader *l)
{
    if (!is_name(l->c->group))
        KEY_ERROR(l, "group", "letters, digits, . _ and - only, at most 249",
                  "group: \"%s\" is no name of a group", l->c->group);
    /* An instance that could not be expanded was said already. */
    if (l->own->key[fd_ckey_find(FD_STR("instance")) - fd_ckeys].text != NULL &&
        l->c->instance[0] != '\0' && !is_name(l->c->instance))
        KEY_ERROR(l, "instance", "letters, digits, . _ and - only, at most 249",
                  "instance: \"%s\" is no name of an instance", l->c->instance);
}

/* What is printed and logged must not hold a secret. */
static void check_no_credentials(fd_loader *l, const char *key, const char *url, const char *hint)
{
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + 3;
    if (memchr(host, '@', strcspn(host, "/")) != NULL) {
        fd_place at = key_place(l, key);
        fd_cdiag(l, FD_ERROR, &at, true, hint,
                 "%s must not hold credentials: it is printed and logged", key);
    }
}

static bool has_scheme(const char *url, const char *scheme)
{
    return strncmp(url, scheme, strlen(scheme)) == 0;
}

static void check_registry(fd_loader *l)
{
    const char *url = l->c->registry.url;
    const char *auth = l->c->registry.basic_auth;
    if (url[0] != '\0' && !has_scheme(url, "http://") && !has_scheme(url, "https://"))
        KEY_ERROR(l, "registry.url", NULL, "registry.url must begin with http:// or https://");
    check_no_credentials(l, "registry.url", url,
                         "use registry.basic_auth or registry.basic_auth_file");
    if (auth[0] != '\0' && strchr(auth, ':') == NULL) {
        fd_place at = key_place(l, "registry.basic_auth");
        fd_cdiag(l, FD_ERROR, &at, true, NULL, "registry.basic_auth must be user:password");
    }
}

static void check_redis(fd_loader *l)
{
    const char *url = l->c->redis.url;
    if (url[0] != '\0' && !has_scheme(url, "redis://") && !has_scheme(url, "rediss://") &&
        !has_scheme(url, "unix://"))
        KEY_ERROR(l, "redis.url", NULL, "redis.url must begin with redis://, rediss:// or unix://");
    check_no_credentials(l, "redis.url", url,
                         "use redis.username, and redis.password or redis.password_file");
    if (l->c->redis.username[0] != '\0' && l->c->redis.password[0] == '\0')
        KEY_ERROR(l, "redis.username", "redis.password or redis.password_file",
                  "redis.username goes with a password");
    if (strpbrk(l->c->redis.prefix, "{}") != NULL || strlen(l->c->redis.prefix) > 260)
        KEY_ERROR(l, "redis.prefix", NULL,
                  "redis.prefix: at most 260 characters, without { and }: what is between these "
                  "is a partition's slot");
}

/* Limits that librdkafka would only report once the first large record fails. */
static void check_sizes(fd_loader *l)
{
    const fd_config *c = l->c;
    const char *text = fd_config_property(c, &c->producer, "message.max.bytes");
    int64_t limit = 1000000; /* librdkafka's default */
    if (text != NULL && fd_cvalue_int(text, &limit) != NULL)
        return; /* librdkafka's to complain about */
    /* Headers and framing of a dead letter need room beside its value. */
    if (c->dead_letter.max_bytes > limit - 16384)
        KEY_ERROR(l, "dead_letter.max_bytes", "raise producer: {message.max.bytes: ...}",
                  "dead_letter.max_bytes must be 16 KiB below message.max.bytes (%lld)",
                  (long long)limit);
    if (c->batch.queue_events < c->batch.max_events) {
        fd_place at = key_place(l, "batch.queue_events");
        fd_cdiag(l, FD_WARNING, &at, false, NULL,
                 "batch.queue_events (%lld) is below batch.max_events (%lld): one partition "
                 "cannot fill a batch",
                 (long long)c->batch.queue_events, (long long)c->batch.max_events);
    }
}

void fd_config_check(fd_loader *l)
{
    check_names(l);
    check_sources(l);
    check_topics(l);
    check_archive(l);
    check_registry(l);
    check_redis(l);
    check_sizes(l);
    if (l->c->rules[0] == '\0')
        KEY_ERROR(l, "rules", NULL, "rules cannot be empty: it is the directory of the rules");
    if (l->c->merge.max_idle_us > l->c->merge.max_skew_us)
        KEY_ERROR(l, "merge.max_idle", NULL, "merge.max_idle must not be above merge.max_skew");
}
