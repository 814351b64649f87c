/*
 * What the tests of rule sets share: an event schema, batches of it, and rule directories that are
 * made and removed. The directory of the moment is the working directory, so that messages say
 * "./r.yaml" wherever the tests run. One test at a time.
 */
#ifndef TESTS_UNIT_STORE_SUPPORT_H
#define TESTS_UNIT_STORE_SUPPORT_H

#include "base/diag.h"
#include "store/ruleset.h"

/* card_id string; amount int; price double; ok bool; status enum approved, declined; ip string or
 * null; card {bin string, limit int or null} or null; tags list of string */
extern const fd_type payment;
/* Topic payments, partitioned by card_id. */
extern const fd_ruleset_source decided;

typedef struct payment_row {
    const char *card_id;
    int64_t amount;
    const char *ip;  /* NULL: null */
    const char *bin; /* NULL: there is no card */
} payment_row;

/* status is declined where the amount is odd; price is amount / 10; ok is amount > 0; no tags. */
fd_batch *payments(const payment_row *rows, uint32_t n);

/* cmocka fixtures: an empty directory to be in, and back. */
int enter_directory(void **state);
int leave_directory(void **state);

/* Relative names may have one folder in front. */
void write_bytes(const char *name, const void *bytes, size_t n);
void write_text(const char *name, const char *text);
void remove_file(const char *name);

#endif
