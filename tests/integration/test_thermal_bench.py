#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rooms that do not exist, written down and measured: what `kanhu simulate thermal` makes, `kanhu bench thermal` reads."""
import json

from harness import Case, main


class ThermalBench(Case):
    def test_simulated_scenes_are_measured_with_every_figure_that_is_promised(self):
        listed = self.kanhu("simulate", "thermal", "--list").stdout.decode()
        for scene in ("comes-and-goes", "starts-occupied", "warm-chair"):
            self.assertIn(scene, listed)
        recordings = self.folder / "recordings"
        recordings.mkdir()
        for scene in ("comes-and-goes", "doorway"):
            self.kanhu("simulate", "thermal", scene, "--seconds", "120", "--seed", "5", "--out", recordings)
        self.kanhu("simulate", "thermal", "comes-and-goes", "--sensor", "grid_eye", "--seconds", "90", "--out", recordings / "small.csv")
        found = json.loads(self.kanhu("bench", "thermal", recordings, "--json").stdout)
        self.assertEqual(len(found["recordings"]), 3)
        self.assertEqual(found["left_out"], [])
        for path in ("presence.precision", "presence.recall", "presence.f1", "presence.error_ratio_to_best_peer", "count.mae"):
            value = found
            for member in path.split("."):
                value = value[member]
            self.assertIsInstance(value, (int, float), path)
        self.assertGreater(found["presence"]["recall"], 0.5)
        self.assertEqual({peer["name"] for peer in found["peers"]}, {"opencv mog2", "opencv knn", "fixed threshold"})
        self.assertGreater(found["cost"]["32x24"]["frames_per_second"], 0)

    def test_the_same_seed_gives_the_same_numbers_and_another_does_not(self):
        made = [self.kanhu("simulate", "thermal", "doorway", "--seconds", "3", "--seed", seed).stdout for seed in (1, 1, 2)]
        self.assertEqual(made[0], made[1])
        self.assertNotEqual(made[0], made[2])

    def test_a_scene_can_be_published_as_a_sensor_would(self):
        lines = self.kanhu("simulate", "thermal", "doorway", "--seconds", "0.5", "--publish").stdout.decode().splitlines()
        self.assertEqual(len(lines), 4)  # at 8 Hz
        readings = [json.loads(line) for line in lines]
        for reading in readings:
            self.assertEqual((reading["v"], reading["w"], reading["h"], len(reading["values"])), (1, 32, 24, 768))
        self.assertEqual(sorted(reading["t"] for reading in readings), [reading["t"] for reading in readings])
        self.assertIn(b"160x120", self.kanhu("simulate", "thermal", "doorway", "--sensor", "bolometer", "--publish", expect=2).stderr)

    def test_what_is_asked_wrongly_is_said(self):
        self.assertIn(b"no scene 'nonsense'", self.kanhu("simulate", "thermal", "nonsense", expect=2).stderr)
        self.assertIn(b"no such folder", self.kanhu("bench", "thermal", self.folder / "absent", expect=1).stderr)
        (self.folder / "empty").mkdir()
        (self.folder / "empty" / "a.csv").write_bytes(b"\x00\xff" * 300)
        self.assertIn(b"a.csv", self.kanhu("bench", "thermal", self.folder / "empty", expect=1).stdout)
        self.kanhu("bench", "thermal", self.folder / "empty", "--size", "8by8", expect=2)


if __name__ == "__main__":
    main()
