# SPDX-License-Identifier: MIT
"""`kanhu watch`: what was before it came, and what it missed, stands in its feed once and in order."""
import json
import pathlib
import signal
import subprocess

import journal_reader
from harness import KANHU, PATIENCE, Case, camera, config_of, environment, facility, main, wait_for
from stand_in import StandIn


class Watch(Case):
    def setUp(self):
        super().setUp()
        sim = self.simulator("name=walk,period=6,visible=4,offset=1")
        self.config = config_of(self.folder, [facility("f1", [camera("walk", sim.url("walk"))])])
        self.live, self.query = f"ipc://{self.folder}/live", f"ipc://{self.folder}/query"
        self.config["publish"].update(live=self.live, query=self.query)

    def start(self, name):
        return self.gateway(None, config=self.config, subscribe=False, name=name)

    def watch(self, *options):
        command = [KANHU, "watch", "--live", self.live, "--query", self.query, *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())

    def journal(self):
        folder = pathlib.Path(self.config["gateway"]["data_dir"]) / "journal"
        return [json.loads(record.body) for record in journal_reader.read_journal(folder) if record.kind == journal_reader.EVENT]

    def kill(self, gateway):
        self.processes.remove(gateway)
        gateway.kill9()

    def test_since_shows_what_was_before_and_goes_on_live(self):
        gateway = self.start("before")
        wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= 5, 40, "events")
        self.kill(gateway)
        gateway = self.start("after")
        past = len(self.journal())
        watch = self.watch("--since", "start", "--json", "--count", str(past + 4))
        out, err = watch.communicate(timeout=60)
        self.assertEqual((watch.returncode, err), (0, ""))
        shown = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(shown, self.journal()[:past + 4])
        self.assertGreater(len({event["id"].split(":")[0] for event in shown}), 1)

    def test_what_happened_while_it_did_not_read_is_fetched(self):
        gateway = self.start("before")
        watch = self.watch("--json")
        first = json.loads(watch.stdout.readline())
        watch.send_signal(signal.SIGSTOP)
        self.kill(gateway)
        gateway = self.start("between")
        wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= 5, 40, "events nobody reads")
        self.kill(gateway)
        gateway = self.start("after")
        wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= 3, 40, "events")
        watch.send_signal(signal.SIGCONT)
        newest = f"{gateway.info()['journal']['epoch']}:3"
        shown = [first]
        while shown[-1]["id"] != newest:
            line = watch.stdout.readline()
            self.assertTrue(line, "the feed ended")
            shown.append(json.loads(line))
        watch.terminate()
        _, said = watch.communicate(timeout=10)
        events = self.journal()
        begin = [event["id"] for event in events].index(first["id"])
        self.assertEqual(shown, events[begin:begin + len(shown)])
        self.assertIn("a new epoch begins", said)

    def test_what_one_stream_missed_is_fetched_although_another_has_come_further(self):
        gateway = StandIn(self.folder)
        self.addCleanup(gateway.end)
        watch = self.watch("--json", "--count", "4")
        self.addCleanup(watch.kill)
        self.assertTrue(gateway.live.poll(int(20_000 * PATIENCE)), "it subscribes")
        for one in ("f1", "f2"):
            gateway.send(gateway.write(one))
        gateway.write("f2")                # on disk, and lost on the way
        gateway.send(gateway.write("f1"))  # fits to what came of f1
        gateway.head("f2")
        out, said = watch.communicate(timeout=30 * PATIENCE)
        self.assertEqual([json.loads(line)["id"][-1] for line in out.splitlines()], ["1", "2", "3", "4"])
        self.assertEqual(said, "")
        self.assertEqual(watch.returncode, 0)

    def lose_one(self, answer):
        """What it shows, says and ends with where an event is lost and `fetch` is answered so."""
        gateway = StandIn(self.folder)
        self.addCleanup(gateway.end)
        watch = self.watch("--json", "--count", "3")
        self.addCleanup(watch.kill)
        self.assertTrue(gateway.live.poll(int(20_000 * PATIENCE)), "it subscribes")
        gateway.send(gateway.write("f1"))
        gateway.answers["fetch"] = answer or gateway.fetch
        gateway.write("f1")
        gateway.send(gateway.write("f1"))
        if answer:
            gateway.send(gateway.write("f2"))
        out, said = watch.communicate(timeout=30 * PATIENCE)
        return [int(json.loads(line)["id"].split(":")[1]) for line in out.splitlines()], said, watch.returncode

    def test_an_event_that_is_lost_is_fetched_and_told(self):
        self.assertEqual(self.lose_one(None), ([1, 2, 3], "kanhu: 1 of f1 did not come live\n", 0))

    def test_where_the_journal_refuses_what_is_missing_is_told_and_the_feed_goes_on(self):
        refusal = {"v": 1, "ok": False, "error": {"kind": "unauthorized", "message": "the key has not the right fetch"}}
        shown, said, code = self.lose_one(lambda request: refusal)
        self.assertEqual((shown, code), ([1, 3, 4], 1))
        self.assertIn("cannot be fetched: the key has not the right fetch", said)
        self.assertIn("and are missing here", said)

    def test_whatever_answers_fetch_the_feed_goes_on(self):
        for answer in ({}, [], {"v": 1, "ok": True}, {"v": 1, "ok": True, "complete": "yes", "events": 4, "gaps": {}, "next": []},
                       {"v": 1, "ok": True, "complete": True, "events": [{"header": {"epoch": 7}}], "gaps": [], "head": {}, "next": {}},
                       {"v": 1, "ok": True, "complete": True, "events": [], "gaps": [{"epoch": "e", "from": "-1", "to": {}}], "next": {"epoch": None}}):
            with self.subTest(answer=answer):
                shown, said, code = self.lose_one(lambda request, answer=answer: answer)
                self.assertEqual((shown, code), ([1, 3, 4], 1), said)

    def test_what_is_fetched_for_one_stream_does_not_hide_what_another_lacks(self):
        gateway = StandIn(self.folder)
        self.addCleanup(gateway.end)
        watch = self.watch("--json", "--count", "6")
        self.addCleanup(watch.kill)
        self.assertTrue(gateway.live.poll(int(20_000 * PATIENCE)), "it subscribes")
        for facility in ("f1", "f2"):
            gateway.send(gateway.write(facility))
        gateway.write("f2")                # on disk, and lost on the way
        gateway.send(gateway.write("f1"))
        gateway.write("f1")                # lost too, and noticed first
        gateway.head("f1")
        gateway.send(gateway.write("f2"))
        out, said = watch.communicate(timeout=30 * PATIENCE)
        numbers = sorted(int(json.loads(line)["id"].split(":")[1]) for line in out.splitlines())
        self.assertEqual(numbers, [1, 2, 3, 4, 5, 6])
        self.assertEqual(watch.returncode, 0)

    def test_what_it_lacks_of_an_epoch_that_is_over_is_fetched_although_the_next_one_fits(self):
        gateway = StandIn(self.folder)
        self.addCleanup(gateway.end)
        watch = self.watch("--json", "--count", "4")
        self.addCleanup(watch.kill)
        self.assertTrue(gateway.live.poll(int(20_000 * PATIENCE)), "it subscribes")
        gateway.send(gateway.write("f1"))
        gateway.write("f1")                # on disk, and never sent: no later number of the epoch shows it
        gateway.write("f2")
        gateway.restart("f" * 32)
        gateway.send(gateway.write("f1"))  # the first of its epoch: nothing of that is missing
        out, said = watch.communicate(timeout=30 * PATIENCE)
        ids = [json.loads(line)["id"] for line in out.splitlines()]
        self.assertEqual([identifier[:1] + identifier[-1] for identifier in ids], ["e1", "e2", "e3", "f1"])
        self.assertIn("a new epoch begins", said)
        self.assertNotIn("did not come live", said)
        self.assertEqual(watch.returncode, 0)

    def test_a_time_it_cannot_read_is_refused_with_the_forms_it_can(self):
        watch = self.watch("--since", "yesterday")
        _, err = watch.communicate(timeout=10)
        self.assertNotEqual(watch.returncode, 0)
        self.assertIn("2h or 1d, or start", err)

    def test_a_time_without_an_offset_needs_a_zone_that_is_known(self):
        watch = self.watch("--since", "2026-11-26T08:00")  # a gateway elsewhere
        _, err = watch.communicate(timeout=10)
        self.assertEqual(watch.returncode, 2, err)
        self.assertIn("--time-zone", err)
        self.assertIn("Mars", self.watch("--time-zone", "Mars/Base", "--since", "2h").communicate(timeout=10)[1])

    def test_it_says_that_it_hears_nothing_and_that_it_hears_again(self):
        watch = self.watch("--json", "--count", "1")
        self.addCleanup(watch.kill)
        said = watch.stderr.readline()
        self.assertIn(f"{self.live}: nothing heard since", said)
        self.assertIn("nobody listens there", said)
        self.start("late")
        self.assertIn("heard again", watch.stderr.readline())
        out, _ = watch.communicate(timeout=40 * PATIENCE)
        self.assertEqual(len([json.loads(line) for line in out.splitlines()]), 1)


if __name__ == "__main__":
    main()
