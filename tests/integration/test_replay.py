# SPDX-License-Identifier: MIT
"""Replay equals replay: on any number of threads and worker processes, byte for byte; and it says what is wrong with a bad file."""
import json
import os
import pathlib
import shutil
import signal
import unittest

from harness import KANHU, PATIENCE, THERMAL, Case, Process, camera, facility, main, wait_for, worker_of_command

CLIPS = {"on": ["face.appeared", "presence.started"], "pre_roll": "3s", "post_roll": "1s", "longest": "7s", "ring_bytes": "16MiB"}


class Replay(Case):
    maxDiff = None

    def record(self):
        """Clips of three cameras; paths of their first parts, and the gateway they come from."""
        sim = self.simulator("name=h264,period=13,visible=6,offset=6", "name=h265,codec=h265,period=13,visible=6,offset=6",
                             "name=heat,scene=thermal,period=16,visible=6,offset=7")
        cameras = [camera(name, sim.url(name), record="main", clips=CLIPS, zones=[{"zone": "room"}]) for name in ("h264", "h265", "heat")]
        cameras[2]["detector"] = {"name": "thermal-blob", "fps": 5}
        gateway = self.gateway([facility("f1", cameras, ["room"])])
        found = {}
        for name in ("h264", "h265", "heat"):
            done = gateway.subscriber.wait(90 * PATIENCE, type="clip.updated", camera=name, clip=lambda clip: clip["status"] == "complete")
            found[name] = gateway.data / "clips" / done.data["clip"]["path"][0]
        self.stop(gateway)
        return gateway, found

    def replay(self, *arguments, expect=0):
        return self.kanhu("replay", "--json", *arguments, expect=expect, deadline=120)

    def assert_same_everywhere(self, *arguments, times):
        reference = None
        for workers, threads in ((0, 1), (0, 4), (2, 1), (2, 4)) * times:
            events = self.replay(*arguments, "--threads", threads, "--workers", workers).stdout.decode().splitlines()
            self.assertTrue(events)
            reference = reference or events
            for number, (expected, got) in enumerate(zip(reference, events)):
                self.assertEqual(got, expected, f"event {number} with --threads {threads} --workers {workers}")
            self.assertEqual(len(events), len(reference), f"with --threads {threads} --workers {workers}")
        return [json.loads(event) for event in reference]

    @unittest.skipUnless(THERMAL, "no real thermal clip on this machine (KANHU_TEST_DATA or ../shared/data)")
    def test_a_real_thermal_clip_full_of_people_is_never_called_empty(self):
        clip = pathlib.Path(THERMAL) / "data/input.mp4"  # 18.6 s, three to six people from the first picture on, seen from the side
        events = self.assert_same_everywhere(clip, "--detector", "thermal", times=1)
        presence = [event for event in events if event["type"].startswith("kanhu.presence.")]
        self.assertEqual(presence[0]["type"], "kanhu.presence.started")
        self.assertLess(presence[0]["data"]["times"]["captured"], "1970-01-01T00:00:10")
        self.assertNotIn("absent", {event["data"]["state"] for event in presence})

    def test_a_file_that_was_never_filled_is_named_at_once(self):
        for name, begin in (("never.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp41"), ("never.h264", b"\0\0\0\1")):
            path = self.folder / name
            with open(path, "wb") as file:
                file.write(begin)
                file.truncate(64 << 30)  # takes no room, and minutes to read
            tried = [self.replay(path, "--detector", "none", expect=None), self.kanhu("probe", f"file://{path}", expect=None)]
            path.unlink()
            for done in tried:
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(name, done.stderr.decode())
                self.assertIn("ever written", done.stderr.decode())

    def test_the_same_recordings_give_the_same_bytes_and_bad_files_are_named(self):
        gateway, clips = self.record()
        with self.subTest("clips by .json and by .mp4"):
            files = [clips["h264"].with_suffix(".json"), clips["h265"], clips["heat"].with_suffix(".json")]
            events = self.assert_same_everywhere(*files, "--config", gateway.path, times=2)
            types = [event["type"] for event in events]
            self.assertGreaterEqual(types.count("kanhu.face.appeared"), 2)
            self.assertIn("kanhu.presence.started", types)
            self.assertEqual({event["data"]["clock"]["source"] for event in events if event["type"] == "kanhu.face.appeared"} - {"rtcp", "arrival"},
                             set(), "a clip keeps the clock it was recorded with")
            live = [event.time for event in gateway.subscriber.find(type="face.appeared")]
            first = next(event["time"] for event in events if event["type"] == "kanhu.face.appeared")
            self.assertEqual(first[:16], live[0][:16], "replayed at the time of the recording")

        with self.subTest("plain files"):
            plain = []
            for name in ("h264", "h265"):
                plain.append(self.folder / f"plain-{name}.mp4")
                shutil.copy(clips[name], plain[-1])
            events = self.assert_same_everywhere(*plain, "--start", "2026-01-02T03:04:05Z", times=1)
            self.assertTrue([event for event in events if event["type"] == "kanhu.face.appeared"])
            self.assertTrue(all(event["time"].startswith("2026-01-02T03:04:") for event in events if event["type"].startswith("kanhu.face")))

        with self.subTest("bad files"):
            text, empty, truncated, newer = (self.folder / name for name in ("text.mp4", "empty.mp4", "truncated.mp4", "newer.json"))
            text.write_text("this is a letter\n" * 500)
            empty.write_bytes(b"")
            truncated.write_bytes(clips["h264"].read_bytes()[:300])
            newer.write_text(clips["h264"].with_suffix(".json").read_text().replace('"version":1', '"version":99'))
            for bad in (text, empty, truncated, newer):
                done = self.replay(bad, expect=None)
                print(f"  {bad.name}: {done.returncode}: {done.stderr.decode().strip()}")
                self.assertNotEqual(done.returncode, 0, bad.name)
                self.assertIn(bad.name, done.stderr.decode())
            done = self.replay(self.folder / "nowhere.mp4", expect=2)
            self.assertIn("nowhere.mp4", done.stderr.decode() + done.stdout.decode())

        with self.subTest("what has no end"):
            pipe, zero, clip_of_pipe = self.folder / "pipe.mp4", self.folder / "zero.mp4", self.folder / "clip.json"
            os.mkfifo(pipe)
            os.mkfifo(clip_of_pipe)
            zero.symlink_to("/dev/zero")
            for endless, word in ((pipe, "pipe"), (zero, "device"), (clip_of_pipe, "pipe")):
                self.assertRegex(self.replay(endless, expect=2).stderr.decode(), f"{endless.name}.* is a {word}")
            for endless, word in ((pipe, "pipe"), (zero, "device"), (self.folder, "folder")):
                self.assertRegex(self.kanhu("probe", f"file://{endless}", expect=2).stderr.decode(), f"{endless.name}.* is a {word}")

        with self.subTest("a file that ends its worker, alone and beside a good one"):
            good = self.replay(clips["h264"], clips["h265"]).stdout
            done = self.replay_and_signal(signal.SIGSEGV, clips["h264"], clips["h265"])
            self.assertEqual((done.popen.returncode, done.out.read_bytes()), (0, good), done.log.read_text())
            done = self.replay_and_signal(signal.SIGSEGV, plain[0])
            self.assertEqual(done.popen.returncode, 1)
            self.assertRegex(done.log.read_text(), r"plain-h264\.mp4\W+the worker that read it was killed by signal 11")

        with self.subTest("a worker that makes no progress for 20 s is ended, and Ctrl-C ends both at once"):
            done = self.replay_and_signal(signal.SIGSTOP, plain[0])
            self.assertEqual(done.popen.returncode, 1)
            self.assertRegex(done.log.read_text(), r"plain-h264\.mp4\W+nothing more came out of it for 20 s")
            done = self.replay_and_signal(signal.SIGSTOP, plain[0], interrupt=True)
            self.assertEqual(done.popen.returncode, -signal.SIGINT)

    def replay_and_signal(self, number, *files, interrupt=False):
        """Replays in the background and sends its worker a signal as soon as it is there."""
        self.runs = getattr(self, "runs", 0) + 1
        out = self.folder / f"signalled-{self.runs}.out"
        with out.open("wb") as stdout:
            done = Process(f"signalled-{self.runs}", [KANHU, "replay", "--json", *map(str, files)], self.folder, stdout=stdout)
        self.processes.append(done)
        done.out = out
        worker = wait_for(lambda: worker_of_command(done.pid), 20, "the worker is there")
        os.kill(worker, number)
        if interrupt:
            done.popen.send_signal(signal.SIGINT)
        done.popen.wait(60 * PATIENCE)
        if interrupt:
            os.kill(worker, signal.SIGCONT)
        done.end()
        wait_for(lambda: not pathlib.Path(f"/proc/{worker}").exists(), 20, "no worker is left")
        return done


if __name__ == "__main__":
    main()
