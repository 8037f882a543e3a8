#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make run DURATION=60` as README.md shows it: the demo proves what it planned, and docs/feed.txt is what it really prints."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def shape(line):
    """What stays the same from run to run: who, what, which phase, in which words; no times, scores, counts or ids."""
    line = re.sub(r"^\d\d:\d\d:\d\d\.\d +", "", line.strip())
    line = re.sub(r"clip [a-z2-7]{8}", "clip ID", line)
    line = re.sub(r"(recognized|enrolled:|again:) [a-z2-7]{8,26}", r"\1 REF", line)
    line = re.sub(r" *\[from the journal\]$", "", line)
    line = re.sub(r"partial( \([a-z_0-9, ]+\))?|complete", "DONE", line)
    line = re.sub(r"\d+(\.\d+)?", "N", line)
    return re.sub(r" +", " ", line)


class Feed(unittest.TestCase):
    def test_every_line_of_the_feed_is_printed_by_the_demo(self):
        feed = (ROOT / "docs/feed.txt").read_text()
        wanted = [line for line in feed.splitlines() if line.strip() and line.strip() != "…"]
        self.assertGreater(len(wanted), 10)

        environment = dict(os.environ)
        weights = ROOT.parent / "shared" / "models"
        command = [os.environ["KANHU_DEMO_BIN"], "--duration", "60", "--run-dir", tempfile.mkdtemp(prefix="kanhu-demo-") + "/run"]
        if "KANHU_MODELS" not in environment and weights.is_dir():
            command += ["--models", str(weights)]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=170)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        self.assertNotIn("\033", done.stdout, "colour in a pipe")

        printed = {shape(line) for line in done.stdout.splitlines()}
        if "nobody is enrolled: " in done.stdout:  # without photographs and an embedder's weights
            wanted = [line for line in wanted if not re.search("enrol|gallery|recogni|taken for the first", line)]
        for line in wanted:
            self.assertIn(shape(line), printed, f"docs/feed.txt has a line the demo does not print: {line}")


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
