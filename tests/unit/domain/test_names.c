/* The closed families and the type tree's look-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "domain/enums.h"
#include "domain/input.h"
#include "domain/type.h"

static void test_actions(void **state)
{
    (void)state;
    /* The order is severity, and part of the output contract. */
    static const char *const names[] = {"allow", "review", "challenge", "block"};
    static const char *const symbols[] = {"ALLOW", "REVIEW", "CHALLENGE", "BLOCK"};
    assert_int_equal(FD_N_ACTIONS, 4);
    for (int a = 0; a < FD_N_ACTIONS; a++) {
        fd_action parsed = FD_N_ACTIONS;
        assert_string_equal(fd_action_name((fd_action)a), names[a]);
        assert_string_equal(fd_action_symbol((fd_action)a), symbols[a]);
        assert_true(fd_action_parse(fd_str_from(names[a]), &parsed));
        assert_int_equal(parsed, a);
    }
    fd_action untouched = FD_ACTION_BLOCK;
    assert_false(fd_action_parse(FD_STR("ALLOW"), &untouched));
    assert_false(fd_action_parse(FD_STR("allo"), &untouched));
    assert_false(fd_action_parse(FD_STR(""), &untouched));
    assert_int_equal(untouched, FD_ACTION_BLOCK);
}

static void test_flags_and_poisons(void **state)
{
    (void)state;
    static const char *const flags[] = {"LATE",    "FUTURE",   "INCOMPLETE", "APPROXIMATE",
                                        "INVALID", "DEADLINE", "RULE_ERROR"};
    assert_int_equal(FD_N_FLAGS, 7);
    for (int f = 0; f < FD_N_FLAGS; f++)
        assert_string_equal(fd_flag_name((fd_flag)f), flags[f]);
    for (int p = FD_POISON_NONE + 1; p < FD_N_POISONS; p++) {
        assert_true(strlen(fd_poison_name((fd_poison)p)) > 0);
        assert_true(strlen(fd_poison_stage((fd_poison)p)) > 0);
        assert_true(strlen(fd_poison_text((fd_poison)p)) > 0);
    }
    assert_string_equal(fd_poison_name(FD_POISON_NULL_PAYLOAD), "NULL_PAYLOAD");
    assert_string_equal(fd_poison_stage(FD_POISON_TRUNCATED), "decode");
}

static void test_framings(void **state)
{
    (void)state;
    fd_framing f;
    for (int i = 0; i < FD_N_FRAMINGS; i++) {
        assert_true(fd_framing_parse(fd_str_from(fd_framing_name((fd_framing)i)), &f));
        assert_int_equal(f, i);
    }
    assert_false(fd_framing_parse(FD_STR("single_object"), &f));
}

static const fd_type long_type = {.kind = FD_INT};
static const fd_field inner_fields[] = {{"bin", &long_type}};
static const fd_type inner = {.kind = FD_RECORD, .n_fields = 1, .fields = inner_fields};
static const fd_field outer_fields[] = {{"id", &long_type}, {"card", &inner}};
static const fd_type outer = {.kind = FD_RECORD, .n_fields = 2, .fields = outer_fields};

static void test_type_look_ups(void **state)
{
    (void)state;
    uint32_t index = 9;
    assert_ptr_equal(fd_type_field(&outer, FD_STR("card"), &index), &outer_fields[1]);
    assert_int_equal(index, 1);
    assert_null(fd_type_field(&outer, FD_STR("car"), NULL));
    assert_ptr_equal(fd_type_path(&outer, FD_STR("card.bin")), &long_type);
    assert_ptr_equal(fd_type_path(&outer, FD_STR("card")), &inner);
    assert_ptr_equal(fd_type_path(&outer, FD_STR("")), &outer);
    assert_null(fd_type_path(&outer, FD_STR("card.bin.x")));
    assert_null(fd_type_path(&outer, FD_STR("id.bin")));
    assert_null(fd_type_path(&outer, FD_STR(".card")));
    assert_null(fd_type_path(&outer, FD_STR("card..bin")));
    for (int k = 0; k <= FD_OPAQUE; k++)
        assert_non_null(fd_kind_name((fd_kind)k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_flags_and_poisons),
        cmocka_unit_test(test_framings),
        cmocka_unit_test(test_type_look_ups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
