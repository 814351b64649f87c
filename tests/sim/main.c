/* fraudd-sim: runs seeds; see sim.h. */
#include "sim.h"
#include <stdlib.h>
int main(int argc, char **argv)
{
    uint64_t from = strtoull(argv[1], NULL, 10), to = argc > 2 ? strtoull(argv[2], NULL, 10) : from;
    for (uint64_t s = from; s <= to; s++) {
        sim_result r;
        fprintf(stderr, "\rseed %llu ", (unsigned long long)s);
        sim_run(s, argc > 3 ? stdout : NULL, false, &r);
        if (r.failed || argc > 3)
            printf("seed %llu failed %d: turns %llu dec %u commits %u recov %u reb %u restarts %u "
                   "faults %u late %u tmo %u virt %lld ms\n%s",
                   (unsigned long long)s, r.failed, (unsigned long long)r.turns, r.decisions,
                   r.commits, r.recoveries, r.rebalances, r.restarts, r.faults, r.late_hits,
                   r.timeouts, (long long)(r.virtual_ns / 1000000), r.found);
    }
    return 0;
}
