/*
 * Avro schemas: parsed once, immutable, with everything that decoding needs.
 *
 * Why not Avro C's own tree: its parser drops logical types, defaults, aliases and enum defaults,
 * and resolution needs all four. Avro C still has to accept every schema that is loaded here.
 *
 * The catalogue (fd_schema_type) follows domain/type.h. In addition:
 *   a union whose branches, null aside, map to one type ([int, long], [string, enum]) is that
 *     type; other unions have one child per distinct type, null not among them but `nullable`;
 *   a field that branches of a union of records define differently is FD_OPAQUE;
 *   a logical type on a base that the specification does not give it to is ignored, as the
 *     specification says, with a warning; local-timestamp-* is a plain long (it names no instant).
 * Bounds: FD_SCHEMA_MAX_BYTES of text, FD_SCHEMA_MAX_DEPTH levels, FD_SCHEMA_MAX_COLUMNS columns
 * after nested records are laid out. Any thread may read a schema.
 */
#ifndef FD_CODEC_SCHEMA_H
#define FD_CODEC_SCHEMA_H

#include "base/diag.h"
#include "base/hash.h"
#include "domain/type.h"

enum {
    FD_SCHEMA_MAX_BYTES = 1 << 20,
    FD_SCHEMA_MAX_DEPTH = 64,
    FD_SCHEMA_MAX_COLUMNS = 4096,
};

typedef struct fd_schema fd_schema;

/* A record schema from its JSON text. NULL after an error in `diags`. `file` names the text in
 * errors (NULL: none). */
fd_schema *fd_schema_parse(const char *json, size_t n, const char *file, fd_diags *diags);
fd_schema *fd_schema_load(const char *path, fd_diags *diags);
void fd_schema_free(fd_schema *s); /* NULL is fine */

/* The catalogue: kind FD_RECORD. Lives as long as the schema. */
const fd_type *fd_schema_type(const fd_schema *s);
const char *fd_schema_name(const fd_schema *s); /* full name of the record */
/* The text it was parsed from. */
const char *fd_schema_json(const fd_schema *s, size_t *n);
/* Of what decoding depends on: names, types, logical types, defaults, aliases; not of white space,
 * docs or unknown attributes. */
fd_content_hash fd_schema_hash(const fd_schema *s);
/* CRC-64-AVRO of the Parsing Canonical Form. */
uint64_t fd_schema_fingerprint(const fd_schema *s);

/* schemas/decision.avsc, payment.avsc and label.avsc, as they were when this was built. */
const char *fd_embedded_decision_schema(size_t *n);
const char *fd_embedded_payment_schema(size_t *n);
const char *fd_embedded_label_schema(size_t *n);

/* The JSON Schemas of rule files and of their tests, for editors. */
const char *fd_embedded_rules_schema(size_t *n);
const char *fd_embedded_rules_test_schema(size_t *n);

#endif
