/*
 * What generation and member a consumer group metadata object stands for.
 *
 * Why: a transactional commit with a negative generation or no member id is not fenced by the
 * group (research/KIP-447 holes), so the pipeline must see both. librdkafka has getters since
 * 2.8.0; before, the only way in is its serialised form: "CGMDv2:", the generation (int32, host
 * order), group id and member id (NUL-terminated), then a byte: 1 = no instance id, 0 = an
 * instance id follows. Anything else is refused rather than guessed at. Pure, any thread.
 */
#include <string.h>

#include "base/assert.h"
#include "kafka/consumer_int.h"

bool fd_kafka_membership_parse(const void *bytes, size_t n, int32_t *generation,
                               bool *has_member_id)
{
    static const char magic[] = "CGMDv2:";
    const size_t magic_len = sizeof magic - 1;
    const char *p = bytes;
    const char *end = p + n;
    if (n < magic_len + sizeof *generation || memcmp(p, magic, magic_len) != 0)
        return false;
    memcpy(generation, p + magic_len, sizeof *generation);
    p += magic_len + sizeof *generation;
    const char *group_end = memchr(p, '\0', (size_t)(end - p));
    if (group_end == NULL || group_end == p)
        return false;
    const char *member = group_end + 1;
    const char *member_end = memchr(member, '\0', (size_t)(end - member));
    if (member_end == NULL)
        return false;
    const char *instance = member_end + 1;
    if (instance >= end || (*instance != 0 && *instance != 1))
        return false;
    bool ends_well = *instance == 1
                         ? instance + 1 == end
                         : memchr(instance + 1, '\0', (size_t)(end - instance - 1)) == end - 1;
    *has_member_id = member_end > member;
    return ends_well && *generation >= -1;
}

static fd_class refuse(fd_err *err, const char *why)
{
    return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                   "librdkafka %s: cannot learn the group membership that transactions must name "
                   "(%s): use another version",
                   rd_kafka_version_str(), why);
}

fd_class fd_kafka_membership_of(const rd_kafka_consumer_group_metadata_t *meta, int32_t *generation,
                                bool *has_member_id, fd_err *err)
{
#if RD_KAFKA_VERSION >= 0x020800ff
    if (rd_kafka_version() >= 0x020800ff) {
        const char *member = rd_kafka_consumer_group_metadata_member_id(meta);
        *generation = rd_kafka_consumer_group_metadata_generation_id(meta);
        *has_member_id = member != NULL && *member != '\0';
        return FD_OK;
    }
#endif
    void *bytes;
    size_t n;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(meta, &bytes, &n);
    if (error != NULL) {
        fd_class cls = refuse(err, rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        return cls;
    }
    bool ok = fd_kafka_membership_parse(bytes, n, generation, has_member_id);
    rd_kafka_mem_free(NULL, bytes);
    return ok ? FD_OK : refuse(err, "its serialised form is unknown");
}
