/* Rule tests before a set decides; see tests.h. Any thread. */
#include "app/reload/tests.h"

#include "base/status.h"
#include "testing/testing.h"

bool fd_reload_tests_pass(const fd_config *c, const fd_schema *reader, bool json, fd_strbuf *report)
{
    if (c->reload.tests != FD_RELOAD_TESTS_REQUIRED)
        return true;
    const fd_config_source *source = &c->sources[0];
    const fd_rules_test_options options = {
        .dir = c->rules,
        .schema = reader,
        .id = source->id,
        .time = source->time,
        .topic = source->topic,
        .json = json,
    };
    fd_rules_test_result result;
    return fd_rules_test_run(&options, &result, report, NULL) == FD_EXIT_OK;
}
