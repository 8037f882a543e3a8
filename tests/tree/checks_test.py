# SPDX-License-Identifier: MIT
"""The checks themselves: each finds the violation it is for, and leaves alone what is right."""
import unittest

import architecture
import config_keys
import folders
import includes
import licences
import paths
import recipes
import words


class Recipes(unittest.TestCase):
    RECIPE = (("A thing", 2, "thing", ("a.def", "thing.cpp"), ("user.cpp",)),)
    PAGE = "### A thing\n"

    def problems(self, page=PAGE, **more):
        texts = {"a.def": "thing", "thing.cpp": "thing", "user.cpp": "thing", "tests/other.cpp": "thing", "CHANGELOG.md": "thing", **more}
        return recipes.problems_of(self.RECIPE, texts, page)

    def test_a_file_more_or_less_than_the_recipe_has_is_found(self):
        self.assertFalse(self.problems())
        self.assertEqual(len(self.problems(**{"daemon/elsewhere.cpp": "if (name == thing)"})), 1)
        self.assertEqual(len(self.problems(**{"a.def": ""})), 1)
        self.assertEqual(len(self.problems(page="")), 1)


class Includes(unittest.TestCase):
    def problems(self, path, *lines):
        return includes.problems_of(path, "\n".join(f"#include {line}" for line in lines), lambda name: True)

    def test_base_includes_only_itself(self):
        self.assertFalse(self.problems("base/log.cpp", '"base/log.hpp"', "<string>", "<spdlog/logger.h>", "<sys/stat.h>"))
        self.assertEqual(len(self.problems("base/log.cpp", '"config/config.hpp"', '"media/frame.hpp"')), 2)

    def test_no_stage_includes_another(self):
        self.assertFalse(self.problems("pipelines/rules/rules.cpp", '"pipelines/event.hpp"', '"pipelines/rules/incidents.hpp"'))
        self.assertTrue(self.problems("pipelines/rules/rules.cpp", '"pipelines/journal/journal.hpp"'))
        self.assertTrue(self.problems("pipelines/ingest/source.cpp", '"models/detector.hpp"'))

    def test_only_analyze_includes_models(self):
        self.assertFalse(self.problems("pipelines/analyze/tracker.cpp", '"models/detector.hpp"'))

    def test_nothing_includes_daemon_but_tests(self):
        self.assertTrue(self.problems("pipelines/rules/rules.cpp", '"daemon/gateway/gateway.hpp"'))
        self.assertFalse(self.problems("tests/unit/daemon/supervise/reconnects_test.cpp", '"daemon/supervise/reconnects.hpp"'))

    def test_third_party_headers_stay_in_their_folders(self):
        for path, header in (("config/yaml/tree.cpp", "yaml-cpp/parser.h"), ("models/faces/hog.cpp", "dlib/matrix.h"),
                             ("pipelines/publish/sockets.cpp", "zmq.hpp"), ("daemon/gateway/service_manager.cpp", "systemd/sd-daemon.h")):
            self.assertFalse(self.problems(path, f"<{header}>"), path)
            self.assertTrue(self.problems("pipelines/relay/channel.cpp", f"<{header}>"), header)

    def test_what_is_in_no_list_is_refused(self):
        self.assertTrue(self.problems("base/log.cpp", "<boost/asio.hpp>"))
        self.assertTrue(self.problems("common/thing.cpp", "<string>"))

    def test_paths_are_from_the_root_and_exist(self):
        self.assertTrue(self.problems("base/log.cpp", '"../config/config.hpp"'))
        self.assertTrue(includes.problems_of("base/log.cpp", '#include "log.hpp"', lambda name: False))


class Words(unittest.TestCase):
    def test_unfinished_work_is_found_and_words_that_contain_it_are_not(self):
        for bad in ("// TO" "DO: later", "a stu" "b", "this is not imple" "mented"):
            self.assertTrue(words.word_problems("base/a.cpp", bad), bad)
        self.assertFalse(words.word_problems("base/a.cpp", "stubborn pictures implemented"))

    def test_loops_over_what_is_gone(self):
        for bad in ('for (const auto& [a, b] : state.value("clips", Json::object()).items()) {', "for (auto& x : ask().items())"):
            self.assertTrue(words.lifetime_problems("base/a.cpp", bad), bad)
        for good in ('for (const auto& [a, b] : state.at("clips").items()) {', "for (auto& x : clips.items())", 'for (auto& x : value_in(info, "journal").items())'):
            self.assertFalse(words.lifetime_problems("base/a.cpp", good), good)

    def test_names_that_say_nothing(self):
        self.assertTrue(words.word_problems("base/a.hpp", "class CameraMan" "ager {"))

    def test_long_files(self):
        self.assertTrue(words.size_problems("base/a.cpp", "\n" * 401))
        self.assertFalse(words.size_problems("base/a.cpp", "\n" * 400))
        self.assertTrue(words.size_problems("base/a.hpp", "\n" * 151))
        self.assertTrue(words.size_problems(next(iter(words.LONG)), "\n" * 10))


class Paths(unittest.TestCase):
    LISTED = ["base/log.cpp", "pipelines/rules/rules.cpp", "pipelines/event.hpp", "docs/events.md"]
    MAP = "```\nbase/       words\npipelines/  stages\n  rules/    events\ndocs/       papers\n```\n"

    def test_the_map_is_the_tree(self):
        self.assertFalse(paths.map_problems(self.MAP, self.LISTED))
        self.assertTrue(paths.map_problems(self.MAP, self.LISTED + ["daemon/main.cpp"]))
        self.assertTrue(paths.map_problems(self.MAP, self.LISTED + ["pipelines/relay/channel.cpp"]))
        self.assertTrue(paths.map_problems(self.MAP, self.LISTED[:-1]))
        self.assertTrue(paths.map_problems("no map", self.LISTED))

    def test_dead_paths(self):
        there = {"docs/events.md", "base/log.cpp"}.__contains__
        tops = {"base", "docs"}
        self.assertFalse(paths.path_problems("docs/a.md", "see [events](events.md#form), `base/log.cpp`, `kanhu run`", tops, there))
        for bad in ("[x](gone.md)", "`base/gone.cpp`", "docs/gone.md says"):
            self.assertTrue(paths.path_problems("docs/a.md", bad, tops, there), bad)
        self.assertTrue(paths.path_problems("base/log.cpp", "// see docs/gone.md", tops, there))


class Architecture(unittest.TestCase):
    TABLE = {"base": set(), "pipelines": {"base"}, "pipelines/rules": {"base", "pipelines"}, "daemon": {"base", "pipelines", "pipelines/rules"}}
    PAGE = ("| `base/` | words | nothing of ours |\n| `pipelines/*.hpp` | the words | base |\n| `pipelines/rules/` | a → b | base, words |\n"
            "| `daemon/` | all | base, rules, words |\n")

    def test_a_page_that_says_other_than_the_table(self):
        self.assertFalse(architecture.problems_of(self.PAGE, self.TABLE))
        self.assertTrue(architecture.problems_of(self.PAGE.replace("a → b | base, words", "a → b | base"), self.TABLE))
        self.assertTrue(architecture.problems_of(self.PAGE.replace("base, rules, words", "base, rules, words, gallery"), self.TABLE))
        self.assertTrue(architecture.problems_of(self.PAGE.split("\n", 1)[1], self.TABLE))
        self.assertTrue(architecture.problems_of(self.PAGE + "| `gone/` | x | base |\n", self.TABLE))


class Folders(unittest.TestCase):
    def test_crowds_and_cycles(self):
        few = [f"base/a{at}.{ending}" for at in range(folders.MOST_UNITS) for ending in ("hpp", "cpp")]
        self.assertFalse(folders.crowded(few))
        self.assertTrue(folders.crowded(few + ["base/one_more.hpp"]))
        self.assertFalse(folders.cycle_in({"a": {"b", "c"}, "b": {"c"}, "c": {"elsewhere"}}))
        self.assertEqual(folders.cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}), ["b", "c", "b"])


class Licences(unittest.TestCase):
    def test_sources_without_a_line(self):
        line = "SPDX-License-Identifier: MIT"
        self.assertFalse(licences.problems_of("base/a.cpp", f"// {line}\n#include <string>\n"))
        self.assertFalse(licences.problems_of("setup/a", f"#!/bin/sh\n# {line}\n"))
        self.assertFalse(licences.problems_of("docs/a.md", "# Words\n"))
        self.assertTrue(licences.problems_of("base/a.cpp", "#include <string>\n"))
        self.assertTrue(licences.problems_of("setup/a", "#!/bin/sh\n"))


class ConfigKeys(unittest.TestCase):
    def test_missing_unknown_and_uncommented_keys(self):
        try:
            import yaml  # noqa: F401
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        text = "# one\na: 1\nlist:  # many\n  # an id\n  - id: x\n"
        known = ["a", "list", "list[].id"]
        self.assertFalse(config_keys.problems_of(known, text))
        self.assertTrue(config_keys.problems_of(known + ["b"], text))
        self.assertTrue(config_keys.problems_of(known[1:], text))
        self.assertTrue(config_keys.problems_of(known, "a: 1\n" + text.split("\n", 2)[2]))


if __name__ == "__main__":
    unittest.main()
