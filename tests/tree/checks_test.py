"""The checks themselves: each finds the violation it is for, and leaves alone what is right."""
import unittest

import config_keys
import includes
import paths
import words


class Includes(unittest.TestCase):
    def problems(self, path, *lines):
        return includes.problems_of(path, "\n".join(f"#include {line}" for line in lines), lambda name: True)

    def test_base_includes_only_itself(self):
        self.assertFalse(self.problems("base/log.cpp", '"base/log.hpp"', "<string>", "<spdlog/logger.h>", "<sys/stat.h>"))
        self.assertEqual(len(self.problems("base/log.cpp", '"config/config.hpp"', '"pipelines/frame.hpp"')), 2)

    def test_no_stage_includes_another(self):
        self.assertFalse(self.problems("pipelines/rules/rules.cpp", '"pipelines/event.hpp"', '"pipelines/rules/ledger.hpp"'))
        self.assertTrue(self.problems("pipelines/rules/rules.cpp", '"pipelines/publish/journal.hpp"'))
        self.assertTrue(self.problems("pipelines/ingest/source.cpp", '"models/detector.hpp"'))

    def test_only_analyze_includes_models(self):
        self.assertFalse(self.problems("pipelines/analyze/tracker.cpp", '"models/detector.hpp"'))

    def test_nothing_includes_daemon_but_tests(self):
        self.assertTrue(self.problems("pipelines/rules/rules.cpp", '"daemon/gateway.hpp"'))
        self.assertFalse(self.problems("tests/unit/daemon/reconnects_test.cpp", '"daemon/reconnects.hpp"'))

    def test_third_party_headers_stay_in_their_folders(self):
        for path, header in (("config/yaml_tree.cpp", "yaml-cpp/parser.h"), ("models/hog.cpp", "dlib/matrix.h"),
                             ("pipelines/publish/sockets.cpp", "zmq.hpp"), ("daemon/service.cpp", "systemd/sd-daemon.h")):
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
