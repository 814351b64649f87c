/*
 * The subcommands: one table, one function each. argv[0] is the subcommand's name; the result is
 * the process's exit code (INTERFACE §6). Main thread.
 */
#ifndef FD_APP_COMMANDS_H
#define FD_APP_COMMANDS_H

/* X(name, function suffix, what it does) */
#define FD_COMMANDS(X)                                                                  \
    X("run", run, "decide events from Kafka, exactly once, until told to stop")         \
    X("config", config, "print the effective configuration, or the documented default") \
    X("rules", rules, "check rule files, test them, explain what they keep and cost")   \
    X("models", models, "check models, score rows with them, explain scores")           \
    X("schema", schema, "check Avro schemas, print what rules see of them")             \
    X("generate", generate, "make a realistic, repeatable stream of payments")          \
    X("produce", produce, "load a file of events into a topic")                         \
    X("tap", tap, "read topics as JSON lines")                                          \
    X("replay", replay, "decide the events of files or topics again, beside the service")

#define X(name, fn, text) int fd_cmd_##fn(int argc, char **argv);
FD_COMMANDS(X)
#undef X

/* `rules test` and `rules diff`: argv[0] is the second word. */
int fd_cmd_rules_test(int argc, char **argv);
int fd_cmd_rules_diff(int argc, char **argv);

#endif
