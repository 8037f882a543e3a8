"""The clients that people copy: each follows a real gateway that is killed again and again, and misses nothing."""
import json
import os
import pathlib
import subprocess
import sys
import threading

import history
from canonical import canonical
from harness import ROOT, Case, camera, config_of, facility, main, wait_for

sys.path.insert(0, str(ROOT / "clients/python"))
import kanhu_subscriber  # noqa: E402

FOLLOW = os.environ.get("KANHU_FOLLOW_BIN", str(ROOT / "build/release/tests/integration/kanhu-follow"))


class Follower(threading.Thread):
    """Collects (epoch, seq, payload) of each event, and the gaps."""

    def __init__(self):
        super().__init__(daemon=True)
        self.events, self.gaps, self.problem = [], [], None
        self.go_on = threading.Event()
        self.go_on.set()
        self.start()

    def run(self):
        try:
            self.follow()
        except Exception as problem:  # noqa: BLE001 - told by the test
            self.problem = problem

    def ids(self):
        return [event[:2] for event in self.events]


class PythonFollower(Follower):
    def __init__(self, live, query, after=None, facilities=None):
        self.subscriber = kanhu_subscriber.Subscriber(live, query, facilities=facilities, after=after)
        super().__init__()

    def follow(self):
        for item in self.subscriber:
            self.go_on.wait()
            if isinstance(item, kanhu_subscriber.Event):
                self.events.append((item.epoch, item.seq, item.payload))
            else:
                self.gaps.append(item)

    def end(self):
        self.go_on.set()
        self.subscriber.stop()
        self.join(30)


class CppFollower(Follower):
    def __init__(self, live, query, after=None, facilities=None):
        place = after if after in (None, "oldest") else ":".join(map(str, after))
        self.process = subprocess.Popen([FOLLOW, live, query, place or "now", *(facilities or [])], stdout=subprocess.PIPE, text=True)
        super().__init__()

    def follow(self):
        for line in self.process.stdout:
            self.go_on.wait()
            item = json.loads(line)
            if "gap" in item:
                self.gaps.append(item["gap"])
            else:
                self.events.append((item["epoch"], item["seq"], item["payload"]))

    def end(self):
        self.go_on.set()
        self.process.terminate()
        self.process.wait(10)
        self.join(30)
        self.process.stdout.close()


def history_of(follower, begins, streams):
    """For the checker, up to what had come when the follower was ended."""
    client = history.Client(type(follower).__name__, streams and frozenset(streams), begins, "received")
    for epoch, seq, payload in follower.events:
        client.event(epoch, seq, payload["source"].split("/")[4], None, history.digest(canonical(payload).encode()), durable=None)
    for gap in follower.gaps:
        client.gap(**gap if isinstance(gap, dict) else vars(gap))
    return client


class Clients(Case):
    def test_every_event_comes_once_and_in_order_although_the_gateway_is_killed(self):
        for kind in (PythonFollower, CppFollower):
            with self.subTest(kind.__name__):
                self.folder = self.folder / kind.__name__
                self.folder.mkdir()
                self.follow_a_gateway_that_is_killed(kind)

    def follow_a_gateway_that_is_killed(self, kind):
        sim = self.simulator("name=walk,period=6,visible=4,offset=1", "name=heat,scene=thermal,period=9,visible=5,offset=3")
        cameras = [camera("walk", sim.url("walk")), camera("heat", sim.url("heat"), detector={"name": "thermal-blob", "fps": 5})]
        config = config_of(self.folder, [facility("f1", cameras[:1]), facility("f2", cameras[1:])])
        live, query = f"ipc://{self.folder}/live", f"ipc://{self.folder}/query"
        config["publish"].update(live=live, query=query)
        whole, one = kind(live, query, after="oldest"), kind(live, query, facilities=["f1"], after="oldest")
        from_now = kind(live, query)
        kills = 4
        for number in range(kills + 1):
            gateway = self.gateway(None, config=config, subscribe=False, name=f"gateway{number}")
            so_far = len(whole.events)
            if number == 2:  # one that does not read for a while
                whole.go_on.clear()
                wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= 8, 40, "events")
                whole.go_on.set()
            wait_for(lambda: len(whole.events) > so_far + 5, 40, f"events of {gateway.name}; {whole.problem}")
            if number < kills:
                self.processes.remove(gateway)
                gateway.kill9()
        middle = whole.ids()[len(whole.events) // 2]
        late = kind(live, query, after=middle)
        followers = (whole, one, from_now, late)
        epoch = gateway.info()["journal"]["epoch"]
        wait_for(lambda: all(f.ids() and f.ids()[-1][0] == epoch for f in followers), 40, f"all are there; {[f.problem for f in followers]}")
        newest = whole.ids()[-1]
        wait_for(lambda: late.ids()[-1] >= newest or late.ids()[-1][1] >= newest[1], 20, "the late one is there")
        for follower in followers:
            follower.end()
        self.assertEqual(gateway.end(), 0)
        self.processes.remove(gateway)

        self.assertEqual([f.problem for f in followers], [None] * 4)
        journal = history.Journal.read(pathlib.Path(config["gateway"]["data_dir"]) / "journal", closed=True)
        report = history.check(journal, [history_of(follower, begins, streams) for follower, begins, streams in (
            (whole, "oldest", None), (one, "oldest", ["f1"]), (late, middle, None), (from_now, "now", None))])
        self.assertFalse(report.violations or report.counts["gaps"], report)
        self.assertEqual(len({epoch for epoch, _ in whole.ids()}), kills + 1)


if __name__ == "__main__":
    main()
