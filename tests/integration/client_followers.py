# SPDX-License-Identifier: MIT
"""The clients that people copy, each behind one face: what it gave, and the place a user would have noted by now."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

import history
from canonical import canonical
from harness import ROOT

sys.path.insert(0, str(ROOT / "clients/python"))
import kanhu_subscriber  # noqa: E402

FOLLOW = os.environ.get("KANHU_FOLLOW_BIN", str(ROOT / "build/release/tests/integration/kanhu-follow"))
FOLLOWER = os.environ.get("KANHU_FOLLOWER_BIN", str(ROOT / "build/release/tests/integration/kanhu-follower"))
# Where setup/get-node-zeromq puts the npm package zeromq and what it needs.
NODE_MODULES = pathlib.Path(os.environ.get("KANHU_NODE_MODULES", ROOT / "run/node/node_modules"))


def why_no_node():
    """What is missing for a client in Node, or None."""
    if shutil.which("node") is None:
        return "node is not installed (apt-get install nodejs)"
    if not (NODE_MODULES / "zeromq/package.json").is_file():
        return f"no zeromq in {NODE_MODULES} (setup/get-node-zeromq fetches it, or set KANHU_NODE_MODULES)"
    return None


def node_folder(folder):
    """A folder of a user: the client copied into it, zeromq installed."""
    folder.mkdir(exist_ok=True)
    for name in ("kanhu_subscriber.mjs", "follow.mjs", "package.json"):
        shutil.copy(ROOT / "clients/node" / name, folder / name)
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(NODE_MODULES)
    return folder


class Follower(threading.Thread):
    """Collects (epoch, seq, payload) of each event, and the gaps; `place` is what a user would have noted by now."""

    def __init__(self):
        super().__init__(daemon=True)
        self.events, self.gaps, self.place, self.problem = [], [], None, None
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
            self.place = item.epoch, item.place
            if isinstance(item, kanhu_subscriber.Event):
                self.events.append((item.epoch, item.seq, item.payload))
            else:
                gap = vars(item)
                gap.pop("place")
                self.gaps.append(gap)

    def end(self):
        self.go_on.set()
        self.subscriber.stop()
        self.join(30)


class LineFollower(Follower):
    """A program that prints a line of JSON an item."""
    program = None

    def __init__(self, live, query, after=None, facilities=None):
        place = after if after in (None, "oldest") else ":".join(map(str, after))
        self.process = subprocess.Popen([*self.program, live, query, place or "now", *(facilities or [])], stdout=subprocess.PIPE, text=True)
        super().__init__()

    def follow(self):
        for line in self.process.stdout:
            self.go_on.wait()
            item = json.loads(line)
            epoch, seq = item["place"].split(":")
            self.place = epoch, int(seq)
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


class CppFollower(LineFollower):
    program = (FOLLOW,)


class GatewayFollower(LineFollower):
    """Of the product: pipelines/publish/client/follower.hpp."""
    program = (FOLLOWER,)


class NodeFollower(LineFollower):
    pass


def history_of(follower, begins, streams, *before):
    """For the checker, up to what had come when the follower was ended. `before`: those it took over from, each at the place the last one noted."""
    client = history.Client("taking over" if before else type(follower).__name__, streams and frozenset(streams), begins, "received", once=not before)
    for one in (*before, follower):
        for epoch, seq, payload in one.events:
            client.event(epoch, seq, payload["source"].split("/")[4], None, history.digest(canonical(payload).encode()), durable=None)
        for gap in one.gaps:
            client.gap(**gap)
    return client
