# SPDX-License-Identifier: MIT
"""Who may see what: keys, facilities, and what happens to those whose key is taken away, against the real gateway."""
import contextlib
import json
import os
import stat
import subprocess
import sys
import threading
import time

import zmq
from harness import KANHU, PATIENCE, ROOT, Case, camera, config_of, environment, facility, main, to_yaml, wait_for, watch_for

sys.path.insert(0, str(ROOT / "clients/python"))
import kanhu_subscriber  # noqa: E402

FOLLOW = os.environ.get("KANHU_FOLLOW_BIN", str(ROOT / "build/release/tests/integration/kanhu-follow"))
BEAT = "kanhu1/-/-/heartbeat/"


class Peer:
    """Sockets of somebody with keys, or without. Each call closes what it opens."""

    def __init__(self, gateway, keys=None, **changed):
        self.endpoints, self.keys = gateway.endpoints, {**keys, **changed} if keys else None
        self.context = zmq.Context()

    def socket(self, kind, endpoint):
        made = self.context.socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        if self.keys:
            made.curve_serverkey = self.keys["server_key"].encode()
            made.curve_publickey = self.keys["public_key"].encode()
            made.curve_secretkey = self.keys["secret_key"].encode()
        made.connect(self.endpoints[endpoint])
        return made

    def ask(self, deadline=10, **request):
        with self.socket(zmq.REQ, "query") as query:
            query.send(json.dumps({"v": 1, **request}).encode())
            if not query.poll(int(deadline * PATIENCE * 1000)):
                return None
            return json.loads(query.recv())

    def hear(self, seconds, prefix=""):
        """Topics of everything that comes in so long."""
        topics = set()
        with self.socket(zmq.SUB, "live") as live:
            live.setsockopt_string(zmq.SUBSCRIBE, prefix)
            until = time.monotonic() + seconds * PATIENCE
            while (left := until - time.monotonic()) > 0:
                if live.poll(int(left * 1000) + 1):
                    topics.add(live.recv_multipart()[0].decode())
        return topics


class Listener(threading.Thread):
    """A SUB that stays: when something last came."""

    def __init__(self, peer, prefix="kanhu1/"):
        super().__init__(daemon=True)
        self.live = peer.socket(zmq.SUB, "live")
        self.live.setsockopt_string(zmq.SUBSCRIBE, prefix)
        self.count, self.last, self.stopped = 0, 0.0, False
        self.start()

    def run(self):
        while not self.stopped:
            if self.live.poll(50):
                self.live.recv_multipart()
                self.count, self.last = self.count + 1, time.monotonic()
        self.live.close()

    def end(self):
        self.stopped = True
        self.join()


class Follower(threading.Thread):
    """The client that people copy."""

    def __init__(self, gateway, key, after="oldest"):
        super().__init__(daemon=True)
        self.items = []
        self.subscriber = kanhu_subscriber.Subscriber(gateway.endpoints["live"], gateway.endpoints["query"], after=after, key=key)
        self.problem = None
        self.start()

    def run(self):
        try:
            for item in self.subscriber:
                self.items.append(item)
        except RuntimeError as problem:
            self.problem = problem

    def end(self):
        self.subscriber.stop()
        self.join(30)


class Access(Case):
    def setUp(self):
        super().setUp()
        sim = self.simulator("name=walk,period=6,visible=4,offset=1", "name=heat,scene=thermal,period=9,visible=5,offset=3")
        self.config = config_of(self.folder, [
            facility("f1", [camera("walk", sim.url("walk"))]),
            facility("f10", [camera("heat", sim.url("heat"), detector={"name": "thermal-blob", "fps": 5})])])
        self.config["publish"]["access"] = "subscribers.yaml"
        self.path = self.folder / "gateway.yaml"
        self.path.write_text(to_yaml(self.config))
        self.server_key = self.keys("server").stdout.decode().strip()
        self.one, self.everything = self.add("one", "f1", "--right", "live,fetch,picture"), self.add("everything", "*")

    def keys(self, *arguments, expect=0):
        return self.kanhu("keys", *arguments, "--config", self.path, expect=expect)

    def add(self, name, facilities, *more):
        self.keys("add", name, "--facility", facilities, *more)
        return json.loads((self.folder / f"{name}.key.json").read_text())

    def start(self):
        made = self.gateway(None, config=self.config, subscribe=False)
        self.addCleanup(self.forget, made)
        return made

    def forget(self, gateway):
        with contextlib.suppress(AssertionError):
            gateway.end()

    def test_watch_says_why_a_gateway_with_keys_is_silent(self):
        self.add("fetcher", "f1", "--right", "fetch")
        self.add("gone", "f1")
        self.keys("revoke", "gone")
        gateway = self.start()
        causes = {None: "the gateway there asks for keys, and none was given", "gone": "our key is not allowed", "fetcher": "the right `live`"}
        watches = {}
        for key in causes:
            command = [KANHU, "watch", "--live", gateway.endpoints["live"], *(["--key", str(self.folder / f"{key}.key.json")] if key else [])]
            watches[key] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
            self.addCleanup(watches[key].kill)
        for key, watch in watches.items():
            said = watch.stderr.readline()
            watch.terminate()
            out, more = watch.communicate(timeout=10 * PATIENCE)
            self.assertIn("nothing heard since", said)
            self.assertIn(causes[key], said)
            self.assertEqual((out, more), ("", ""))

    def test_a_key_sees_its_facilities_and_nobody_else_sees_anything(self):
        gateway = self.start()
        self.assertEqual(gateway.endpoints["public_key"], self.server_key)
        one, everything = Peer(gateway, self.one), Peer(gateway, self.everything)
        for prefix in ("", "kanhu1/", "kanhu1/f1", "kanhu1/f1/"):
            topics = one.hear(2.5, prefix)
            self.assertIn("kanhu1/f1/-/head/", topics)
            self.assertEqual([topic for topic in topics if topic != BEAT and not topic.startswith("kanhu1/f1/")], [])
        self.assertEqual(one.hear(2.5, "kanhu1/f10/"), set())
        self.assertTrue({BEAT, "kanhu1/-/-/head/", "kanhu1/f1/-/head/", "kanhu1/f10/-/head/"} <= everything.hear(2.5))

        state = one.ask(request="state")["state"]
        self.assertEqual([one_["id"] for one_ in state["facilities"]], ["f1"])
        self.assertEqual(list(state["cameras"]), ["walk"])
        self.assertNotIn("heat", json.dumps(state))
        self.assertEqual(len(everything.ask(request="state")["state"]["facilities"]), 2)
        self.assertEqual(one.ask(request="info")["error"]["kind"], "unauthorized")
        self.assertIn("access", everything.ask(request="info")["info"])
        self.assertEqual(one.ask(request="look")["sources"], [])
        for what in ({"request": "look", "source": "heat"}, {"request": "picture", "camera": "heat"}):
            there = one.ask(**what)["error"]
            nowhere = one.ask(**{key: value.replace("heat", "heet") for key, value in what.items()})["error"]
            self.assertEqual(there["kind"], "not_found")
            self.assertEqual({**there, "message": there["message"].replace("heat", "heet")}, nowhere)
        self.assertEqual(everything.ask(request="look")["error"]["kind"], "unauthorized")
        self.assertNotIn("infrared", everything.ask(request="info")["info"])

        wait_for(lambda: {event["topic"].split("/")[1] for event in everything.ask(request="fetch")["events"]} == {"-", "f1", "f10"}, 40, "events")
        page = one.ask(request="fetch")
        self.assertEqual({event["topic"].split("/")[1] for event in page["events"]}, {"f1"})
        self.assertEqual(list(page["head"]["streams"]), ["f1"])
        self.assertTrue(one.ask(request="fetch", streams=["f1"])["ok"])
        for hidden in ("f10", "-", "f2"):
            self.assertEqual(one.ask(request="fetch", streams=["f1", hidden])["error"]["kind"], "unauthorized")

        stranger = zmq.curve_keypair()
        outside = {
            "no key": Peer(gateway),
            "a key of nobody": Peer(gateway, self.one, public_key=stranger[0].decode(), secret_key=stranger[1].decode()),
            "another gateway's key": Peer(gateway, self.one, server_key=stranger[0].decode()),
            "a stolen public half": Peer(gateway, self.everything, secret_key=stranger[1].decode()),
        }
        for what, peer in outside.items():
            with self.subTest(what):
                self.assertEqual(peer.hear(1.5), set())
                self.assertIsNone(peer.ask(request="state", deadline=1))
        self.assertIn("refused: ", gateway.log.read_text())
        refused = [line for line in gateway.http("/metrics")[1].splitlines() if line.startswith("kanhu_access_refused_total ")]
        self.assertGreater(float(refused[0].split()[1]), 0)

    def test_the_list_is_taken_while_the_gateway_runs_and_who_is_taken_out_gets_nothing_more(self):
        gateway = self.start()
        listeners = {name: Listener(Peer(gateway, keys)) for name, keys in (("one", self.one), ("everything", self.everything))}
        for listener in listeners.values():
            self.addCleanup(listener.end)
        follower = Follower(gateway, self.folder / "everything.key.json")
        self.addCleanup(follower.end)
        wait_for(lambda: all(listener.count > 3 for listener in listeners.values()), 20, "everybody hears")

        late = Peer(gateway, self.add("late", "f10"))
        since = time.monotonic()
        wait_for(lambda: late.ask(request="state", deadline=0.5), 5, "a new key is let in")
        self.assertLess(time.monotonic() - since, 1.6 * PATIENCE)

        before = listeners["everything"].count
        self.keys("revoke", "one")
        out = time.monotonic()
        watch_for(6)
        self.assertLess(listeners["one"].last, out + 2, "a revoked key still gets messages")
        self.assertGreater(listeners["everything"].last, time.monotonic() - 2.5)
        self.assertGreater(listeners["everything"].count, before + 10)
        self.assertIsNone(Peer(gateway, self.one).ask(request="fetch", deadline=1))
        self.assertEqual(Peer(gateway, self.one).hear(1.5), set())

        # A list that cannot be used is refused whole.
        path = self.folder / "subscribers.yaml"
        good = path.read_text()
        path.write_text(good.replace("rights: [live, fetch]", "rights: [lives]", 1))
        wait_for(lambda: "did you mean live?" in gateway.log.read_text(), 5, "the place and the fix are said")
        everything = Peer(gateway, self.everything)
        self.assertTrue(everything.ask(request="state")["ok"])
        rejected = wait_for(lambda: [event for event in everything.ask(request="fetch", types=["gateway.config_rejected"])["events"]], 10, "an event")
        self.assertIn("subscribers.yaml:", rejected[0]["payload"]["data"]["words"])

        # A key that expires is out without anybody doing anything; the one taken out comes back with the list.
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6 + 6 * PATIENCE))
        path.write_text(good)
        short = Listener(Peer(gateway, self.add("short", "*", "--expires", soon)))
        self.addCleanup(short.end)
        wait_for(lambda: short.count > 1, 6, "it hears")
        wait_for(lambda: time.time() > time.mktime(time.strptime(soon, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone + 2, 20, "it is over")
        heard = short.count
        watch_for(2)
        self.assertEqual(short.count, heard)

        wait_for(lambda: len(follower.items) > 5, 40, "events")
        head = everything.ask(request="fetch")["head"]
        wait_for(lambda: follower.items[-1].seq >= head["seq"], 20, "the follower is there")
        follower.end()
        self.assertIsNone(follower.problem)
        self.assertEqual([item.seq for item in follower.items], list(range(1, len(follower.items) + 1)))

    def test_clients_and_sub_commands_with_keys(self):
        gateway = self.start()
        one = Follower(gateway, self.folder / "one.key.json")
        self.addCleanup(one.end)
        process = subprocess.Popen([FOLLOW, gateway.endpoints["live"], gateway.endpoints["query"], "oldest"], stdout=subprocess.PIPE, text=True,
                                   env=environment(KANHU_KEY=str(self.folder / "one.key.json")))
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.terminate()
        process.wait(10)
        process.stdout.close()
        wait_for(lambda: len(one.items) >= 3, 40, "events")
        self.assertEqual([(line["epoch"], line["seq"]) for line in lines], [(item.epoch, item.seq) for item in one.items[:3]])
        self.assertEqual({item.topic.split("/")[1] for item in one.items}, {"f1"})

        # On the gateway's own machine the sub-commands use its key; elsewhere a key file.
        wait_for(lambda: "f10/heat" in self.kanhu("status", "--config", self.path, expect=None).stdout.decode(), 20, "status")
        self.kanhu("look", "--config", self.path)
        live, query, key = gateway.endpoints["live"], gateway.endpoints["query"], self.folder / "one.key.json"
        watched = self.kanhu("watch", "--live", live, "--query", query, "--key", key, "--since", "start", "--count", 3, "--json").stdout.decode()
        self.assertEqual([json.loads(line)["id"] for line in watched.splitlines()], [f"{item.epoch}:{item.seq}" for item in one.items[:3]])
        self.kanhu("look", "--query", query, "--key", key)
        self.assertIn(b"sees only some facilities", self.kanhu("status", "--query", query, "--key", key, expect=None).stderr)
        self.assertIn(b"--key FILE", self.kanhu("look", "--query", query, expect=75).stderr)

    def test_keys_are_made_listed_and_checked_and_no_secret_is_shown(self):
        secret_path = self.folder / "secrets/publish-key"
        secret = secret_path.read_text().strip()
        mode = stat.S_IMODE(secret_path.stat().st_mode)
        self.assertEqual(mode, 0o600)
        self.assertEqual(stat.S_IMODE((self.folder / "one.key.json").stat().st_mode), 0o600)
        self.assertEqual(self.one["server_key"], self.server_key)
        self.assertEqual(zmq.curve_public(self.one["secret_key"].encode()).decode(), self.one["public_key"])

        def said(*arguments, expect=0):
            done = self.keys(*arguments, expect=expect)
            text = (done.stdout + done.stderr).decode()
            for hidden in (secret, self.one["secret_key"], self.everything["secret_key"]):
                self.assertNotIn(hidden, text)
            return text

        self.assertIn(self.server_key, said("server"))
        self.assertEqual(secret_path.read_text().strip(), secret)
        self.assertIn(self.one["public_key"], said("list"))
        self.assertIn("2 subscribers, good", said("check"))
        self.assertIn("kanhu keys revoke one", said("add", "one", "--facility", "f1", expect=2))
        self.assertIn("--facility", said("add", "two", "--facility", "F1", expect=2))
        own = zmq.curve_keypair()[0].decode()
        self.assertIn("is over", said("add", "own", "--facility", "f1", "--expires", "2020-01-01T00:00:00Z", "--public", own, expect=2))
        added = said("add", "own", "--facility", "f2,f1", "--right", "live,picture", "--public", own)
        self.assertIn(self.server_key, added)
        self.assertIn("is f2: nothing of it will be seen until there is one; there are: f1, f10", added)
        self.assertNotIn("is f1:", added)
        self.assertFalse((self.folder / "own.key.json").exists())
        self.assertIn(own, said("list"))
        self.assertIn("no facility of", said("check", expect=1))
        self.assertIn("own has this key already", said("add", "again", "--facility", "f1", "--public", own, expect=2))
        said("revoke", "own")
        self.assertNotIn(own, said("list"))
        self.assertIn("there are: one, everything", said("revoke", "own", expect=1))
        (self.folder / "subscribers.yaml").write_text("version: 1\nsubscribers: [{name: a}]\n")
        self.assertIn("subscribers.yaml:2:", said("check", expect=78))
        self.assertIn("subscribers.yaml:2:", said("add", "two", "--facility", "f1", expect=78))
        self.assertFalse((self.folder / "two.key.json").exists())

        # Without the key, or with a list that cannot be used, the gateway does not start: it never stands open by mistake.
        def refuses(word):
            done = subprocess.run([KANHU, "run", "--config", str(self.path)], capture_output=True, timeout=30 * PATIENCE, cwd=self.folder,
                                  env=environment(), check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(word, done.stderr.decode())

        refuses("subscribers.yaml:2:")
        (self.folder / "subscribers.yaml").write_text("version: 1\nsubscribers: []\n")
        secret_path.chmod(0o644)
        refuses("chmod 600")
        secret_path.unlink()
        refuses("kanhu keys server")


if __name__ == "__main__":
    main()
