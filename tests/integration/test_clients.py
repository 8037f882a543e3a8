# SPDX-License-Identifier: MIT
"""The clients that people copy: each follows a real gateway that is killed again and again, and misses nothing."""
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import client_model
import history
from client_followers import FOLLOW, CppFollower, GatewayFollower, NodeFollower, PythonFollower, history_of, node_folder, why_no_node  # noqa: F401 - for others
from harness import PATIENCE, ROOT, Case, camera, config_of, facility, main, wait_for
from stand_in import StandIn
import zmq  # behind the harness, which skips where it is missing


class Clients(Case):
    def kinds(self):
        if why_no_node():
            print(f"without the one in Node: {why_no_node()}")
            return [PythonFollower, CppFollower, GatewayFollower]
        NodeFollower.program = ("node", str(node_folder(self.folder / "node") / "follow.mjs"))
        return [PythonFollower, CppFollower, GatewayFollower, NodeFollower]

    @contextlib.contextmanager
    def stand_in(self, kind, facilities, **more):
        """A gateway, and start(after), which gives a client that follows it and has caught up."""
        folder, followers = pathlib.Path(tempfile.mkdtemp(dir=self.folder)), []
        gateway = StandIn(folder)

        def start(after):
            asked = len(gateway.asked)
            followers.append(kind(gateway.live_endpoint, gateway.query_endpoint, facilities=facilities, after=after))
            gateway.subscribed(len(facilities or [None]), 20_000 * PATIENCE)
            wait_for(lambda: after is None or len(gateway.asked) > asked, 20, "it catches up")
            return followers[-1]

        try:
            with self.subTest(kind=kind.__name__, facilities=facilities, **more):
                yield gateway, start
        finally:
            for follower in followers:
                follower.end()
            gateway.end()

    def received(self, follower, count):
        wait_for(lambda: len(follower.events) >= count, 20, f"{count} events; {follower.ids()} {follower.problem}")
        return [seq for _, seq in follower.ids()]

    def test_what_one_stream_missed_is_fetched_although_another_has_come_further(self):
        for kind, facilities in itertools.product(self.kinds(), (None, ["f1", "f2"])):
            with self.stand_in(kind, facilities) as (gateway, start):
                follower = start("oldest")
                for facility in ("f1", "f2"):
                    gateway.send(gateway.write(facility))
                self.received(follower, 2)
                gateway.write("f2")                    # on disk, and lost on the way
                gateway.send(gateway.write("f1"))      # fits to what came of f1
                self.received(follower, 3)
                gateway.head("f2")
                self.assertEqual(self.received(follower, 4), [1, 2, 3, 4] if facilities is None else [1, 2, 4, 3])
                self.assertEqual(follower.gaps, [])

    def test_one_that_is_ended_within_a_second_of_a_cut_line_gets_what_was_lost_on_it_afterwards(self):
        for kind, facilities in itertools.product(self.kinds(), (None, ["f1", "f2"], ["f2", "f1", "not-there"])):
            with self.stand_in(kind, facilities) as (gateway, start):
                first = start("oldest")
                for facility in ("f1", "f2"):
                    gateway.send(gateway.write(facility))
                self.received(first, 2)
                lost = gateway.write("f2")
                gateway.send(gateway.write("f1"))
                self.received(first, 3)
                first.end()                            # no head of f2 has come
                self.assertEqual(first.place, (gateway.EPOCH, 4 if facilities is None else 2))
                later = start(first.place)
                gateway.send(gateway.write("f2"))
                if facilities is None:
                    self.assertEqual(self.received(later, 1), [5])
                else:
                    self.assertEqual(self.received(later, 3), [3, 4, 5])
                got = first.events + later.events      # the same id is the same event
                self.assertEqual({seq: payload for _, seq, payload in got},
                                 {one["header"]["seq"]: one["payload"] for one in gateway.journal})
                self.assertIn((gateway.EPOCH, 3, lost["payload"]), got)
                self.assertEqual(first.gaps + later.gaps, [])

    def test_one_that_follows_all_it_has_a_right_to_gets_afterwards_what_a_cut_line_lost(self):
        for kind in self.kinds():
            with self.stand_in(kind, None) as (gateway, start):
                gateway.hidden = {"f3"}
                first = start("oldest")
                for facility in ("f1", "f2"):
                    gateway.send(gateway.write(facility))
                gateway.write("f3")                    # 3
                gateway.send(gateway.write("f1"))      # 4: by now it knows that not all numbers are for it
                self.received(first, 3)
                self.assertEqual(first.place[1], 4)
                gateway.write("f2")                    # 5, lost
                gateway.send(gateway.write("f1"))
                self.received(first, 4)
                first.end()
                self.assertEqual(first.place[1], 4)
                self.assertEqual(self.received(start(first.place), 2), [5, 6])

    def test_whatever_is_lost_and_wherever_a_client_is_ended_nothing_is_lost_for_good(self):
        for seed in range(400):
            with self.subTest(seed=seed):
                client_model.run(seed)

    def test_the_place_goes_on_with_the_heads_of_streams_that_are_quiet(self):
        facilities = ["f1", "f2"]
        for kind, after in itertools.product(self.kinds(), (None, "oldest")):
            with self.stand_in(kind, facilities, after=after) as (gateway, start):
                for facility in facilities:
                    gateway.write(facility)
                follower = start(after)
                had = len(self.received(follower, 2)) if after else 0
                for facility in facilities:
                    gateway.head(facility)             # where it begins from now on
                gateway.send(gateway.write("f1"))      # 3
                self.received(follower, had + 1)
                self.assertEqual(follower.place[1], 3, "nothing stands in between")
                for came in (1, 3, 5):
                    gateway.write("f3")                # no concern of this client, which it cannot know
                    gateway.send(gateway.write("f1"))
                    self.received(follower, had + came + 1)
                    place = follower.place[1]
                    for facility in facilities:
                        gateway.head(facility)
                    event = gateway.write("f1")
                    gateway.send(event)
                    self.received(follower, had + came + 2)
                    self.assertEqual((place, follower.place[1]), (event["header"]["seq"] - 3, event["header"]["seq"]))

    def test_what_was_fetched_for_one_stream_does_not_hide_what_another_lacks(self):
        facilities = ["f1", "f2", "f3"]
        for kind in self.kinds():
            with self.stand_in(kind, facilities) as (gateway, start):
                follower = start("oldest")
                for facility in facilities:
                    gateway.send(gateway.write(facility))
                self.received(follower, 3)
                gateway.write("f3")                    # 4, lost
                gateway.send(gateway.write("f2"))      # 5
                gateway.write("f2")                    # 6, lost
                gateway.send(gateway.write("f1"))      # 7
                self.received(follower, 5)
                gateway.head("f2")
                self.assertEqual(self.received(follower, 7), [1, 2, 3, 5, 7, 4, 6])
                self.assertGreaterEqual(follower.place[1], 6)
                self.assertEqual(follower.gaps, [])

    def test_an_epoch_that_comes_back_with_a_backup_is_not_given_again(self):
        for kind, facilities in itertools.product(self.kinds(), (None, ["f1", "f2"])):
            with self.stand_in(kind, facilities) as (gateway, start):
                follower = start("oldest")
                for facility in ("f1", "f2"):
                    gateway.send(gateway.write(facility))
                self.received(follower, 2)
                backup = gateway.copy()
                gateway.write("f2")                    # lost, and so is the rest of its epoch
                gateway.write("f1")
                one, two, three = gateway.EPOCH, "2" * 32, "3" * 32
                gateway.restart(two)
                today = gateway.write("f1")
                gateway.send(today)
                self.received(follower, 5)
                gateway.restart(three, backup)
                gateway.send(gateway.write("f1"))
                self.received(follower, 6)
                gateway.send(today)                    # had waited in the socket
                for facility in ("f2", "f1"):
                    gateway.send(gateway.write(facility))
                self.received(follower, 8)
                self.assertEqual(follower.ids(), [(one, 1), (one, 2), (one, 3), (one, 4), (two, 1), (three, 1), (three, 2), (three, 3)])
                self.assertEqual(follower.gaps, [{"epoch": two, "first": 2, "last": 0, "reason": "unknown_epoch", "streams": {}}])
                self.assertEqual(follower.place, (three, 3))

    def test_python_misses_nothing_although_the_gateway_is_killed(self):
        self.follow_a_gateway_that_is_killed(PythonFollower)

    def test_cpp_misses_nothing_although_the_gateway_is_killed(self):
        self.follow_a_gateway_that_is_killed(CppFollower)

    def test_the_follower_of_the_product_misses_nothing_although_the_gateway_is_killed(self):
        self.follow_a_gateway_that_is_killed(GatewayFollower)

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
        def follower_of(**options):
            made = kind(live, query, **options)
            self.addCleanup(made.end)  # whatever fails: a client goes on for ever
            return made

        whole, one = follower_of(after="oldest"), follower_of(facilities=["f1"], after="oldest")
        from_now = follower_of()
        taking_over = [follower_of(facilities=["f1", "f2"], after="oldest")]  # each from where the one before was ended
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
                taking_over[-1].end()
                place = next((one.place for one in reversed(taking_over) if one.place), "oldest")
                self.processes.remove(gateway)
                gateway.kill9()
                taking_over.append(follower_of(facilities=["f1", "f2"], after=place))
        middle = whole.ids()[len(whole.events) // 2]
        late = follower_of(after=middle)
        followers = (whole, one, from_now, late, taking_over[-1])
        epoch = gateway.info()["journal"]["epoch"]
        wait_for(lambda: all(f.ids() and f.ids()[-1][0] == epoch for f in followers), 40, f"all are there; {[f.problem for f in followers]}")
        newest = whole.ids()[-1]
        wait_for(lambda: late.ids()[-1] >= newest or late.ids()[-1][1] >= newest[1], 20, "the late one is there")
        for follower in followers:
            follower.end()
        self.assertEqual(gateway.end(), 0)
        self.processes.remove(gateway)

        self.assertEqual([f.problem for f in (*followers, *taking_over)], [None] * (5 + kills + 1))
        journal = history.Journal.read(pathlib.Path(config["gateway"]["data_dir"]) / "journal", closed=True)
        report = history.check(journal, [history_of(follower, begins, streams) for follower, begins, streams in (
            (whole, "oldest", None), (one, "oldest", ["f1"]), (late, middle, None), (from_now, "now", None))] +
            [history_of(taking_over[-1], "oldest", ["f1", "f2"], *taking_over[:-1])])
        # What one stream missed while it subscribed comes behind what another had received: of some facilities only each is in order.
        violations = [one for one in report.violations if (one.kind, one.where.split(",")[0]) != ("out_of_order", "taking over")]
        # What was shown while the disk was slow, and not yet on it when the gateway was killed, is rightly named as a gap.
        self.assertFalse(violations or report.counts["gaps"] != report.counts.get("never_durable", 0), report)
        self.assertEqual(len({epoch for epoch, _ in whole.ids()}), kills + 1)


class ClipsGet(Case):
    """`kanhu clips get` and a gateway that is too busy."""

    def setUp(self):
        super().setUp()
        self.gateway_ = StandIn(self.folder)
        self.addCleanup(self.gateway_.end)

    def get(self, patience, expect):
        return self.kanhu("clips", "get", "a" * 26, "-o", "clip.mp4", "--query", self.gateway_.query_endpoint, "--patience", patience, expect=expect)

    def test_it_gives_up_on_a_gateway_that_stays_too_busy(self):
        for kind in ("no_bandwidth", "timeout"):
            with self.subTest(kind=kind):
                self.gateway_.asked.clear()
                self.gateway_.answers["clip"] = lambda request: {"v": 1, "ok": False, "error": {"kind": kind, "message": "it is too busy"}}
                said = self.get(1, expect=75).stderr.decode()
                self.assertIn("too busy for 1 s to give more of part 1 (it says: it is too busy)", said)
                self.assertIn("--patience", said)
                self.assertGreaterEqual(len(self.gateway_.asked), 2)
                self.assertFalse((self.folder / "clip.mp4").exists())

    def test_what_comes_slowly_comes_whole(self):
        clip, asked = b"four", itertools.count(1)

        def answer(request):
            if next(asked) % 3:  # a second of waiting for each page: four in all
                return {"v": 1, "ok": False, "error": {"kind": "no_bandwidth", "message": "too often", "retry_after_s": 0.5}}
            at = request["offset"]
            return ({"v": 1, "ok": True, "request": "clip", "id": request["id"], "part": 1, "parts": 1, "offset": at, "length": 1, "total": len(clip),
                     "sha256": hashlib.sha256(clip).hexdigest(), "complete": at + 1 == len(clip), "status": "complete"}, clip[at:at + 1])

        self.gateway_.answers["clip"] = answer
        self.get(3, expect=0)
        self.assertEqual((self.folder / "clip.mp4").read_bytes(), clip)


if __name__ == "__main__":
    main()
