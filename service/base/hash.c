/* Hashes; see hash.h. Any thread. */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/assert.h"

uint64_t fd_hash64(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

fd_sha256 fd_sha256_of(const void *bytes, size_t n)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    int ok = EVP_Digest(bytes, n, digest, &len, EVP_sha256(), NULL);
    FD_ASSERT(ok == 1 && len == FD_SHA256_CHARS / 2);
    fd_sha256 out;
    for (size_t i = 0; i < len; i++)
        snprintf(out.hex + 2 * i, 3, "%02x", digest[i]);
    return out;
}

fd_content_hash fd_content_hash_of(const void *bytes, size_t n)
{
    fd_sha256 whole = fd_sha256_of(bytes, n);
    fd_content_hash out;
    snprintf(out.hex, sizeof out.hex, "%.*s", FD_CONTENT_HASH_CHARS, whole.hex);
    return out;
}

/* Austin Appleby's MurmurHash2 (public domain), with the seed that Kafka's clients use. */
static uint32_t murmur2(const unsigned char *p, size_t n)
{
    const uint32_t m = 0x5bd1e995;
    uint32_t h = 0x9747b28cU ^ (uint32_t)n;
    for (; n >= 4; p += 4, n -= 4) {
        uint32_t k;
        memcpy(&k, p, sizeof k);
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = h * m ^ k;
    }
    if (n == 3)
        h ^= (uint32_t)p[2] << 16;
    if (n >= 2)
        h ^= (uint32_t)p[1] << 8;
    if (n >= 1)
        h = (h ^ p[0]) * m;
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

int32_t fd_partition_of_key(const void *key, size_t n, int32_t partitions)
{
    FD_ASSERT(partitions > 0);
    return (int32_t)((murmur2(key, n) & 0x7fffffffU) % (uint32_t)partitions);
}
