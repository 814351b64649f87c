/* See failpoints.h. The hook runs on whatever thread passes the place. */
#include "app/failpoints.h"

#ifdef FD_FAILPOINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"

void (*fd_failpoint_hook)(const char *name);

static char wanted[64];
static char action[16];
static long wanted_hit;
static atomic_long hits;

static void hook(const char *name)
{
    if (strcmp(name, wanted) != 0 || atomic_fetch_add(&hits, 1) + 1 != wanted_hit)
        return;
    fprintf(stderr, "{\"event\":\"failpoint\",\"name\":\"%s\",\"action\":\"%s\"}\n", name, action);
    if (strcmp(action, "kill") == 0)
        kill(getpid(), SIGKILL);
    else if (strcmp(action, "stop") == 0)
        kill(getpid(), SIGSTOP);
    else
        sleep(3);
}

void fd_failpoints_arm(void)
{
    const char *spec = getenv("FRAUDD_FAILPOINT");
    if (spec == NULL)
        return;
    if (sscanf(spec, "%63[^:]:%ld:%15s", wanted, &wanted_hit, action) != 3) {
        fprintf(stderr, "fraudd: FRAUDD_FAILPOINT is name:hit:kill|stop|sleep\n");
        exit(2);
    }
    fd_failpoint_hook = hook;
}
#else
void fd_failpoints_arm(void) {}
#endif
