# SPDX-License-Identifier: MIT
"""A full disk under a running gateway: cameras stay watched, alarms become durable in the reserve, and with space again all is there.

The disk is a small tmpfs, mounted where that is permitted; else the test is skipped."""
import collections
import json
import os
import pathlib
import subprocess
import tempfile

import history
import journal_reader
import zmq
from harness import PATIENCE, Case, camera, config_of, facility, main, wait_for

MIB = 1 << 20
NONE = {"name": "none"}


class Commits:
    """The ids that `commit` messages confirm, of a socket of its own."""

    def __init__(self, endpoint):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt_string(zmq.SUBSCRIBE, "kanhu1/")
        self.socket.connect(endpoint)
        self.ids = collections.Counter()

    def take(self):
        while self.socket.poll(0):
            topic, _header, payload = self.socket.recv_multipart()
            if topic.endswith(b"/commit/"):
                self.ids[json.loads(payload)["id"]] += 1
        return self.ids

    def close(self):
        self.take()
        self.socket.close()
        self.context.term()


class DiskFull(Case):
    def setUp(self):
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="kanhu-disk-"))
        super().setUp()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={24 * MIB}", "none", str(self.disk)], capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"a tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")

    def _clean(self):
        super()._clean()
        subprocess.run(["umount", str(self.disk)], capture_output=True, check=False)
        self.disk.rmdir()

    def configuration(self, sim, **journal):
        cameras = [camera(name, sim.url(name), detector=NONE) for name in ("a", "b")]
        config = config_of(self.folder, [facility("f1", cameras)])
        config["gateway"]["data_dir"] = str(self.disk / "data")
        config["journal"] = {"segment_bytes": "1MiB", "most_bytes": "8MiB", "reserve_bytes": "2MiB", **journal}
        config["defaults"]["health"]["stall_after"] = "2s"
        return config

    def fill(self, journal):
        """Takes all that is free. What the open segment has reserved goes too, but for a little: the test need not write a MiB first."""
        segment = sorted(journal.glob("*.journal"))[-1]
        beyond = (segment.stat().st_size + 32768) // 4096 * 4096
        subprocess.run(["fallocate", "--punch-hole", "--offset", str(beyond), "--length", str(4 * MIB), str(segment)], check=True)
        descriptor = os.open(self.disk / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while True:
                os.write(descriptor, bytes(4096))
        except OSError:
            pass
        finally:
            os.close(descriptor)

    def until_undurable(self, gateway):
        """Events, until the first one goes out that the disk had no room for."""
        feed, sent = gateway.subscriber, 0
        while all(event.header["durable"] for event in feed.events):
            self.assertLess(sent, 300)
            gateway.config["facilities"][0]["name"] = f"place {sent}"
            since = feed.mark()
            gateway.reload(gateway.config)
            feed.wait(20 * PATIENCE, type="gateway.config_changed", since=since)
            sent += 1
        return next(event for event in feed.events if not event.header["durable"])

    def free(self):
        (self.disk / "ballast").unlink()

    def test_a_full_disk_and_space_again(self):
        sim = self.simulator("name=a", "name=b")
        gateway = self.gateway([], config=self.configuration(sim))
        feed, commits = gateway.subscriber, Commits(gateway.endpoints["live"])
        self.addCleanup(commits.close)
        gateway.wait_up("a", "b")
        journal = gateway.data / "journal"
        self.assertTrue((journal / "reserve").exists())
        self.fill(journal)
        first_undurable = self.until_undurable(gateway)
        # Alarm: both cameras lost at once.
        since = feed.mark()
        sim.tell("drop a")
        sim.tell("drop b")
        alarm = feed.wait(40 * PATIENCE, type="site.offline", phase="start", since=since)
        self.assertTrue(alarm.header["durable"], "the alarm is in the reserve")
        self.assertTrue(feed.find(type="camera.offline", since=since))
        self.assertFalse((journal / "reserve").exists())
        sim.tell("restore a")
        sim.tell("restore b")
        end = feed.wait(60 * PATIENCE, type="site.offline", phase="end", since=since)
        self.assertTrue(end.header["durable"], "the end of the alarm too")
        self.assertEqual(end.subject, alarm.subject)
        gateway.wait_up("a", "b")
        # fetch stops in front of what is not in its place.
        head = gateway.ask({"v": 1, "request": "fetch", "max_events": 1})["head"]
        self.assertLess(head["seq"], first_undurable.header["seq"])
        self.free()
        undurable = {event.id for event in feed.events if not event.header["durable"]}
        wait_for(lambda: undurable <= set(commits.take()), 30, "all that waited is written and confirmed")
        wait_for(lambda: (journal / "reserve").exists(), 60, "the reserve is allocated again")
        self.stop(gateway)
        self.assertEqual([name for name, times in commits.take().items() if times > 1], [])
        self.assertNotIn(alarm.id, commits.ids)
        records = journal_reader.read_journal(journal)
        self.assertEqual(history.Journal(records).violations, [])
        self.assertEqual([record for record in records if record.kind == journal_reader.GAP], [])
        early = [record.seq for record in records if record.kind == journal_reader.EARLY]  # and an event now and then
        self.assertEqual(early, sorted(set(early)))
        self.assertLessEqual({alarm.header["seq"], end.header["seq"]}, set(early))
        self.assertEqual([event.id for event in feed.events if event.header["seq"] in early and not event.header["durable"]], [])
        written = {f"{record.epoch}:{record.seq}": record.body for record in records if record.kind == journal_reader.EVENT}
        for event in feed.events:
            self.assertEqual(written[event.id], event.raw, "the journal has every event as it was sent")

    def test_killed_on_a_full_disk_the_alarm_is_there(self):
        sim = self.simulator("name=a", "name=b")
        gateway = self.gateway([], config=self.configuration(sim))
        feed = gateway.subscriber
        gateway.wait_up("a", "b")
        self.fill(gateway.data / "journal")
        self.until_undurable(gateway)
        since = feed.mark()
        sim.tell("drop a")
        sim.tell("drop b")
        alarm = feed.wait(40 * PATIENCE, type="site.offline", phase="start", since=since)
        self.assertTrue(alarm.header["durable"])
        gateway.kill9()
        epoch = feed.events[0].header["epoch"]
        durable = {record.seq for record in journal_reader.read_journal(gateway.data / "journal")
                   if record.epoch == epoch and record.kind in (journal_reader.EVENT, journal_reader.EARLY)}
        # Started on a disk that has no room but for a few small files.
        os.truncate(self.disk / "ballast", (self.disk / "ballast").stat().st_size - 65536)
        again = self.gateway([], config=gateway.config, name="again")
        again.state()
        self.free()
        again.subscriber.wait(60 * PATIENCE, type="gateway.loss", events=lambda lost: lost["to"] == 0)
        losses = [event.data["events"] for event in again.subscriber.find(type="gateway.loss")]
        self.assertEqual({event.data["reason"] for event in again.subscriber.find(type="gateway.loss")}, {"never_durable"})
        for loss in losses:
            self.assertIn(loss["from"] - 1, durable)
        # Who was away is told the same, and that the gateway cannot know where its numbers ended.
        place, gaps = {"epoch": epoch, "after": min(durable)}, []
        for _page in range(100):
            page = again.ask({"v": 1, "request": "fetch", **place})
            place = page["next"]
            gaps += [(gap["from"], gap["to"]) for gap in page["gaps"] if gap["epoch"] == epoch]
            if place["epoch"] != epoch:
                break
        self.assertEqual(gaps, [(loss["from"], loss["to"]) for loss in losses])
        self.assertEqual(gaps[-1], (max(durable) + 1, 0))
        self.stop(again)
        records = journal_reader.read_journal(again.data / "journal")
        self.assertEqual(history.Journal(records).violations, [])
        # Its end is said at once, maybe before a subscription is there: it stands in the journal.
        bodies = [json.loads(record.body) for record in records if (record.kind, record.type) == (journal_reader.EVENT, "site.offline")]
        ends = [body["data"]["end_reason"] for body in bodies if body["subject"] == alarm.subject and body["data"]["phase"] == "end"]
        self.assertEqual(ends, ["gateway_restarted"])
        written = {f"{record.epoch}:{record.seq}": record.body for record in records if record.kind == journal_reader.EVENT}
        for event in feed.events:
            if event.header["durable"]:
                self.assertEqual(written[event.id], event.raw)


if __name__ == "__main__":
    main()
