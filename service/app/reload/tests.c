/* Rule tests before a set decides; see tests.h. Any thread. */
#include "app/reload/tests.h"

#include "app/tools/models.h"
#include "base/status.h"
#include "testing/testing.h"

static bool run(const fd_config *c, const fd_schema *reader, bool json, fd_tool_models *models,
                fd_strbuf *report)
{
    const fd_config_source *source = &c->sources[0];
    fd_rules_test_options options = {
        .dir = c->rules,
        .schema = reader,
        .id = source->id,
        .time = source->time,
        .topic = source->topic,
        .json = json,
    };
    fd_tool_models_lend(models, &options);
    fd_rules_test_result result;
    return fd_rules_test_run(&options, &result, report, NULL) == FD_EXIT_OK;
}

bool fd_reload_tests_pass(const fd_config *c, const fd_schema *reader, bool json, fd_strbuf *report)
{
    if (c->reload.tests != FD_RELOAD_TESTS_REQUIRED)
        return true;
    fd_diags diags;
    fd_diags_init(&diags);
    fd_tool_models models;
    bool pass = fd_tool_models_load(c->models, &models, &diags) &&
                run(c, reader, json, &models, report);
    if (models.models == NULL && json) /* they were good a moment ago */
        fd_diags_json(&diags, report);
    else if (models.models == NULL)
        fd_diags_render(&diags, report);
    fd_tool_models_free(&models);
    fd_diags_free(&diags);
    return pass;
}
