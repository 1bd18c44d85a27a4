"""Tests of tools/tidy: each rule finds a bad snippet at its line, and leaves a good one alone."""

import subprocess
import sys
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

sys.dont_write_bytecode = True
TIDY = Path(__file__).with_name("tidy")
sys.path.insert(0, str(TIDY.parent))


def load_tidy():
    # (By hand, since a program has no suffix for import to know it by.)
    loader = SourceFileLoader("tidy", str(TIDY))
    module = module_from_spec(spec_from_loader("tidy", loader))
    loader.exec_module(module)
    return module


tidy = load_tidy()


def write_tree(root, files):
    for name, content in files.items():
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def check(files):
    """All that tidy finds in a tree of `files`, by path."""
    with tempfile.TemporaryDirectory() as root:
        write_tree(root, files)
        return tidy.check(Path(root))[0]


def cmake(folder, *links):
    listed = " ".join(f"carillon_{link}" for link in links)
    text = f"carillon_folder({folder})\n"
    return text + (f"target_link_libraries(carillon_{folder} PUBLIC {listed})\n" if links else "")


class TidyTest(unittest.TestCase):
    def places(self, rule, files):
        return [(one.path, one.line) for one in check(files) if one.rule == rule]

    def lines(self, rule, text, path="src/log/segment_test.cc"):
        """Where `rule` finds something in one file; by default a test: it needs none beside it."""
        return [line for found, line in self.places(rule, {path: text}) if found == path]

    def finds(self, rule, line, text, **where):
        self.assertEqual([line], self.lines(rule, text, **where), text)

    def leaves(self, rule, text, **where):
        self.assertEqual([], self.lines(rule, text, **where), text)


class Arrows(TidyTest):
    TREE = {
        "src/base/CMakeLists.txt": cmake("base"),
        "src/event/CMakeLists.txt": cmake("event", "base", "options"),
        "src/log/CMakeLists.txt": cmake("log", "event"),
        "src/hub/CMakeLists.txt": cmake("hub", "log"),
        "src/wire/CMakeLists.txt": cmake("wire", "event"),
        "src/net/CMakeLists.txt": cmake("net", "wire"),
        "src/in/CMakeLists.txt": cmake("in", "hub", "net"),
        "src/out/CMakeLists.txt": cmake("out", "hub"),
        "src/testing/CMakeLists.txt": cmake("testing", "log", "net"),
    }

    def arrows(self, files):
        return self.places("arrows", self.TREE | files)

    def test_the_design_has_no_arrow_back(self):
        path = "src/log/CMakeLists.txt"
        links = "target_link_libraries(carillon_log\n  PUBLIC carillon_event\n"

        self.assertEqual([(path, 3)], self.arrows({path: links + "  PRIVATE carillon_hub)\n"}))
        self.assertEqual([], self.arrows({path: links + "  # carillon_hub\n)\n"}))

    def test_in_and_out_never_link_each_other(self):
        path = "src/in/CMakeLists.txt"

        self.assertEqual([(path, 2)], self.arrows({path: cmake("in", "hub", "net", "out")}))

    def test_links_of_a_test_program_are_not_the_folders(self):
        own = "target_link_libraries(log_test PRIVATE carillon_hub)\n"

        self.assertEqual([], self.arrows({"src/log/CMakeLists.txt": cmake("log", "event") + own}))

    def test_a_folder_that_the_design_does_not_know_is_named(self):
        path = "src/cache/CMakeLists.txt"

        self.assertEqual([(path, 1)], self.arrows({path: cmake("cache", "base")}))

    def test_an_include_may_name_what_the_links_reach(self):
        text = '#include "log/log.h"\n\n#include <vector>\n\n#include "base/clock.h"\n'
        text += '#include "event/event.h"\n#include "libpq/fe.h"\n// #include "hub/hub.h"\n'

        self.assertEqual([], self.arrows({"src/log/log.cc": text}))

    def test_an_include_may_not_name_what_no_link_reaches(self):
        text = '#include "log/log.h"\n#include "hub/hub.h"\n'

        self.assertEqual([("src/log/log.cc", 2)], self.arrows({"src/log/log.cc": text}))
        self.assertEqual([("src/log/log_test.cc", 2)], self.arrows({"src/log/log_test.cc": text}))

    def test_an_arrow_of_the_design_must_be_linked_to_be_used(self):
        files = self.TREE | {"src/out/feed.cc": '#include "net/url.h"\n'}

        found = [one for one in check(files) if one.rule == "arrows"]

        self.assertEqual([("src/out/feed.cc", 1)], [(one.path, one.line) for one in found])
        self.assertIn("link carillon_net in src/out/CMakeLists.txt", found[0].mend)

    def test_the_main_program_and_whole_program_tests_may_include_everything(self):
        text = '#include "in/http.h"\n#include "out/feed.h"\n'

        self.assertEqual([], self.arrows({"src/carillon.cc": text, "tests/e2e/hub.cc": text}))

    def test_fakes_are_for_tests(self):
        text = '#include "testing/fake_disk.h"\n'
        homes = ["src/log/log_test.cc", "src/hub/hub_fuzz.cc", "src/base/hash_bench.cc"]
        homes += ["src/testing/fake_clock.h", "tests/simulation/run.cc"]

        self.assertEqual([], self.arrows({home: text for home in homes}))
        self.assertEqual([("src/log/log.cc", 1)], self.arrows({"src/log/log.cc": text}))
        self.assertEqual([("src/carillon.cc", 1)], self.arrows({"src/carillon.cc": text}))

    def test_fakes_reach_up_to_log_and_net(self):
        good = '#include "log/disk.h"\n#include "net/http_client.h"\n#include "base/clock.h"\n'

        self.assertEqual([], self.arrows({"src/testing/fakes.h": good}))
        bad = {"src/testing/fakes.h": good + '#include "hub/hub.h"\n'}
        self.assertEqual([("src/testing/fakes.h", 4)], self.arrows(bad))


class Files(TidyTest):
    def test_a_file_has_600_lines_at_most(self):
        self.finds("file-length", 1, "int a;\n" * 601)
        self.finds("file-length", 1, "a = 1\n" * 601, path="tests/e2e/run.py")
        self.leaves("file-length", "int a;\n" * 600)
        self.leaves("file-length", "a = 1\n" * 601, path="tools/run.py")

    def test_a_header_begins_once(self):
        self.finds("pragma-once", 1, "// A log.\nclass Log;\n", path="src/log/log.h")
        self.finds("pragma-once", 1, "// #pragma once\n", path="src/log/log.h")
        self.leaves("pragma-once", "// A log.\n#pragma once\n", path="src/log/log.h")

    def test_a_header_opens_no_namespace_to_others(self):
        text = "#pragma once\nusing namespace std;\n"
        self.finds("using-namespace", 2, text, path="src/log/log.h")
        self.leaves("using-namespace", text, path="src/log/log_test.cc")
        self.leaves("using-namespace", "#pragma once\nusing std::vector;\n", path="src/log/log.h")

    def test_a_file_has_its_test_beside_it(self):
        files = {"src/log/log.cc": "", "src/log/log_bench.cc": "", "src/cli/tail.cc": ""}
        files["src/carillon.cc"] = ""

        self.assertEqual([("src/log/log.cc", 1)], self.places("test-beside", files))
        self.assertEqual([], self.places("test-beside", files | {"src/log/log_test.cc": ""}))


def body(lines):
    return "  step();\n" * (lines - 2) + "}\n"


class FunctionLength(TidyTest):
    LONG = body(71)

    def test_a_function_has_70_lines_at_most(self):
        self.finds("function-length", 3, "// Why.\n\nint run() {\n" + body(71))
        self.leaves("function-length", "// Why.\n\nint run() {\n" + body(70))

    def test_a_signature_counts_from_its_first_line(self):
        self.finds("function-length", 2, "\ntemplate <typename T>\nT run(T a) {\n" + body(70))

    def test_a_test_is_a_function(self):
        self.finds("function-length", 1, "TEST(Log, Opens) {\n" + self.LONG)

    def test_a_method_is_found_behind_its_access_label(self):
        text = "class Log : public Base {\n public:\n  bool open() const noexcept override {\n"
        self.finds("function-length", 3, text + self.LONG + "};\n")

    def test_a_constructor_with_braces_in_its_list_is_a_function(self):
        text = "Log::Log(int a)\n    : a_{a}, b_(2),\n      c_{3} {\n"
        self.finds("function-length", 1, text + body(69))

    def test_trailing_return_types_and_requirements_are_part_of_the_signature(self):
        for head in ["auto run(int a) -> F<int(int)> {", "void run(T a) requires C<decltype(a)> {"]:
            self.finds("function-length", 1, head + "\n" + self.LONG)

    def test_containers_are_no_functions(self):
        heads = ["namespace carillon {", "namespace {", 'extern "C" {', "enum class E {"]
        heads += ["struct Log : Base<int()> {", "class [[nodiscard]] Log {"]
        heads += ["template <typename T>\nclass Log {"]
        heads += ["template <typename T>\n  requires std::is_same_v<T, T>\nstruct Log {"]
        for head in heads:
            self.leaves("function-length", head + "\n" + "int a;\n" * 80 + "};\n")

    def test_values_are_no_functions(self):
        for head in ["const int kTable[] = {", "const Table kTable{", "std::function<void()> f{"]:
            self.leaves("function-length", head + "\n" + "1,\n" * 80 + "};\n")

    def test_functions_behind_a_value_are_found(self):
        text = "const std::array<int, size(2)> kTable = {{1}, {2}};\nvoid run(A a = {}) {\n"
        self.finds("function-length", 2, text + self.LONG)

    def test_a_lambda_counts_within_its_function(self):
        text = "void run() {\n  auto f = [] {\n" + "  step();\n" * 67 + "  };\n}\n"
        self.finds("function-length", 1, text)

    def test_a_coroutine_is_a_function(self):
        self.finds("function-length", 1, "Task<Result<>> Attempt::run(Client& a) {\n" + self.LONG)

    def test_braces_in_literals_and_comments_do_not_count(self):
        odd = ['"}"', "'}'", "'\"'", r"'\''", r'"\"}"', 'R"(})"', 'R"x(" } )" )x"', "1'000'000"]
        lines = "".join(f"  f({text});  // }}\n" for text in odd) + "  /* }\n } */\n"
        self.finds("function-length", 1, "void run() {\n" + lines + "  step();\n" * 60 + "}\n")
        self.leaves("function-length", "void run() {\n" + lines + "  step();\n" * 50 + "}\n")

    def test_the_preprocessor_does_not_unbalance_braces(self):
        text = "#define TRY(a) \\\n  if (a) {\nvoid run() {\n"
        text += "#if X\n  if (a) {\n#else\n  if (b) {\n#endif\n  }\n"
        self.finds("function-length", 3, text + body(70) + "void next() {\n}\n")


class BannedForms(TidyTest):
    def test_what_our_library_lacks(self):
        self.finds("absent-library", 2, '\nauto a = std::format("{}", 1);\n')
        self.finds("absent-library", 1, "std::generator<int> numbers();\n")
        self.finds("absent-library", 1, "#include <print>\n")
        self.leaves("absent-library", '// std::format\nauto a = fmt::format("std::print");\n')

    def test_diagnostics_go_to_the_logger(self):
        text = 'int a;\nvoid f() { std::cerr << "a"; }\n'
        self.finds("console", 2, text, path="src/log/log.cc")
        for home in ["src/cli/tail.cc", "src/carillon.cc", "src/base/logger.cc", "bench/fan.cc"]:
            self.leaves("console", text, path=home)

    def test_nothing_is_swallowed_in_silence(self):
        start = "void f() {\n  try {\n    g();\n  } catch (...) {\n"
        for silent in ["", "    // never mind\n", "    return;\n", "    if (a) return false;\n"]:
            self.finds("silent-catch", 4, start + silent + "  }\n}\n")
        for loud in ["    throw;\n", "    return fail(Errc::io);\n", "    std::abort();\n"]:
            self.leaves("silent-catch", start + loud + "  }\n}\n")
        self.leaves("silent-catch", "void f() { try { g(); } catch (const Torn&) { } }\n")

    def test_ownership_has_a_type(self):
        self.finds("new", 2, "\nauto* a = new Log(disk);\n")
        self.finds("new", 1, "Log* a = new (place) Log;\n")
        self.finds("new", 3, "void f() {\n  // delete it\n  delete a;\n}\n")
        self.finds("new", 1, "void f() { delete[] a; }\n")
        self.leaves("new", "#include <new>\nLog(const Log&) = delete;\n// new log\nint new_log;\n")
        self.leaves("new", 'void* operator new(size_t);\nauto a = "new Log()";\nverb::delete_;\n')

    def test_const_stays_const(self):
        self.finds("const_cast", 2, "\nauto& a = const_cast<Log&>(b);\n")
        self.leaves("const_cast", "// const_cast\nconst int a = static_cast<int>(b);\n")

    def test_bytes_are_copied_not_looked_at_as_another_type(self):
        text = "\nauto* a = reinterpret_cast<const char*>(b);\n"
        self.finds("reinterpret_cast", 2, text)
        self.leaves("reinterpret_cast", "auto a = std::bit_cast<Number>(b);\n")
        tidy.REINTERPRETING_FILES["src/net/address.cc"] = "sockaddr is made to be looked at so"
        self.addCleanup(tidy.REINTERPRETING_FILES.clear)
        self.leaves("reinterpret_cast", text, path="src/net/address.cc")

    def test_threads_have_an_owner(self):
        self.finds("detach", 2, "\nstd::thread(run).detach();\n")
        self.leaves("detach", "detach(session);\nrow.detach_from(table);\n")

    def test_tests_do_not_sleep(self):
        text = "\nstd::this_thread::sleep_for(1s);\n"
        self.finds("test-sleep", 2, text)
        self.finds("test-sleep", 2, "\nusleep(10);\n", path="src/testing/fakes.cc")
        self.leaves("test-sleep", "clock.sleep_for(1s);\nvoid fall_asleep();\n")
        self.leaves("test-sleep", text, path="src/log/keeper.cc")

    def test_a_promise_has_an_issue(self):
        self.finds("todo", 2, "int a;\nint b;  // TODO: shrink\n")
        self.finds("todo", 1, "# FIXME\n", path="tools/run.py")
        self.finds("todo", 2, "\n<!-- TODO write -->\n", path="docs/start.md")
        self.leaves("todo", '// TODO(#12): shrink\nauto a = "TODO";\nint TODO_;\n')
        self.leaves("todo", 'text = "# TODO"\n', path="tools/run.py")

    def test_macros_are_few(self):
        self.finds("define", 2, "\n#define LIMIT 12\n")
        self.finds("define", 1, "#  define _GNU_SOURCE\n")
        names = ["CHECK(a)", "TRY_VOID(a)", "CO_TRY(a)", "CARILLON_CONCAT(a, b)"]
        self.leaves("define", "".join(f"#define {name} a\n" for name in names))
        self.leaves("define", "// #define A\n#ifdef A\n#endif\n")

    def test_threads_share_atomics(self):
        self.finds("volatile", 2, "\nvolatile bool stopped;\n")
        self.leaves("volatile", "// volatile\nstd::atomic<bool> stopped;\n")

    def test_paths_of_one_machine_are_not_told(self):
        for place in ["work", "root", "home/ann", "Users/ann"]:
            self.finds("machine-path", 2, f"Say\n`cd /{place}/main`\n", path="docs/start.md")
        self.leaves("machine-path", "http://a.b/work/x src/root/x {dir}/root/x\n", path="docs/a.md")

    def test_lock_files_name_no_registry(self):
        host = '{\n  "resolved": "https://registry.example/a.tgz",\n  "integrity": "sha512-a"\n}\n'
        self.finds("lock-host", 2, host, path="web/package-lock.json")
        self.leaves("lock-host", host, path="tests/answers.json")
        hashes = '{\n  "integrity": "sha512-a"\n}\n'
        self.leaves("lock-host", hashes, path="web/package-lock.json")


class WhiteSpace(TidyTest):
    def test_a_line_has_100_columns_at_most(self):
        self.finds("columns", 2, "\n" + "é" * 101 + "\n")
        self.leaves("columns", "é" * 100 + "\n// https://" + "a" * 100 + "\n")
        self.leaves("columns", 'auto a = R"(\n' + "a" * 120 + '\n)";\n')
        self.leaves("columns", "a " * 60 + "b\n", path="docs/start.md")

    def test_tabs_are_spaces(self):
        self.finds("tab", 2, "\n\tint a;\n")
        self.leaves("tab", 'auto a = "\\t";\nauto b = R"(\n\ta\n)";\n')
        self.leaves("tab", "\tint a;\n", path="src/wire/testdata/odd.h")

    def test_lines_end_with_a_word(self):
        self.finds("trailing-space", 2, "\nint a; \n")
        self.finds("trailing-space", 1, "int a; \r\n")
        self.leaves("trailing-space", "int a;\n\nint b;\n")

    def test_lines_end_with_lf(self):
        self.finds("line-end", 2, "int a;\nint b;\r\nint c;\r\n")
        self.leaves("line-end", 'auto a = "\\r\\n";\n')

    def test_the_last_line_ends_too(self):
        self.finds("final-newline", 2, "int a;\nint b;")
        self.leaves("final-newline", "int a;\n")
        self.leaves("final-newline", "")

    def test_text_is_utf8(self):
        self.finds("encoding", 2, b"int a;\n// \xe9\n")
        self.leaves("encoding", "// é \ufffd\n")


class Glossary(TidyTest):
    def test_names_use_our_words(self):
        for name in ["EventManager", "send_message", "kChannelsMax", "UtilText", "FrameHelper"]:
            self.finds("glossary", 2, f"\nint {name};\nint again({name});\n")
        self.finds("glossary", 1, "struct TopicInfo {};\n")

    def test_words_within_words_are_other_words(self):
        self.leaves("glossary", "int utility, channeled, manage;\n")
        self.leaves("glossary", "int Infobox, information;\nlogger.info(1);\naddrinfo a;\n")

    def test_text_and_comments_may_use_any_word(self):
        self.leaves("glossary", '// A message manager.\nauto a = "channel";\n')

    def test_a_tests_name_is_a_sentence(self):
        self.leaves("glossary", "TEST(Session, AMessageTooLongClosesTheChannel) {\n}\n")

    def test_others_names_are_as_they_gave_them(self):
        self.leaves("glossary", "#include <google/util/helper.h>\nboost::beast::http::message a;\n")
        self.leaves("glossary", "testing::TestParamInfo<int> a;\nauto b = error.message();\n")
        self.leaves("glossary", "auto a = PQerrorMessage(b);\nCURLMsg* c = curl_message(d);\n")
        self.finds("glossary", 1, "carillon::Helper a;\n")

    def test_a_standards_words_are_used_where_it_is_implemented(self):
        text = "struct MessageHead {};\n"
        for home in ["src/wire/head.h", "src/net/head.h", "src/out/websocket_session.h"]:
            self.leaves("glossary", "#pragma once\n" + text, path=home)
        self.leaves("glossary", "int kWebSocketMessageBytesMax;\nint error_message;\n")
        self.finds("glossary", 2, "#pragma once\n" + text, path="src/hub/head.h")

    def test_files_use_our_words(self):
        self.finds("glossary", 1, "#pragma once\n", path="src/log/string_utils.h")
        self.finds("glossary", 1, "", path="web/message.js")
        self.finds("glossary", 1, "", path="src/log/topic_info_test.cc")
        self.leaves("glossary", "", path="src/wire/message_test.cc")
        self.leaves("glossary", "# Messages\n", path="docs/messages.md")


class Allowances(TidyTest):
    def test_a_line_may_break_a_rule_for_a_reason(self):
        self.leaves("new", "auto* a = new Log;  // tidy: allow new: C takes it over\n")
        self.leaves("tab", "#\tfoo  # tidy: allow tab: a Makefile's\n", path="tools/run.py")

    def test_a_comment_of_its_own_speaks_for_the_next_line(self):
        text = "// tidy: allow new: C takes it over,\n// and frees it.\nauto* a = new Log;\n"
        self.leaves("new", text)
        self.finds("new", 4, text + "auto* b = new Log;\n")

    def test_the_first_line_speaks_for_the_file(self):
        text = "// tidy: allow file-length: one table\n" + "int a;\n" * 600
        self.leaves("file-length", text)

    def test_another_rule_is_not_allowed_with_it(self):
        self.finds("new", 1, "volatile int* a = new int;  // tidy: allow volatile: hardware\n")

    def test_an_allowance_needs_a_reason_and_a_rule(self):
        self.finds("allow", 1, "auto* a = new Log;  // tidy: allow new:\n")
        self.finds("allow", 1, "auto* a = new Log;  // tidy: allow\n")
        self.finds("allow", 2, "\nauto* a = new Log;  // tidy: allow knew: C owns it\n")

    def test_an_allowance_that_nothing_needs_is_found(self):
        self.finds("allow", 2, "\nint a;  // tidy: allow new: C takes it over\n")

    def test_a_comment_in_text_allows_nothing(self):
        self.leaves("allow", 'auto a = "// tidy: allow new: b";\n')


class Program(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as root:
            write_tree(root, files)
            command = [sys.executable, str(TIDY), root]
            return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_findings_are_printed_one_a_line_and_fail(self):
        answer = self.run_on({"docs/start.md": "Hello \n", "src/a_test.cc": "volatile int a;\n"})

        lines = answer.stdout.splitlines()
        self.assertEqual(1, answer.returncode)
        space = "docs/start.md:1: trailing-space: white space at the end; take it away"
        self.assertEqual(space, lines[0])
        self.assertEqual("src/a_test.cc:1: volatile: volatile; use std::atomic", lines[1])
        self.assertEqual("tidy: 2 findings in 2 files", lines[2])

    def test_a_tidy_tree_passes(self):
        answer = self.run_on({"docs/start.md": "Hello\n"})

        self.assertEqual((0, "tidy: 0 findings in 1 files\n"), (answer.returncode, answer.stdout))

    def test_what_is_built_or_fetched_is_not_looked_at(self):
        folders = ["build/dev", "web/node_modules/a", ".git", ".cache", "carillon-data"]

        answer = self.run_on({f"{folder}/a.md": "Hello \n" for folder in folders})

        self.assertEqual("tidy: 0 findings in 0 files\n", answer.stdout)

    def test_a_root_that_is_no_folder_is_refused(self):
        command = [sys.executable, str(TIDY), "/no/such/folder"]

        answer = subprocess.run(command, capture_output=True, text=True, check=False)

        self.assertEqual(2, answer.returncode)


class Coverage(unittest.TestCase):
    def test_every_rule_has_a_test(self):
        tests = Path(__file__).read_text(encoding="utf-8")

        for rule in tidy.RULES:
            self.assertIn(f'"{rule}"', tests)


if __name__ == "__main__":
    unittest.main()
