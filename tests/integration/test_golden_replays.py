# SPDX-License-Identifier: MIT
"""Replays of fixed recordings give the bytes they gave before: whoever moves or rewrites code sees whether an event changed.

KANHU_GOLDEN=write notes what this machine gives in golden_replays.json, for a change that means to change events.
Networks and HOG give other last digits on other processors: a processor that is not in the file is skipped with a line.
"""
import hashlib
import json
import os
import pathlib
import re
import unittest

from harness import MODELS, ROOT, Case, main

GOLDEN = pathlib.Path(__file__).with_name("golden_replays.json")
DATA = pathlib.Path(os.environ.get("KANHU_TEST_DATA", ROOT.parent / "shared/data"))
BUILD = re.compile(rb'"build":"[^"]*"')


def processor():
    flags = next((line for line in pathlib.Path("/proc/cpuinfo").read_text(errors="replace").splitlines() if line.startswith("flags")), "")
    return next((name for name in ("avx512f", "avx2", "sse4_2") if f" {name} " in flags + " "), "other")


def warm_walk(path):
    """Somebody of 34 °C crosses a room of 22 °C, stays, and leaves: 160x120 at 9 pictures a second, counts of 0.01 K."""
    width, height, room, skin = 160, 120, 29_515, 30_715
    with open(path, "wb") as out:
        for at in range(9 * 40):
            picture = bytearray()
            left = min(at, 80) if at < 240 else at - 160  # px; gone after 33 s
            for row in range(height):
                for column in range(width):
                    somebody = 90 <= at and left <= column < left + 20 and 40 <= row < 100
                    grain = (at * 7 + row * 31 + column * 17) % 5
                    picture += ((skin if somebody else room) + grain).to_bytes(2, "little")
            out.write(picture)


class GoldenReplays(Case):
    def digest(self, *arguments):
        told = self.kanhu("replay", "--json", *arguments, deadline=120).stdout
        return {"events": told.count(b"\n"), "sha256": hashlib.sha256(BUILD.sub(b'"build":"-"', told)).hexdigest()}

    def check(self, name, *arguments):
        got, key = self.digest(*arguments), f"{name} on {processor()}"
        golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
        if os.environ.get("KANHU_GOLDEN") == "write":
            GOLDEN.write_text(json.dumps(golden | {key: got}, indent=2, sort_keys=True) + "\n")
        elif key not in golden:
            self.skipTest(f"{key} is not in {GOLDEN.name}; KANHU_GOLDEN=write notes it")
        else:
            self.assertEqual(got, golden[key], f"the events of {name} changed; KANHU_GOLDEN=write if that was meant")

    def recording(self, path):
        if not (DATA / path).exists():
            self.skipTest(f"no {path} on this machine (KANHU_TEST_DATA or ../shared/data)")
        return DATA / path

    def test_a_warm_walk_by_counts(self):
        walk = self.folder / "walk.y16"
        warm_walk(walk)
        self.check("warm walk, thermal", "--detector", "thermal", "--thermal", "160x120,9,0.01K", walk)

    def test_a_film_of_warmth_by_blobs(self):
        self.check("butiv, thermal-blob", "--detector", "thermal-blob", self.recording("thermal/butiv_sample/data/input.mp4"))

    def test_a_street_by_hog(self):
        self.check("gocv_small, hog", "--detector", "hog", self.recording("video/gocv_small.mp4"))

    @unittest.skipUnless(MODELS, "no weights on this machine (KANHU_MODELS or ../shared/models)")
    def test_a_street_by_networks(self):
        for detector in ("blazeface", "yunet"):
            self.check(f"MOT20-08, {detector}", "--detector", detector, self.recording("video/MOT20-08-raw_shorter.h264"))


if __name__ == "__main__":
    main()
