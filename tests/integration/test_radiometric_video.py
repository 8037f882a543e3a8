# SPDX-License-Identifier: MIT
"""Raw 16-bit video from its file to status, probe and replay. No V4L2 device is needed; one that is not there is named."""
import array
import json
import random
import sys

from harness import PATIENCE, Case, camera, facility, main, wait_for

WIDTH, HEIGHT, FPS = 32, 24, 8
ZERO_CELSIUS = 27315  # in counts of 0.01 K
THERMAL = {"size": f"{WIDTH}x{HEIGHT}", "fps": FPS, "scale": "0.01K"}
WORDS = f"{WIDTH}x{HEIGHT},{FPS},0.01K"


def write_room(path, seconds, comes=None, goes=None):
    """A room of 22 degrees with a sensor's noise; somebody of 31 degrees walks about in it from `comes` until `goes` seconds."""
    dice = random.Random(16)
    with open(path, "wb") as file:
        for number in range(seconds * FPS):
            time = number / FPS
            frame = array.array("H", (round(ZERO_CELSIUS + 2200 + dice.gauss(0, 12)) for _ in range(WIDTH * HEIGHT)))
            if comes is not None and comes <= time < goes:
                left, top = 8 + int(time) % 12, 9 + int(time) % 4
                for y in range(top, top + 4):
                    for x in range(left, left + 3):
                        frame[y * WIDTH + x] = round(ZERO_CELSIUS + 3100 + dice.gauss(0, 12))
            if sys.byteorder == "big":
                frame.byteswap()
            file.write(frame.tobytes())


class RadiometricVideo(Case):
    def test_a_raw_file_runs_as_a_camera_whose_facts_are_known(self):
        path = self.folder / "room.y16"
        write_room(path, 90)
        room = camera("room", f"file://{path}", detector={"name": "none"})
        room["main"]["thermal"] = THERMAL
        gone = camera("gone", "v4l2:///dev/kanhu-no-such-camera", detector={"name": "none"})
        gone["main"]["thermal"] = {"scale": "0.01K"}
        gateway = self.gateway([facility("f1", [room, gone])])
        gateway.wait_up("room")
        counters = wait_for(lambda: (found := gateway.counters("room")) and found.get("frames_decoded", 0) > 10 and found, 30, "frames of the room")
        self.assertEqual(counters["codec"], "raw16")
        self.assertEqual(counters["decode_errors"], 0)
        lost = gateway.subscriber.wait(30 * PATIENCE, type="camera.offline", camera="gone")
        self.assertEqual(lost.data["cause"], "not_found")
        self.stop(gateway)

    def test_probe_says_what_it_is_or_what_is_missing(self):
        path, picture = self.folder / "room.y16", self.folder / "picture.png"
        write_room(path, 5, comes=0, goes=5)
        url = f"file://{path}"
        report = json.loads(self.kanhu("probe", url, "--thermal", WORDS, "--json", "--picture", picture).stdout)
        self.assertEqual((report["ok"], report["codec"], report["width"], report["height"]), (True, "raw16", WIDTH, HEIGHT))
        self.assertAlmostEqual(report["frames_per_second"], FPS, delta=0.1)
        self.assertAlmostEqual(report["temperature"]["median_c"], 22, delta=0.1)
        self.assertTrue(30 < report["temperature"]["warmest_c"] < 33, report)
        self.assertEqual(picture.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        words = self.kanhu("probe", url, "--thermal", WORDS, "--picture", "").stdout.decode()
        self.assertIn("median 22.0", words)
        self.assertIn("scale: 0.01K", words)
        self.assertIn("mean nothing without scale", self.kanhu("probe", url, expect=None).stderr.decode())
        wrong = json.loads(self.kanhu("probe", url, "--thermal", WORDS.replace("0.01K", "0.1K"), "--json", "--picture", "", expect=1).stdout)
        self.assertEqual((wrong["error"]["kind"], wrong["steps"][-1]["step"]), ("unsupported", "temperatures"))
        absent = json.loads(self.kanhu("probe", "v4l2:///dev/kanhu-no-such-camera", "--thermal", "0.01K", "--json", expect=1).stdout)
        self.assertEqual((absent["error"]["kind"], absent["steps"][-1]["step"]), ("not_found", "open"))

    def test_replay_reads_it_the_same_every_time(self):
        path = self.folder / "room.y16"
        write_room(path, 60, comes=20, goes=45)
        known = self.kanhu("replay", path, "--detector", "no-such", expect=None).stderr.decode()
        detector = "thermal" if "thermal," in known.replace("thermal-blob,", "") else "none"
        arguments = ("replay", path, "--thermal", WORDS, "--detector", detector, "--json", "--start", "2026-01-02T03:04:05Z")
        first = self.kanhu(*arguments)
        self.assertIn("59.9 s of recording" if detector == "none" else "s of recording", first.stderr.decode())
        for threads, workers in ((1, 0), (4, 2)):
            self.assertEqual(self.kanhu(*arguments, "--threads", threads, "--workers", workers).stdout, first.stdout)
        events = [json.loads(line) for line in first.stdout.decode().splitlines()]
        print(f"  detector {detector}: {[event['type'] for event in events]}")
        if detector == "thermal":
            started = [event for event in events if event["type"] == "kanhu.presence.started" and event["data"]["phase"] == "start"]
            self.assertEqual(len(started), 1)
            self.assertTrue("2026-01-02T03:04:24" < started[0]["time"] < "2026-01-02T03:04:31", started[0]["time"])
        refused = self.kanhu("replay", path, "--thermal", WORDS, "--detector", "hog", expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("hold temperatures", refused.stderr.decode())


if __name__ == "__main__":
    main()
