/* "--fraud" read; see shares.h. Pure. */
#include "app/generate/shares.h"

#include <stdio.h>

#include "app/cli.h"
#include "base/diag.h"

enum { WORD_BYTES = 64 };

static bool too_much(const uint32_t out[FD_N_PATTERNS], fd_strbuf *why)
{
    uint64_t sum = 0;
    for (fd_pattern i = 0; i < FD_N_PATTERNS; i++)
        sum += out[i];
    if (sum > FD_FRAUD_MAX_PPM)
        fd_strbuf_puts(why, "at most 50% in all");
    return sum > FD_FRAUD_MAX_PPM;
}

static fd_pattern named(fd_str name, fd_strbuf *why)
{
    const char *names[FD_N_PATTERNS];
    for (fd_pattern i = 0; i < FD_N_PATTERNS; i++) {
        names[i] = fd_pattern_name(i);
        if (fd_str_eq_c(name, names[i]))
            return i;
    }
    char word[WORD_BYTES];
    snprintf(word, sizeof word, FD_STR_FMT, FD_STR_ARG(name));
    const char *near = fd_did_you_mean(word, names, FD_N_PATTERNS);
    fd_strbuf_printf(why, "'%s' is no pattern", word);
    if (near != NULL)
        fd_strbuf_printf(why, "; did you mean '%s'?", near);
    for (fd_pattern i = 0; near == NULL && i < FD_N_PATTERNS; i++)
        fd_strbuf_printf(why, "%s%s", i == 0 ? "; there are " : ", ", names[i]);
    return FD_PATTERN_NONE;
}

static bool share(const char *text, size_t n, int64_t *ppm, fd_strbuf *why)
{
    char word[WORD_BYTES];
    snprintf(word, sizeof word, "%.*s", (int)(n < WORD_BYTES ? n : WORD_BYTES - 1), text);
    if (fd_cli_parse_ppm(word, ppm))
        return true;
    fd_strbuf_printf(why, "'%s' is no percentage", word);
    return false;
}

/* "velocity=0.2,bust_out=1" */
static bool by_pattern(const char *text, uint32_t out[FD_N_PATTERNS], fd_strbuf *why)
{
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, ","), name = strcspn(at, "=,");
        if (at[name] != '=') {
            fd_strbuf_printf(why, "'%.*s' is neither PATTERN=PERCENT nor the only word", (int)n,
                             at);
            return false;
        }
        fd_pattern pattern = named((fd_str){at, (uint32_t)name}, why);
        int64_t ppm;
        if (pattern == FD_PATTERN_NONE || !share(at + name + 1, n - name - 1, &ppm, why))
            return false;
        out[pattern] = (uint32_t)ppm;
        at += n + (at[n] == ',');
    }
    return true;
}

bool fd_fraud_shares(const char *text, uint32_t out[FD_N_PATTERNS], fd_strbuf *why)
{
    memset(out, 0, FD_N_PATTERNS * sizeof *out);
    if (strcmp(text, "none") == 0)
        return true;
    if (strchr(text, '=') != NULL)
        return by_pattern(text, out, why) && !too_much(out, why);
    int64_t ppm;
    if (!share(text, strlen(text), &ppm, why))
        return false;
    if (ppm > FD_FRAUD_MAX_PPM) {
        fd_strbuf_puts(why, "at most 50% in all");
        return false;
    }
    fd_fraud_usual((uint32_t)ppm, out);
    return true;
}
