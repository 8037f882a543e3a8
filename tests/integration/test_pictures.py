# SPDX-License-Identifier: MIT
"""What somebody who looks at a dashboard asks for: a picture now, the picture of an event, the clip; and what the journal says of it."""
import hashlib
import json
import os
import signal
import stat
import struct
import sys
import time

import zmq

from harness import PATIENCE, ROOT, Case, camera, facility, main, wait_for

sys.path.insert(0, str(ROOT / "clients/python"))
import kanhu_subscriber  # noqa: E402

CLIPS = {"on": ["face.appeared"], "pre_roll": "2s", "post_roll": "2s", "longest": "20s", "ring_bytes": "16MiB"}
GOP_S = 2.0  # of the simulator's cameras, at most


def size_of(jpeg):
    """Width and height from the frame header (ITU-T T.81, B.2.2)."""
    assert jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9"
    at = 2
    while True:
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        if marker in (0xC0, 0xC1, 0xC2):
            height, width = struct.unpack(">HH", jpeg[at + 5:at + 9])
            return width, height
        at += 2 + length


class Pictures(Case):
    def ask(self, gateway, deadline=10, **request):
        """Answer and bytes."""
        context = zmq.Context()
        try:
            with context.socket(zmq.REQ) as query:
                query.setsockopt(zmq.RCVTIMEO, int(deadline * PATIENCE * 1000))
                query.setsockopt(zmq.LINGER, 0)
                query.connect(gateway.endpoints["query"])
                query.send_json({"v": 1, **request})
                frames = query.recv_multipart()
        finally:
            context.term()
        answer = json.loads(frames[0])
        self.assertEqual(len(frames), 2 if answer["ok"] else 1, answer)
        return answer, frames[1] if len(frames) > 1 else b""

    def picture(self, gateway, **request):
        answer, jpeg = self.ask(gateway, request="picture", **request)
        self.assertTrue(answer["ok"], answer)
        self.assertEqual(hashlib.sha256(jpeg).hexdigest(), answer["sha256"])
        self.assertEqual((len(jpeg), answer["media_type"]), (answer["bytes"], "image/jpeg"))
        self.assertEqual(size_of(jpeg), (answer["width"], answer["height"]))
        return answer, jpeg

    def refused(self, gateway, **request):
        answer, _ = self.ask(gateway, **request)
        self.assertFalse(answer["ok"], answer)
        return answer["error"]

    def test_a_camera_now_an_event_and_its_clip(self):
        sim = self.simulator("name=hall,size=640x360,period=60,visible=10", "name=bath,scene=thermal,size=320x240")
        bath = facility("f1", [camera("hall", sim.url("hall"), record="main", clips=CLIPS), camera("gone", sim.url("nowhere")),
                               camera("bath", sim.url("bath"), detector={"name": "thermal"}, zones=[{"zone": "wet"}]),
                               camera("off", sim.url("hall"), enabled=False)])
        bath["zones"] = [{"id": "wet", "private": True}]
        gateway = self.gateway([bath])
        gateway.wait_up("hall")
        feed = gateway.subscriber

        with self.subTest("a camera now"):
            answer, _ = self.picture(gateway, camera="hall")
            self.assertEqual((answer["width"], answer["height"], answer["facility"]), (640, 360, "f1"))
            self.assertLessEqual(answer["age_s"], GOP_S + 1)
            small, _ = self.picture(gateway, camera="hall", max_width=160)
            self.assertEqual((small["width"], small["height"]), (160, 90))
            access = feed.wait(10 * PATIENCE, type="access.picture")
            self.assertEqual((access.data["access"]["sha256"], access.data["access"]["user"], access.data["camera"]["id"]),
                             (answer["sha256"], "", "hall"))

        with self.subTest("what there is no picture of"):
            self.assertEqual(self.refused(gateway, request="picture", camera="gone")["kind"], "unreachable")
            self.assertEqual(self.refused(gateway, request="picture", camera="off")["kind"], "unreachable")
            unknown = self.refused(gateway, request="picture", camera="hal")
            self.assertEqual(unknown["kind"], "not_found")
            self.assertIn("hall", unknown["message"])
            private = self.refused(gateway, request="picture", camera="bath")
            self.assertEqual(private["kind"], "permission")
            self.assertIn("private", private["message"])
            self.assertEqual(self.refused(gateway, request="picture")["kind"], "invalid_argument")
            self.assertEqual(self.refused(gateway, request="picture", camera="hall", max_width=1)["kind"], "invalid_argument")
            self.assertEqual(self.refused(gateway, request="picture", event="1:2")["kind"], "invalid_argument")
            self.assertEqual(self.refused(gateway, request="picture", event="0" * 32 + ":1")["kind"], "not_found")

        with self.subTest("an event, while its clip is written and after"):
            start = feed.wait(40 * PATIENCE, type="face.appeared", camera="hall")
            fresh, _ = self.picture(gateway, event=start.id)
            self.assertEqual((fresh["camera"], fresh["event"], fresh["clip"]), ("hall", start.id, start.data["clip"]["id"]))
            self.assertLessEqual(fresh["time"], start.data["times"]["captured"])
            done = feed.wait(60 * PATIENCE, type="clip.updated", subject=start.subject, clip=lambda clip: clip["status"] != "pending")
            clip = done.data["clip"]
            # Out of the ring by now, so from the file.
            kept = gateway.counters("hall").get("ring_seconds", 0)
            wait_for(lambda: time.time() - start.header["t"] / 1e6 > 6 + kept, 60, "the event has left the ring")
            later, _ = self.picture(gateway, event=start.id)
            self.assertEqual(later["time"], fresh["time"])
            started = gateway.ask({"v": 1, "request": "fetch", "types": ["gateway.started"]})["events"][0]["payload"]
            self.assertEqual(self.refused(gateway, request="picture", event=started["id"])["kind"], "not_found")

        with self.subTest("a clip, page by page"):
            got, page = b"", None
            while page is None or not page["complete"]:
                page, more = self.ask(gateway, request="clip", id=clip["id"], offset=len(got), length=50_000)
                self.assertTrue(page["ok"], page)
                got += more
            self.assertEqual(hashlib.sha256(got).hexdigest(), clip["sha256"][0])
            self.assertEqual((page["sha256"], page["total"], page["status"]), (clip["sha256"][0], len(got), clip["status"]))
            self.assertEqual(got, (gateway.data / "clips" / clip["path"][0]).read_bytes())
            wait_for(lambda: [event for event in feed.events if event.type == "access.clip"], 10, "access.clip")
            given = [event for event in feed.events if event.type == "access.clip"]
            self.assertEqual([event.data["access"]["sha256"] for event in given], clip["sha256"][:1])
            self.assertEqual(self.refused(gateway, request="clip", id="a" * 26)["kind"], "not_found")
            self.assertEqual(self.refused(gateway, request="clip", id="../../journal")["kind"], "invalid_argument")

        with self.subTest("on the command line"):
            victim = self.folder / "victim"
            victim.write_text("mine")
            for name in ("hall.jpg", "hall.jpg.part", "clip.mp4", "clip.mp4.part"):
                (self.folder / name).symlink_to(victim)
            self.kanhu("picture", "hall", "-o", "hall.jpg", "--max-width", 320, "-c", gateway.path)
            self.assertEqual(size_of((self.folder / "hall.jpg").read_bytes()), (320, 180))
            self.kanhu("picture", start.id, "-o", "event.jpg", "-c", gateway.path)
            self.assertEqual(size_of((self.folder / "event.jpg").read_bytes()), (640, 360))
            self.assertIn(b"nearest is hall", self.kanhu("picture", "hal", "-o", "none.jpg", "-c", gateway.path, expect=1).stderr)
            self.kanhu("clips", "get", clip["id"], "-o", "clip.mp4", "-c", gateway.path)
            self.assertEqual((self.folder / "clip.mp4").read_bytes(), got)
            for name in ("hall.jpg", "event.jpg", "clip.mp4"):
                self.assertEqual((self.folder / name).lstat().st_mode, stat.S_IFREG | 0o600)
            self.assertEqual(victim.read_text(), "mine")
            self.kanhu("clips", "get", "a" * 26, "-o", "none.mp4", "-c", gateway.path, expect=1)
            self.assertFalse((self.folder / "none.mp4").exists())

        with self.subTest("the Python client"):
            client = kanhu_subscriber.Subscriber(gateway.endpoints["live"], gateway.endpoints["query"])
            self.addCleanup(client.stop)
            answer, jpeg = client.picture(camera="hall", max_width=80)
            self.assertEqual(hashlib.sha256(jpeg).hexdigest(), answer["sha256"])
            self.assertEqual(client.clip(clip["id"]), [got])

        with self.subTest("too often"):
            context = zmq.Context()
            with context.socket(zmq.DEALER) as flood:
                flood.setsockopt(zmq.LINGER, 0)
                flood.setsockopt(zmq.RCVTIMEO, int(10_000 * PATIENCE))
                flood.connect(gateway.endpoints["query"])
                kinds = []
                ask = [b"", b'{"v":1,"request":"picture","camera":"nobody"}']  # answered at once, and counted all the same
                for _ in range(6):  # answers to who does not read are dropped
                    flood.send_multipart(ask)
                for _ in range(120):
                    flood.send_multipart(ask)
                    answer = json.loads(flood.recv_multipart()[1])
                    if not answer["ok"]:
                        kinds.append(answer["error"]["kind"])
                        self.assertGreater(answer["error"].get("retry_after_s", 1), 0)
            context.term()
            self.assertEqual(set(kinds), {"not_found", "no_bandwidth"})
        self.assert_contract()

    def test_a_worker_that_stands_still_costs_two_seconds_and_only_its_own_cameras(self):
        sim = self.simulator("name=hall,scene=empty,size=640x360", "name=yard,scene=empty,size=640x360")
        gateway = self.gateway([facility("f1", [camera("hall", sim.url("hall")), camera("yard", sim.url("yard"))])], sources_per_worker=1)
        gateway.wait_up("hall", "yard")
        self.picture(gateway, camera="hall")
        self.picture(gateway, camera="yard")
        pids = [worker["pid"] for worker in gateway.info()["workers"]]
        os.kill(pids[0], signal.SIGSTOP)
        began = time.monotonic()
        error = self.refused(gateway, request="picture", camera="hall")
        self.assertIn(error["kind"], ("timeout", "closed"))
        self.assertLess(time.monotonic() - began, 3.5 * PATIENCE)
        self.picture(gateway, camera="yard")
        wait_for(lambda: self.ask(gateway, request="picture", camera="hall")[0]["ok"], 40, "a picture of hall from the next worker")


if __name__ == "__main__":
    main()
