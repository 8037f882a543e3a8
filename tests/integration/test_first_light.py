# SPDX-License-Identifier: MIT
"""Cameras in, events out: faces with clips, infrared presence, scenes that must raise nothing, all three codecs."""
import json
import pathlib

from harness import PATIENCE, Case, camera, decodes, facility, main, wait_for, watch_for

CLIPS = {"on": ["face.appeared"], "pre_roll": "2s", "post_roll": "2s", "longest": "15s", "ring_bytes": "16MiB"}


class FirstLight(Case):
    def test_a_face_comes_and_goes_and_its_clip_plays_for_each_codec(self):
        codecs = ("h264", "h265", "mjpeg")
        sim = self.simulator(*(f"name={codec},scene=walk,codec={codec},period=14,visible=6,offset=5" for codec in codecs))
        gateway = self.gateway([facility("f1", [camera(codec, sim.url(codec), record="main", clips=CLIPS, zones=[{"zone": "lobby"}])
                                                for codec in codecs], ["lobby"])], sources_per_worker=3)
        feed = gateway.subscriber
        for codec in codecs:
            with self.subTest(codec=codec):
                start = feed.wait(60 * PATIENCE, type="face.appeared", camera=codec)
                self.assertEqual(start.data["zone"], "lobby")
                self.assertEqual(start.data["clip"]["status"], "pending")
                end = feed.wait(40 * PATIENCE, type="face.left", subject=start.subject)
                self.assertEqual(end.data["end_reason"], "left")
                done = feed.wait(40 * PATIENCE, type="clip.updated", subject=start.subject, clip=lambda clip: clip["status"] != "pending")
                self.assertEqual(done.data["clip"]["status"], "complete", done.data)
                self.check_clip(gateway, start, done.data["clip"])
        self.stop(gateway)

    def check_clip(self, gateway, start, clip):
        folder = gateway.data / "clips"
        self.assertEqual(sum((folder / path).stat().st_size for path in clip["path"]), clip["bytes"])
        sidecar = json.loads((folder / clip["path"][0]).with_suffix(".json").read_text())
        self.assertEqual((sidecar["format"], sidecar["version"]), ("kanhu.clip", 1))
        frames = sidecar["frames"]
        self.assertGreater(len(frames), 10)
        self.assertEqual(frames[0][4], 1, "begins with a key frame")
        pts = [frame[1] for frame in frames]  # no B-frames here: file order is shown order
        self.assertEqual(pts, sorted(set(pts)))
        self.assertTrue(80_000 < (pts[-1] - pts[0]) / (len(pts) - 1) < 200_000, "about 10 frames a second")
        # Two clocks: arrival on this machine, which comes late and in bunches when it is busy, and the camera's own once its
        # sender reports have come.
        arrived = [frame[2] for frame in frames]
        self.assertEqual(arrived, sorted(arrived), "each frame has its arrival")
        reported = [(frame[3], frame[1]) for frame in frames if frame[3]]
        self.assertEqual(reported, sorted(set(reported)), "the camera's times rise")
        if len(reported) > 1:
            spans = [last - first for first, last in zip(reported[0], reported[-1])]
            self.assertLess(abs(spans[0] - spans[1]), 500_000, "the camera's times keep pace with pts")
        self.assertLessEqual(clip["start"], start.time)
        self.assertGreaterEqual(clip["end"], start.time)
        self.assertTrue(decodes(folder / clip["path"][0], sidecar["codec"]))
        self.assertFalse(list(pathlib.Path(folder).rglob(f"{clip['id']}.times")), "the times log is gone")

    def test_infrared_presence_begins_and_ends_and_nothing_of_it_is_recorded(self):
        sim = self.simulator("name=rest,scene=thermal,period=18,visible=6,offset=8")
        gateway = self.gateway([facility("f1", [camera("rest", sim.url("rest"), detector={"name": "thermal-blob", "fps": 5},
                                                        zones=[{"zone": "rest"}])], ["rest"])])
        feed = gateway.subscriber
        start = feed.wait(60 * PATIENCE, type="presence.started", camera="rest")
        self.assertEqual((start.data["state"], start.data["count"], start.data["zone"]), ("present", 1, "rest"))
        self.assertNotIn("clip", start.data)
        state = gateway.state()
        if not feed.find(type="presence.ended"):
            self.assertIn(start.subject, [incident["subject"] for incident in state["incidents"]])
        end = feed.wait(40 * PATIENCE, type="presence.ended", subject=start.subject)
        self.assertEqual((end.data["end_reason"], end.data["state"]), ("left", "absent"))
        wait_for(lambda: [p["state"] for p in gateway.state()["presences"]] == ["absent"], 10, "state says absent")
        self.stop(gateway)
        self.assertEqual(list((gateway.data / "clips").rglob("*.mp4")), [])

    def test_scenes_without_people_raise_neither_face_nor_presence(self):
        visible = ("empty", "empty-noisy", "ir-cut", "lamp", "exposure")
        heat = ("empty", "empty-noisy")
        sim = self.simulator(*(f"name={scene},scene={scene}" for scene in visible), "name=cold,scene=thermal,person=out")
        cameras = [camera(scene, sim.url(scene), zones=[{"zone": "room"}]) for scene in visible]
        cameras += [camera(f"heat-{scene}", sim.url(scene), detector={"name": "thermal-blob", "fps": 5}, zones=[{"zone": "room"}])
                    for scene in heat]
        cameras.append(camera("heat-cold", sim.url("cold"), detector={"name": "thermal-blob", "fps": 5}, zones=[{"zone": "room"}]))
        gateway = self.gateway([facility("f1", cameras, ["room"])], sources_per_worker=8)
        gateway.wait_up(*(one["id"] for one in cameras), deadline=60)
        watch_for(25)
        feed = gateway.subscriber
        self.assertEqual(feed.find(type=("face.appeared", "presence.started", "camera.offline")), [])
        for one in cameras:
            self.assertGreater(gateway.counters(one["id"])["frames_analysed"], 20, one["id"])
        states = {(presence["source"], presence["state"]) for presence in gateway.state()["presences"] if presence["source"].startswith("heat")}
        self.assertEqual(states, {("heat-empty", "absent"), ("heat-empty-noisy", "absent"), ("heat-cold", "absent")})
        self.stop(gateway)

    def test_answers_heads_and_heartbeats_are_as_documented(self):
        sim = self.simulator("name=a,scene=empty")
        gateway = self.gateway([facility("f1", [camera("a", sim.url("a"))]), facility("f2", [camera("b", sim.url("nobody"))])])
        feed = gateway.subscriber
        gateway.wait_up("a")
        state = gateway.state()
        self.assertEqual([one["id"] for one in state["facilities"]], ["f1", "f2"])
        self.assertEqual(set(state["cameras"]), {"a", "b"}, "the roster has those never connected")
        offline = feed.wait(30 * PATIENCE, type="camera.offline", camera="b")
        self.assertEqual(offline.data["cause"], "not_found")
        wait_for(lambda: gateway.camera_state("b") == "offline", 10, "b is offline in the state")
        info = gateway.info()
        self.assertEqual(info["gateway"]["pid"], gateway.pid)
        self.assertEqual(info["journal"]["epoch"], feed.epochs[0])
        for request, kind in ((b"no json", "corrupt"), (b'[1]', "invalid_argument"), (b'{"v":2,"request":"state"}', "unsupported"),
                              (b'{"v":1,"request":"nothing"}', "unsupported")):
            answer = gateway.ask(request)
            self.assertEqual((answer["ok"], answer["error"]["kind"]), (False, kind), answer)
        wait_for(lambda: {"f1", "f2", "-", "heartbeat"} <= set(feed.heads), 10, f"a head for each stream: {feed.heads.keys()}")
        wait_for(lambda: feed.last_head["heartbeat"]["cameras_up"] == 1, 5, "heartbeats say one camera is up")
        self.assertIsNone(feed.last_head["f1"]["previous"])
        self.stop(gateway)


if __name__ == "__main__":
    main()
