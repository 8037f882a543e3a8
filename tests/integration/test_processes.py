# SPDX-License-Identifier: MIT
"""Processes that die, hang and crash: only their own cameras pay, for seconds; and what a subscriber saw stays true."""
import os
import pathlib
import signal
import time

import history
import journal_reader
from harness import KANHU, PATIENCE, Case, Process, camera, config_of, facility, main, wait_for
from subscriber import Subscriber

NONE = {"name": "none"}
CLIPS = {"on": ["face.appeared"], "pre_roll": "2s", "post_roll": "2s", "longest": "20s", "ring_bytes": "16MiB"}
BACK_WITHIN = 5  # s, as promised; silence takes 4 s more to be seen


class Workers(Case):
    def frames(self, gateway, name):
        return gateway.counters(name).get("frames_decoded", 0)

    def check_confined(self, pid, gateway):
        proc = pathlib.Path(f"/proc/{pid}")
        # Each thread has its own sandbox: one that a library started too early would reach all that the gateway's user can.
        threads = list((proc / "task").iterdir())
        self.assertGreater(len(threads), 3)
        for thread in threads:
            try:
                status, name = (thread / "status").read_text(), (thread / "comm").read_text().strip()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended
            self.assertIn("NoNewPrivs:\t1", status, f"thread {name} was started before the sandbox")
        held = [os.readlink(link) for link in (proc / "fd").iterdir()]
        self.assertEqual([path for path in held if path.startswith(str(gateway.data)) and path != f"{gateway.data}/lock.workers"], [])
        self.assertNotIn("not confined", gateway.log.read_text(errors="replace"))
        print(f"  sandbox: {gateway.info()['gateway']['sandbox']}")

    def test_a_worker_that_dies_crashes_or_hangs_costs_only_its_own_cameras(self):
        sim = self.simulator("name=a,scene=thermal,person=out", "name=b,person=out")
        cameras = [camera("a", sim.url("a"), detector={"name": "thermal-blob", "fps": 5}, zones=[{"zone": "room"}]), camera("b", sim.url("b"))]
        gateway = self.gateway([facility("f1", cameras, ["room"])], sources_per_worker=1)
        feed = gateway.subscriber
        gateway.wait_up("a", "b")
        wait_for(lambda: feed.find(type="presence.absent", camera="a"), 20, "nobody there")
        view = gateway.info()["workers"]
        self.assertEqual(len(view), 2)
        self.check_confined(view[0]["pid"], gateway)
        other = view[1]["pid"]
        all_begun, before = time.monotonic(), self.frames(gateway, "b")
        for number, (how, extra) in enumerate(((signal.SIGKILL, 0), (signal.SIGSEGV, 0), (signal.SIGSTOP, 6)), 1):
            with self.subTest(how=how.name):
                since = feed.mark()
                begun = time.monotonic()
                os.kill(gateway.worker_of(0), how)
                told = feed.wait((5 + extra) * PATIENCE, type="gateway.worker_restarted", since=since)
                self.assertEqual(told.data["sources"], ["a"])
                self.assertEqual(told.data["count"], 1)
                unknown = feed.wait(5 * PATIENCE, type="presence.unknown", camera="a", since=since)
                self.assertEqual(unknown.data["reason"], "not_analysed")
                wait_for(lambda: gateway.info()["workers"][0]["restarts"] == number, 15, "the restart is counted")
                wait_for(lambda: gateway.camera_state("a") == "up", 15 + extra, "camera a is up again")
                took = time.monotonic() - begun
                print(f"  {how.name}: told after {told.received - begun:.1f} s, up after {took:.1f} s")
                feed.wait(20 * PATIENCE, type="presence.absent", camera="a", since=since)
        # 10 a second are sent; counters come once a second.
        self.assertGreater(self.frames(gateway, "b") - before, 5 * (time.monotonic() - all_begun - 2), "the other worker's frames flow on")
        self.assertEqual(gateway.info()["workers"][1]["pid"], other)
        self.assertEqual(gateway.info()["workers"][1]["restarts"], 0)
        self.assertEqual(feed.find(type=("presence.started", "face.appeared")), [])
        offline = feed.find(type="camera.offline")
        self.assertEqual([event for event in offline if event.data["cause"] != "worker_lost"], [])
        if offline:
            print(f"  slow: camera.offline (worker_lost) was raised, the worker was not back in {BACK_WITHIN} s")
        self.assertEqual(feed.find(type="camera.offline", camera="b"), [])
        self.stop(gateway)

    def test_the_camera_that_kills_its_worker_again_and_again_is_set_apart_and_its_neighbours_go_on(self):
        sim = self.simulator("name=a,person=out", "name=b,person=out", "name=c,person=out")
        gateway = self.gateway([facility("f1", [camera(name, sim.url(name), detector=NONE) for name in "abc"])], sources_per_worker=4)
        feed = gateway.subscriber
        gateway.wait_up("a", "b", "c")
        for number in (1, 2):
            os.kill(gateway.worker_of(0), signal.SIGSEGV)
            wait_for(lambda: len(feed.find(type="gateway.worker_restarted")) == number, 15, "the death is told")
            wait_for(lambda: gateway.info()["workers"][0]["restarts"] == number and gateway.info()["workers"][0]["running"], 15, "it is back")
        # One a process, beside the shared one that has none.
        wait_for(lambda: len([worker for worker in gateway.info()["workers"] if worker["running"]]) == 4, 15, "each runs by itself")
        gateway.wait_up("a", "b", "c")
        os.kill(gateway.worker_of(2), signal.SIGSEGV)
        offline = feed.wait(20 * PATIENCE, type="camera.offline", cause="quarantined")
        self.assertIn("killed by signal 11", offline.data["words"])
        culprit = offline.data["camera"]["id"]
        others = [name for name in "abc" if name != culprit]
        gateway.wait_up(*others)
        told = feed.find(type="gateway.worker_restarted")
        self.assertEqual([event.data["count"] for event in told], [3, 3, 1])
        self.assertEqual(told[-1].data["sources"], [culprit])
        self.assertEqual(gateway.camera_state(culprit), "offline")
        self.assertIn("set apart", gateway.state()["cameras"][culprit]["words"])
        self.stop(gateway)

    def test_a_clip_whose_worker_dies_is_settled(self):
        sim = self.simulator("name=a,period=60,visible=50,offset=4")
        gateway = self.gateway([facility("f1", [camera("a", sim.url("a"), record="main", clips=CLIPS)])], sources_per_worker=1)
        feed = gateway.subscriber
        start = feed.wait(60 * PATIENCE, type="face.appeared")
        # The clip is being written: its times log is there.
        wait_for(lambda: list((gateway.data / "clips").rglob("*.times")), 20, "a clip is written")
        os.kill(gateway.worker_of(0), signal.SIGKILL)
        left = feed.wait(30 * PATIENCE, subject=start.subject, phase="end")
        self.assertEqual(left.data["end_reason"], "worker_restarted")
        done = feed.wait(40 * PATIENCE, type="clip.updated", subject=start.subject, clip=lambda clip: clip["status"] != "pending")
        self.assertIn(done.data["clip"]["status"], ("partial", "missing", "complete"))
        self.stop(gateway)


class GatewayDies(Case):
    def test_nothing_is_lost_or_repeated_when_the_gateway_is_killed_again_and_again(self):
        sim = self.simulator("name=walk,period=6,visible=4,offset=1", "name=heat,scene=thermal,period=9,visible=5,offset=3", "name=crowd,scene=crowd")
        cameras = [camera("walk", sim.url("walk"), record="main", clips=CLIPS), camera("crowd", sim.url("crowd"), record="main", clips=CLIPS),
                   camera("heat", sim.url("heat"), detector={"name": "thermal-blob", "fps": 5}),
                   camera("dead", sim.url("no-such-path"), detector=NONE)]
        config = config_of(self.folder, [facility("f1", cameras[:2]), facility("f2", cameras[2:])], sources_per_worker=2)
        live = f"ipc://{self.folder}/live"
        config["publish"]["live"] = live
        feed = Subscriber(live)  # connects before there is anything, and again after each kill
        self.subscribers.append(feed)
        kills, pids = 4, set()
        for number in range(kills):
            since = feed.mark()
            gateway = self.gateway(None, config=config, subscribe=feed, name=f"gateway{number}")
            self.processes.remove(gateway)
            feed.wait(60 * PATIENCE, type="face.appeared", since=since)
            wait_for(lambda: len(feed.find(since=since)) >= 8 + 2 * number, 60, "a few events more")
            pids |= set(gateway.children())
            gateway.kill9()
        gateway = self.gateway(None, config=config, subscribe=feed, name="gateway-last")
        wait_for(lambda: feed.last_head.get("f1", {}).get("epoch") == gateway.info()["journal"]["epoch"], 10, "the new epoch's heads")
        wait_for(lambda: not [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists()], 20, "workers of dead gateways are gone")
        feed.wait(60 * PATIENCE, type="camera.online", camera="walk", since=since)
        self.stop_after_crashes(gateway, feed, kills)

    def stop_after_crashes(self, gateway, feed, kills):
        self.assertEqual(gateway.end(), 0)
        wait_for(lambda: feed.find(type="gateway.stopped", end_reason="gateway_stopped"), 5, "gateway.stopped is heard")
        feed.close()
        self.assertEqual(feed.complaints, [])

        # The journal, read from docs/journal.md alone, is the union: gapless, chained, each epoch knows the one before.
        records = journal_reader.read_journal(gateway.data / "journal")
        self.assertEqual(history.Journal(records, closed=True).violations, [])
        self.assertEqual(len([record for record in records if record.kind == journal_reader.EPOCH]), kills + 1)
        events = {f"{record.epoch}:{record.seq}": record for record in records if record.kind == journal_reader.EVENT}
        for event in feed.events:
            self.assertIn(event.id, events, f"seen and not in the journal: {event}")
            self.assertEqual(event.raw, events[event.id].body, "seen otherwise than it was written")
        # What a subscriber reckons to have missed is what the journal holds and it did not see.
        seen = {(event.facility, event.header["epoch"], event.header["stream_seq"]) for event in feed.events}
        reckoned = {(stream, epoch, number) for stream, epoch, first, last in feed.missed for number in range(first, last + 1)}
        unseen = {(record.stream, record.epoch, record.stream_seq) for record in events.values()} - seen
        unseen = {(stream, epoch, number) for stream, epoch, number in unseen if epoch != feed.bases[stream][0] or number > feed.bases[stream][1]}
        self.assertEqual(unseen - reckoned, set(), "missed without a way to know")
        self.assertEqual(reckoned & seen, set(), "said to be missed, yet seen")

        everything = Feed(record.body for record in events.values())
        open_, complaints = everything.open_incidents()
        self.assertEqual((list(open_.values()), complaints), ([], []))
        ended = [event for event in everything.events if event.data.get("end_reason") == "gateway_restarted"]
        self.assertTrue([event for event in ended if event.type == "gateway.started"])
        self.assertTrue([event for event in ended if event.type in ("face.appeared", "presence.started", "camera.offline")])
        latest, flagged = {}, set()
        for event in everything.events:
            clip = event.data.get("clip", {})
            if "id" in clip:
                latest[clip["id"]] = clip
                flagged.add(clip["id"])
        self.assertTrue(flagged)
        self.assertEqual({name: clip for name, clip in latest.items() if clip["status"] == "pending"}, {}, "every clip is settled")
        for clip in latest.values():
            for path in clip.get("path", []):
                self.assertTrue((gateway.data / "clips" / path).is_file(), path)
        listed = {path.stem for path in (gateway.data / "clips").rglob("*.json")}
        self.assertEqual(listed - flagged, set(), "no clip without its event")
        self.assertEqual(list((gateway.data / "clips").rglob("*.times")), [])
        self.kanhu("clips", "--dir", gateway.data / "clips", "--verify")

    def test_a_second_gateway_on_the_same_folder_is_refused(self):
        gateway = self.gateway([facility("f1", [camera("a", "rtsp://127.0.0.1:1/a", enabled=False)])])
        second = Process("second", [KANHU, "run", "--config", str(gateway.path)], self.folder)
        self.processes.append(second)
        wait_for(lambda: not second.alive(), 30, "the second one ends")
        self.assertEqual(second.end(), 75)
        self.assertIn("another gateway uses", second.log.read_text())
        self.assertTrue(gateway.alive())
        gateway.state()
        self.stop(gateway)


class Feed(Subscriber):
    """Event bodies of a journal as if they had been received."""

    def __init__(self, bodies):
        from subscriber import Event
        self.events = [Event({}, body) for body in bodies]


if __name__ == "__main__":
    main()
