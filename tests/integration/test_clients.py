"""The clients that people copy: each follows a real gateway that is killed again and again, and misses nothing."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import history
from canonical import canonical
from harness import PATIENCE, ROOT, Case, camera, config_of, facility, main, wait_for
from stand_in import StandIn
import zmq  # behind the harness, which skips where it is missing

sys.path.insert(0, str(ROOT / "clients/python"))
import kanhu_subscriber  # noqa: E402

FOLLOW = os.environ.get("KANHU_FOLLOW_BIN", str(ROOT / "build/release/tests/integration/kanhu-follow"))
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


class NodeFollower(LineFollower):
    pass


def history_of(follower, begins, streams):
    """For the checker, up to what had come when the follower was ended."""
    client = history.Client(type(follower).__name__, streams and frozenset(streams), begins, "received")
    for epoch, seq, payload in follower.events:
        client.event(epoch, seq, payload["source"].split("/")[4], None, history.digest(canonical(payload).encode()), durable=None)
    for gap in follower.gaps:
        client.gap(**gap if isinstance(gap, dict) else vars(gap))
    return client


class Clients(Case):
    def test_what_one_stream_missed_is_fetched_although_another_has_come_further(self):
        kinds = [PythonFollower, CppFollower]
        if why_no_node():
            print(f"without the one in Node: {why_no_node()}")
        else:
            NodeFollower.program = ("node", str(node_folder(self.folder / "node") / "follow.mjs"))
            kinds.append(NodeFollower)
        for kind in kinds:
            for facilities in (None, ["f1", "f2"]):
                with self.subTest(kind=kind.__name__, facilities=facilities):
                    folder = self.folder / f"{kind.__name__}{facilities is None}"
                    folder.mkdir()
                    gateway = StandIn(folder)
                    follower = kind(gateway.live_endpoint, gateway.query_endpoint, facilities=facilities, after="oldest")
                    try:
                        for _ in facilities or [None]:
                            self.assertTrue(gateway.live.poll(int(20_000 * PATIENCE)), "it subscribes")
                            gateway.live.recv()
                        wait_for(lambda: gateway.asked, 20, "it catches up")
                        for facility in ("f1", "f2"):
                            gateway.send(gateway.write(facility))
                        wait_for(lambda: len(follower.events) == 2, 20, f"both; {follower.problem}")
                        gateway.write("f2")                    # on disk, and lost on the way
                        gateway.send(gateway.write("f1"))      # fits to what came of f1
                        wait_for(lambda: len(follower.events) >= 3, 20, f"the next of f1; {follower.problem}")
                        gateway.head("f2")
                        wait_for(lambda: len(follower.events) == 4, 20, f"what was lost; {follower.events}")
                        seqs = [seq for _, seq in follower.ids()]
                        self.assertEqual(seqs, [1, 2, 3, 4] if facilities is None else [1, 2, 4, 3])
                        self.assertEqual(follower.gaps, [])
                    finally:
                        follower.end()
                        gateway.end()

    def test_python_misses_nothing_although_the_gateway_is_killed(self):
        self.follow_a_gateway_that_is_killed(PythonFollower)

    def test_cpp_misses_nothing_although_the_gateway_is_killed(self):
        self.follow_a_gateway_that_is_killed(CppFollower)

    def test_node_misses_nothing_although_the_gateway_is_killed(self):
        if why_no_node():
            self.skipTest(why_no_node())
        NodeFollower.program = ("node", str(node_folder(self.folder / "node") / "follow.mjs"))
        self.follow_a_gateway_that_is_killed(NodeFollower)

    def test_the_bare_subscribers_of_the_contract_print_every_event(self):
        page = (ROOT / "docs/events.md").read_text()
        snippet = {language: re.search(rf"```{language}\n(.*?)```", page, re.S).group(1) for language in ("python", "javascript")}
        (self.folder / "subscribe.py").write_text(snippet["python"])
        programs = {"python": [sys.executable, str(self.folder / "subscribe.py")]}
        if why_no_node():
            print(f"without the one in Node: {why_no_node()}")
        else:
            folder = node_folder(self.folder / "node")
            (folder / "subscribe.mjs").write_text(snippet["javascript"])
            programs["javascript"] = ["node", str(folder / "subscribe.mjs")]
        sim = self.simulator("name=walk,period=6,visible=4,offset=1")
        config = config_of(self.folder, [facility("f1", [camera("walk", sim.url("walk"))])])
        live = f"ipc://{self.folder}/live"
        config["publish"].update(live=live, query=f"ipc://{self.folder}/query")
        printed = {language: open(self.folder / f"{language}.out", "w+") for language in programs}
        running = [subprocess.Popen([*program, live, "f1"], stdout=printed[language], stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"})
                   for language, program in programs.items()]
        try:
            gateway = self.gateway(None, config=config, subscribe=False)
            for language, out in printed.items():
                def lines():
                    out.seek(0)
                    return out.read()
                wait_for(lambda: "presence.ended end" in lines(), 40, f"the end of a presence, by {language}")
                self.assertRegex(lines(), r"Z f1 walk presence\.started start [a-z2-7]{26}\n")
            self.assertEqual(gateway.end(), 0)
            self.processes.remove(gateway)
        finally:
            for process in running:
                process.kill()
                process.wait(10)
            for out in printed.values():
                out.close()

    def test_node_speaks_curve_and_passes_over_commits(self):
        if why_no_node():
            self.skipTest(why_no_node())
        server_public, server_secret = zmq.curve_keypair()
        public, secret = (key.decode() for key in zmq.curve_keypair())
        context = zmq.Context()
        live = context.socket(zmq.XPUB)
        live.curve_server, live.curve_secretkey, live.linger = True, server_secret, 0
        port = live.bind_to_random_port("tcp://127.0.0.1")
        epoch = "0" * 32
        keys = {"KANHU_SERVER_KEY": server_public.decode(), "KANHU_PUBLIC_KEY": public, "KANHU_SECRET_KEY": secret}
        process = subprocess.Popen(["node", str(node_folder(self.folder / "node") / "follow.mjs"), f"tcp://127.0.0.1:{port}",
                                    "tcp://127.0.0.1:1", "now", "f1"], stdout=subprocess.PIPE, text=True, env={**os.environ, **keys})

        def send(kind, seq, payload):
            header = {"v": 1, "epoch": epoch, "seq": seq, "stream_seq": seq, "t": 0, "durable": True, "provisional": False}
            live.send_multipart([f"kanhu1/f1/-/{kind}/".encode(), json.dumps(header).encode(), json.dumps(payload).encode()])

        try:
            self.assertTrue(live.poll(20_000), "the client did not connect")
            self.assertEqual(live.recv(), b"\x01kanhu1/f1/")
            send("head", 7, {})
            send("commit", 7, {"id": f"{epoch}:7"})
            send("presence.started", 8, {"id": f"{epoch}:8"})
            send("presence.started", 8, {"id": f"{epoch}:8"})
            send("presence.ended", 9, {"id": f"{epoch}:9"})
            got = [json.loads(process.stdout.readline()) for _ in range(2)]
            self.assertEqual([item["payload"]["id"] for item in got], [f"{epoch}:8", f"{epoch}:9"])
        finally:
            process.kill()
            process.wait(10)
            process.stdout.close()
            context.destroy(linger=0)

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
        # What was shown while the disk was slow, and not yet on it when the gateway was killed, is rightly named as a gap.
        self.assertFalse(report.violations or report.counts["gaps"] != report.counts.get("never_durable", 0), report)
        self.assertEqual(len({epoch for epoch, _ in whole.ids()}), kills + 1)


if __name__ == "__main__":
    main()
