# SPDX-License-Identifier: MIT
"""What the fault tests share: a gateway under load without a camera, clients in processes of their own, and the checker at the end.

The load are door contacts that all listen to one MQTT topic: each message opens or closes every one of them, so that one line gives as many events as
there are contacts. KANHU_TEST_LONG=1 runs the long variants (`ctest -L long`); KANHU_TEST_SEED repeats a run.
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import history
from canonical import canonical
from harness import KANHU, Case, Process, config_of, environment, tail, to_yaml, wait_for
from recorder import Reckoning
from test_clients import FOLLOW
from test_sensors import Broker, free_port

LONG = bool(os.environ.get("KANHU_TEST_LONG"))
RECORDER = pathlib.Path(__file__).with_name("recorder.py")
MIB = 1 << 20


def seeded():
    seed = int(os.environ.get("KANHU_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"  KANHU_TEST_SEED={seed} repeats this", flush=True)
    return random.Random(seed)


class Load:
    """Opens and closes all contacts, `hertz` times a second, until told otherwise."""

    def __init__(self, broker, hertz, topic="kanhu/doors"):
        self.hertz, self.sent = hertz, 0
        self.popen = subprocess.Popen(broker._client() + ["-t", topic, "-l"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        broker.case.addCleanup(self.end)

    def _run(self):
        while not self._stop.wait(1 / self.hertz):
            try:
                self.popen.stdin.write(b"open\n" if self.sent % 2 == 0 else b"closed\n")
                self.popen.stdin.flush()
            except (OSError, ValueError):
                return
            self.sent += 1

    def end(self):
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join()
        self.popen.stdin.close()
        self.popen.wait(20)


class Recorder(Process):
    """recorder.py, or kanhu-follow, whose history becomes one of the checker's."""

    def __init__(self, case, name, live, query, kind="client", facilities=(), begins="oldest", prefix=(), **env):
        self.kind, self.facilities, self.begins = kind, list(facilities), begins
        self.out = case.folder / f"{name}.jsonl"
        place = begins if isinstance(begins, str) else ":".join(map(str, begins))
        if kind == "cpp":
            arguments = [FOLLOW, live, query, place, *self.facilities]
        else:
            arguments = [sys.executable, str(RECORDER), kind, live, query, str(self.out), *self.facilities]
        environment_ = environment(**env)  # none of KANHU_* but what is given here
        environment_["KANHU_RECORDER_FROM"] = place
        with open(self.out, "ab") as out:
            super().__init__(name, [*prefix, *arguments], case.folder, environment_, stdout=out if kind == "cpp" else None)
        self._at, self._newest = 0, None
        case.processes.append(self)

    def newest(self):
        """(epoch, seq) of the last line that is an event."""
        with open(self.out, "rb") as lines:
            lines.seek(self._at)
            text = lines.read()
        for line in text[:text.rfind(b"\n") + 1].splitlines():
            self._at += len(line) + 1
            item = json.loads(line)
            if self.kind == "raw" and not item["topic"].endswith(("/head/", "/heartbeat/", "/commit/")):
                item = item["header"]
            if "seq" in item:
                self._newest = (item["epoch"], item["seq"])
        return self._newest

    def lines(self):
        with open(self.out, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def history(self, until="end"):
        raw = self.kind == "raw"
        client = history.Client(self.name, frozenset(self.facilities) or None, "now" if raw else self.begins, until, once=not raw)
        if raw:
            reckoning = Reckoning()
            for line in self.lines():
                reckoning.take(line)
            client.items = reckoning.items
        if self.kind == "client":
            client.items = self.lines()
        if self.kind != "cpp":
            return client
        for item in self.lines():
            if "gap" in item:
                client.gap(**item["gap"])
            else:
                client.event(item["epoch"], item["seq"], item["topic"].split("/")[1], item["stream_seq"],
                             history.digest(canonical(item["payload"]).encode()), "live" if "published" in item["header"] else "fetch",
                             item["header"]["durable"], item["header"]["provisional"])
        return client


def door(name):
    return {"id": name, "kind": "contact", "broker": "b", "topic": "kanhu/doors", "openings_per_minute": 6000}


class FaultCase(Case):
    def doors(self, broker, count, facilities=2):
        """A configuration with `count` contacts in each facility f1, f2 ..., on loopback addresses that survive a restart."""
        config = config_of(self.folder, [{"id": f"f{number}", "class": "community_station",
                                          "sensors": [door(f"d{number}-{at}") for at in range(count)]} for number in range(1, facilities + 1)])
        config["mqtt"] = {"brokers": [{"id": "b", "url": f"mqtt://127.0.0.1:{broker.port}"}]}
        config["publish"].update(live=f"ipc://{self.folder}/live", query=f"ipc://{self.folder}/query")
        return config

    def killed_early(self, config, after):
        """A gateway that is killed `after` seconds, ready or not."""
        path = self.folder / "early.yaml"
        path.write_text(to_yaml(config))
        gateway = Process("early", [KANHU, "run", "--config", str(path)], self.folder)
        time.sleep(after)
        gateway.end(signal.SIGKILL)

    def over_tcp(self, config):
        config["publish"].update(live=f"tcp://127.0.0.1:{free_port()}", query=f"tcp://127.0.0.1:{free_port()}")
        return config

    @staticmethod
    def ends(config):
        return config["publish"]["live"], config["publish"]["query"]

    def journal_folder(self, config):
        return pathlib.Path(config["gateway"]["data_dir"]) / "journal"

    def settled(self, gateway):
        """(epoch, seq) of the last durable event, when nothing more comes."""
        def still():
            journal = gateway.info()["journal"]
            return journal["durable_seq"] == journal["seq"] and journal
        while True:
            before = wait_for(still, 60, "everything is durable")
            time.sleep(0.3)  # the load has ended: what is on its way through broker and rules
            if gateway.info()["journal"]["seq"] == before["seq"]:
                return before["epoch"], before["seq"]

    def reached(self, recorders, place, deadline=120):
        for recorder in recorders:
            def there(recorder=recorder):
                assert recorder.alive(), f"{recorder.name} ended with {recorder.popen.returncode}\n{tail(recorder.log)}"
                newest = recorder.newest()
                return newest and newest[0] == place[0] and newest[1] >= place[1]
            wait_for(there, deadline, f"{recorder.name} reaches {place}; it is at {recorder.newest()}")

    def judge(self, config, recorders, until="end", closed=True, damaged=None, rewound=False, gaps=None, look=None):
        """Ends the recorders and lets the checker speak. `gaps`: how many the clients may have been told, None: any. `look` sees
        each history."""
        for recorder in recorders:
            recorder.popen.send_signal(signal.SIGCONT)
            if recorder.alive():
                recorder.end()
        begun = time.monotonic()
        journal = history.Journal.read(self.journal_folder(config), closed, damaged)

        def histories():
            for recorder in recorders:
                client = recorder.history(until)
                if look:
                    look(client)
                yield client

        report = history.check(journal, histories(), rewound)
        print(f"  checked in {time.monotonic() - begun:.1f} s: {str(report).splitlines()[0]}", flush=True)
        if report.violations:
            self.fail(str(report))
        if gaps is not None:
            self.assertEqual(report.counts["gaps"], gaps, report)
        return report

    @staticmethod
    def resident(pid):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{pid} has no resident size")

