/*
 * Hashes: XXH3 for tables and buckets, SHA-256 for content addresses, murmur2 because the Java
 * client partitions by it. Pure functions, any thread.
 */
#ifndef FD_BASE_HASH_H
#define FD_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The first 128 bits of SHA-256 in hex, NUL-terminated: how rule sets, lists and settings are
 * named in decisions. 128 bits: nobody meets a collision by accident, and a decision carries
 * several of them. */
enum { FD_CONTENT_HASH_CHARS = 32 };
typedef struct fd_content_hash {
    char hex[FD_CONTENT_HASH_CHARS + 1];
} fd_content_hash;

/* All of SHA-256, as sha256sum writes it. */
enum { FD_SHA256_CHARS = 64 };
typedef struct fd_sha256 {
    char hex[FD_SHA256_CHARS + 1];
} fd_sha256;

uint64_t fd_hash64(const void *bytes, size_t n, uint64_t seed);
fd_content_hash fd_content_hash_of(const void *bytes, size_t n);
fd_sha256 fd_sha256_of(const void *bytes, size_t n);

/* The Java client's default partitioner for a key: murmur2, sign bit off, modulo. */
int32_t fd_partition_of_key(const void *key, size_t n, int32_t partitions);

#endif
