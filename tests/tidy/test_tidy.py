#!/usr/bin/env python3
"""The checks must catch what they are for: each offence is planted in a small tree."""

import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import documents
import formatting
import headers
import includes
import links
import style

COMMENT = "/* Why it exists. */\n"
CLEAN = {
    "service/base/a.h": COMMENT + "#include <stdint.h>\ntypedef int64_t fd_a;\n",
    "service/base/a.c": COMMENT + '#include "base/a.h"\n',
    "service/base/CMakeLists.txt": "fd_module(base SOURCES a.c LIBS PkgConfig::XXHASH)\n",
    "service/domain/d.c": COMMENT + '#include "base/a.h"\nint d(void)\n{\n    return 1;\n}\n',
    "service/domain/CMakeLists.txt": "fd_module(domain SOURCES d.c LIBS fd_base)\n",
    "schemas/codec/c.c": COMMENT + "#include <avro.h>\n",
    "schemas/codec/CMakeLists.txt":
        "fd_module(codec SOURCES c.c LIBS fd_base fd_domain PkgConfig::AVRO)\n",
    "service/app/main.c": COMMENT + '#include "codec/x.h"\n#include <time.h>\n'
                          "long f(void)\n{\n    return time(0);\n}\n",
    "service/app/CMakeLists.txt":
        "add_executable(fraudd main.c)\ntarget_link_libraries(fraudd PRIVATE fd_codec)\n",
    "docs/a.md": "# One page\n[to b](b.md#the-second-heading) [up](../service/base/a.h) `docs/b.md`\n"
                 "[far](https://example.org/x) `[no](link.md)` `service/*/a.c` `tests/run`\n"
                 "```\n[not](a-link.md) `docs/c.md`\n```\n",
    "docs/b.md": "# b\n\n## The `second` heading!\n[self](#b)\n",
    "tests/run": "",
}


class Planted(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="fraudd-tidy-")
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in CLEAN.items():
            self.plant(path, text)

    def plant(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)

    def caught(self, findings, path, part):
        texts = [str(f) for f in findings]
        self.assertEqual(len(texts), 1, texts)
        self.assertTrue(texts[0].startswith(path + ":"), texts)
        self.assertIn(part, texts[0])

    def test_clean_tree(self):
        self.assertEqual([], includes.check(self.root))
        self.assertEqual([], style.check(self.root))
        self.assertEqual([], links.check(self.root))
        self.assertEqual([], documents.check(self.root))
        self.assertEqual([], headers.check(self.root, "cc"))

    def test_outward_include(self):
        self.plant("service/base/b.c", COMMENT + "\n" + '#include "domain/d.h"\n')
        self.caught(includes.check(self.root), "service/base/b.c:3", "base -> domain")

    def test_library_include(self):
        self.plant("service/domain/e.c", COMMENT + "# include <avro/io.h>\n")
        self.caught(includes.check(self.root), "service/domain/e.c:2", "only codec may")

    def test_private_include(self):
        self.plant("service/domain/e.c", COMMENT + '#include "base/x_int.h"\n')
        self.caught(includes.check(self.root), "service/domain/e.c:2", "private to base")

    def test_include_without_module(self):
        self.plant("service/domain/e.c", COMMENT + '#include "d.h"\n')
        self.caught(includes.check(self.root), "service/domain/e.c:2", "write the module too")

    def test_unknown_module(self):
        self.plant("service/cellar/w.c", COMMENT)
        self.caught(includes.check(self.root), "service/cellar", "not in tests/tidy/table.py")

    def test_banned_functions(self):
        self.plant("tests/unit/x.c", COMMENT + "void f(char *a)\n{\n    strcpy (a, \"x\");\n}\n")
        self.caught(style.check(self.root), "tests/unit/x.c:4", "strcpy is banned")

    def test_clock_in_core(self):
        self.plant("service/domain/e.c", COMMENT + "long f(void)\n{\n    return time(0);\n}\n")
        self.caught(style.check(self.root), "service/domain/e.c:4", "only ports touch the world")

    def test_mentions_are_no_calls(self):
        self.plant("service/domain/e.c", COMMENT + '/* time( */ char *s = "strcpy(\\"";\n'
                                         "int f(void)\n{\n    return x->time(1) + lifetime(2);\n}\n")
        self.assertEqual([], style.check(self.root))

    def test_lengths(self):
        body = "    g();\n" * 69
        self.plant("service/domain/e.c", COMMENT + "int f(void)\n{\n" + body + "}\n")
        self.caught(style.check(self.root), "service/domain/e.c:3", "71 lines")
        self.plant("service/domain/e.c", COMMENT + "/* " + "x" * 98 + " */\n")
        self.caught(style.check(self.root), "service/domain/e.c:2", "104 columns")
        self.plant("service/domain/e.c", COMMENT + "\n" * 800)
        self.caught(style.check(self.root), "service/domain/e.c", "801 lines")

    def test_opening_comment(self):
        self.plant("service/domain/e.c", "int x;\n")
        self.caught(style.check(self.root), "service/domain/e.c:1", "no opening comment")

    def test_leftovers(self):
        self.plant("docs/x.md", "a\nmktemp XXXXXX\n" + "TO" + "DO: later\n")
        self.caught(style.check(self.root), "docs/x.md:3", "leftover")

    def test_dead_links(self):
        self.plant("docs/c.md", "# c\n\n[x](nowhere.md)\n")
        self.caught(documents.check(self.root), "docs/c.md:3", "leads nowhere")
        self.plant("docs/c.md", "[x](b.md#the-third-heading)\n")
        self.caught(documents.check(self.root), "docs/c.md:1", "no heading #the-third-heading")
        self.plant("docs/c.md", "[x](#nothing)\n")
        self.caught(documents.check(self.root), "docs/c.md:1", "no heading #nothing")
        self.plant("docs/c.md", "see `service/base/gone.c`\n")
        self.caught(documents.check(self.root), "docs/c.md:1", "there is no service/base/gone.c")

    def test_header_alone(self):
        self.plant("service/base/h.h", COMMENT + "int f(fd_unknown *x);\n")
        self.caught(headers.check(self.root, "cc"), "service/base/h.h", "does not compile alone")

    def test_links(self):
        self.plant("service/base/CMakeLists.txt", "fd_module(base SOURCES a.c LIBS fd_domain)\n")
        self.caught(links.check(self.root), "service/base/CMakeLists.txt:1", "base -> domain")

    def test_library_links(self):
        self.plant("service/domain/CMakeLists.txt",
                   "fd_module(domain SOURCES d.c LIBS fd_base)\n# PkgConfig::CURL\n"
                   "target_link_libraries(fd_domain PUBLIC PkgConfig::AVRO)\n")
        self.caught(links.check(self.root), "service/domain/CMakeLists.txt:3", "only codec may")

    def test_included_but_not_linked(self):
        self.plant("service/domain/CMakeLists.txt", "fd_module(domain SOURCES d.c)\n")
        self.caught(links.check(self.root), "service/domain/d.c:2", "does not link it")

    def test_formatting(self):
        name = formatting.tool()
        if name is None:
            self.skipTest("clang-format is not installed")
        self.plant(".clang-format", "BasedOnStyle: LLVM\n")
        self.plant("service/domain/e.c", COMMENT + "int   x;\n")
        texts = [str(f) for f in formatting.check(self.root, name)]
        self.assertTrue(any("service/domain/e.c:2" in t for t in texts), texts)


if __name__ == "__main__":
    unittest.main()
