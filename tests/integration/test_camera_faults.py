# SPDX-License-Identifier: MIT
"""Cameras that misbehave in every way we know: each fault is told once, by name, in time, and nothing else is hurt."""
import datetime
import socket
import time

from fake_cameras import FakeCamera, noise, refuses_everybody, silence, text_file
from harness import CANARY, PATIENCE, Case, camera, facility, main, wait_for, watch_for

OFFLINE_WITHIN = 10  # s after the last packet
THERMAL = {"name": "thermal-blob", "fps": 5}


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class CameraFaults(Case):
    def assert_offline_in_time(self, gateway, name, since, causes):
        event = gateway.subscriber.wait(OFFLINE_WITHIN * PATIENCE + 5, type="camera.offline", camera=name, since=since)
        self.assertIn(event.data["cause"], causes)
        self.assertLessEqual(seconds(event.time) - seconds(event.data["last_packet"]), OFFLINE_WITHIN)
        return event

    def presences(self, gateway):
        """Of the room by camera, without what they say together."""
        return {presence["source"]: presence["state"] for presence in gateway.state()["presences"]
                if presence.get("zone") == "room" and presence["source"] != "-"}

    def test_a_pulled_cable_and_a_stall_are_told_once_and_the_return_raises_nothing(self):
        sim = self.simulator("name=hall,person=out", "name=warm,scene=thermal,person=in", "name=cold,scene=thermal,person=out",
                             "name=still,person=out", "name=spare,person=out")
        cameras = [camera("hall", sim.url("hall"), zones=[{"zone": "room"}]), camera("still", sim.url("still"), detector={"name": "none"})]
        cameras += [camera(name, sim.url(name), detector=THERMAL, zones=[{"zone": "room"}]) for name in ("warm", "cold")]
        # A neighbour each, so that the site as a whole is never lost.
        cameras += [camera(f"spare{i}", sim.url("spare"), detector={"name": "none"}) for i in range(5)]
        gateway = self.gateway([facility("f1", cameras, ["room"])], sources_per_worker=9)
        feed = gateway.subscriber
        sim.tell("person warm out")  # the infrared background is learned of an empty room
        gateway.wait_up("hall", "warm", "cold", "still")
        empty = {"hall": "unknown", "warm": "absent", "cold": "absent"}  # the hall's camera looks for faces: it cannot tell
        wait_for(lambda: self.presences(gateway) == empty, 30, "nobody there")
        wait_for(lambda: [one["reason"] for one in gateway.state()["presences"] if one["source"] == "hall"] == ["no_face"], 30, "no face")
        sim.tell("person warm in")
        start = feed.wait(20 * PATIENCE, type="presence.started", camera="warm")
        feed.wait(20 * PATIENCE, type="presence.started", camera="-")
        since = feed.mark()
        for name in ("hall", "warm", "cold"):
            sim.tell(f"drop {name}")
        sim.tell("stall still")
        offline = {name: self.assert_offline_in_time(gateway, name, since, ("end_of_stream", "closed", "io", "refused", "transport", "stalled"))
                   for name in ("hall", "warm", "cold")}
        offline["still"] = self.assert_offline_in_time(gateway, "still", since, ("stalled",))
        lost = feed.wait(5 * PATIENCE, type="presence.updated", camera="warm", since=since)
        self.assertEqual((lost.subject, lost.data["state"], lost.data["reason"]), (start.subject, "unknown", "camera_offline"))
        feed.wait(5 * PATIENCE, type="presence.unknown", camera="cold", since=since, reason="camera_offline")
        state = gateway.state()
        for name in offline:
            self.assertEqual(state["cameras"][name]["state"], "offline")
        self.assertEqual(self.presences(gateway), dict.fromkeys(("hall", "warm", "cold"), "unknown"))

        back = feed.mark()
        for name in ("hall", "warm", "cold"):
            sim.tell(f"restore {name}")
        sim.tell("resume still")
        for name, event in offline.items():
            online = feed.wait(90 * PATIENCE, type="camera.online", camera=name, since=back)
            self.assertEqual((online.phase, online.subject, online.data["end_reason"]), ("end", event.subject, "recovered"))
        known = feed.wait(20 * PATIENCE, type="presence.updated", camera="warm", state="present", since=back)
        self.assertEqual(known.subject, start.subject, "the same stay goes on")
        feed.wait(20 * PATIENCE, type="presence.absent", camera="cold", since=back)
        self.assertEqual(feed.find(type="presence.absent", camera="hall"), [])
        self.assertEqual(feed.find(type=("presence.started", "face.appeared", "presence.ended"), since=since), [])
        for name in offline:
            self.assertEqual(len(feed.find(type="camera.offline", phase="start", camera=name)), 1, name)
        self.assertEqual(feed.find(type=("gateway.worker_restarted", "site.offline")), [])
        self.stop(gateway)

    def test_half_a_site_lost_is_one_alarm_that_each_camera_names(self):
        sim = self.simulator("name=a,person=out", "name=b,person=out", "name=c,person=out", "name=d,person=out")
        none = {"name": "none"}
        gateway = self.gateway([facility("f1", [camera(name, sim.url(name), detector=none) for name in "abcd"])])
        feed = gateway.subscriber
        gateway.wait_up(*"abcd")
        for name in "abc":
            sim.tell(f"drop {name}")
        site = feed.wait(15 * PATIENCE, type="site.offline", phase="start")
        self.assertEqual((site.data["of"], site.data["severity"]), (4, "alarm"))
        self.assertGreaterEqual(site.data["count"], 2)
        for name in "abc":
            feed.wait(10 * PATIENCE, type="camera.offline", camera=name, cause_subject=site.subject)
        self.assertEqual(feed.find(type="camera.offline", camera="d"), [])
        for name in "abc":
            sim.tell(f"restore {name}")
        end = feed.wait(60 * PATIENCE, type="site.offline", phase="end")
        self.assertEqual((end.subject, end.data["end_reason"]), (site.subject, "recovered"))
        self.assertEqual(len(feed.find(type="site.offline")), 2)
        self.stop(gateway)

    def test_a_frozen_and_a_black_picture_are_told_and_sizes_and_codecs_may_change(self):
        sim = self.simulator("name=frozen,scene=crowd", "name=black,person=out", "name=size,person=out", "name=codec,person=out",
                             "name=corrupt,scene=crowd", "name=corrupt5,codec=h265,scene=crowd")
        quick = {"stall_after": "4s", "freeze_after": "12s", "dark_after": "2s"}
        frozen = camera("frozen", sim.url("frozen"), health=quick)
        others = [camera(name, sim.url(name), health={**quick, "freeze_after": "60s"}) for name in ("black", "size", "codec")]
        others += [camera(name, sim.url(name), record="main") for name in ("corrupt", "corrupt5")]
        gateway = self.gateway([facility("f1", [frozen, *others])], sources_per_worker=6)
        feed = gateway.subscriber
        gateway.wait_up("frozen", "black", "size", "codec", "corrupt", "corrupt5")
        workers = gateway.children()
        for command in ("freeze frozen", "black black", "size size 320x184", "codec codec h265", "corrupt corrupt 0.001",
                        "corrupt corrupt5 0.001"):
            sim.tell(command)
        dark = feed.wait(30 * PATIENCE, type="camera.dark", camera="black", phase="start")
        wait_for(lambda: gateway.counters("size").get("width") == 320, 30, "the new size")
        wait_for(lambda: gateway.counters("codec").get("codec") == "h265", 60, "the new codec")
        still = feed.wait(90 * PATIENCE, type="camera.frozen", camera="frozen", phase="start")
        sim.tell("unfreeze frozen")
        sim.tell("unblack black")
        feed.wait(20 * PATIENCE, subject=still.subject, phase="end", end_reason="recovered")
        feed.wait(20 * PATIENCE, subject=dark.subject, phase="end", end_reason="recovered")
        for name in ("size", "codec", "corrupt", "corrupt5"):
            before = gateway.counters(name)["frames_analysed"]
            wait_for(lambda: gateway.counters(name)["frames_analysed"] >= before + 5, 60, f"{name} goes on: {gateway.counters(name)}")
        self.assertEqual(feed.find(type=("presence.started", "face.appeared"), camera=("black", "size", "codec")), [])
        self.assertEqual(feed.find(type="camera.offline", camera="size"), [])
        self.assertEqual(gateway.children(), workers, "nobody died of it")
        self.assertEqual(feed.find(type="gateway.worker_restarted"), [])
        self.stop(gateway)

    def test_what_is_no_camera_is_named_for_what_it_is_and_hurts_nobody(self):
        fakes = {name: FakeCamera(talk) for name, talk in (("text", text_file), ("noise", noise), ("silent", silence),
                                                           ("refuses", refuses_everybody))}
        for fake in fakes.values():
            self.addCleanup(fake.close)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobody = f"rtsp://127.0.0.1:{closed.getsockname()[1]}/stream"
        self.secret("wrong", "viewer", CANARY)
        sim = self.simulator("name=good,person=out", "name=busy,person=out", "name=locked,person=out,user=viewer,password=right")
        sim.tell("status453 busy on")
        cameras = [camera(name, fake.url, detector={"name": "none"}, credential="wrong") for name, fake in fakes.items()]
        cameras += [camera("dead", nobody), camera("good", sim.url("good")), camera("busy", sim.url("busy")),
                    camera("path", sim.url("no-such-path")), camera("locked", sim.url("locked"), credential="wrong"),
                    camera("nameless", "rtsp://no-such-host.invalid/stream")]
        gateway = self.gateway([facility("f1", cameras)], sources_per_worker=10)
        feed = gateway.subscriber
        expected = {"dead": {"refused"}, "busy": {"no_bandwidth"}, "path": {"not_found"}, "locked": {"unauthorized"}, "refuses": {"unauthorized"},
                    "nameless": {"name_resolution"}, "silent": {"timeout"}, "text": None, "noise": None}
        for name, causes in expected.items():
            event = feed.wait(45 * PATIENCE, type="camera.offline", camera=name)
            cause = event.data["cause"]
            print(f"  {name}: {cause}: {event.data['words']}")
            if causes and name != "nameless":
                self.assertIn(cause, causes, event.data)
            self.assertNotIn(CANARY, event.raw.decode())
        gateway.wait_up("good")
        requests = fakes["refuses"].requests
        wait_for(lambda: [one for one in requests if "\nAuthorization:" in one], 10, "the password was tried")
        tried = len(requests)
        watch_for(12)  # an ordinary fault is tried again within 1, 2, 4 ... s
        self.assertEqual(len(requests), tried, "a wrong password is not tried again within a minute")
        self.assertEqual(len(fakes["refuses"].connections), 1)
        self.assertLessEqual(len([one for one in requests if "\nAuthorization:" in one]), 1, requests)
        row = gateway.state()["cameras"]["locked"]
        self.assertEqual((row["state"], row["cause"]), ("offline", "unauthorized"))
        self.assertTrue(row["words"])
        self.assertGreater(len(fakes["text"].connections), 1, "an ordinary fault is tried again")
        self.assertEqual(gateway.camera_state("good"), "up")
        self.assertEqual(feed.find(type="gateway.worker_restarted"), [])
        sim.tell("status453 busy off")
        feed.wait(60 * PATIENCE, type="camera.online", camera="busy", phase="end")
        begun = time.monotonic()
        self.stop(gateway)
        self.assertLess(time.monotonic() - begun, 15 * PATIENCE, "an open connection attempt does not hold the end up")


if __name__ == "__main__":
    main()
