# SPDX-License-Identifier: MIT
"""Infrared arrays, motion detectors and contacts through a real broker (mosquitto), from publishing to events."""
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import journal_reader
from fake_cameras import FakeCamera, silence, text_file
from harness import CANARY, PATIENCE, SKIPPED, Case, Process, config_of, main, tail, wait_for, watch_for

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
if not MOSQUITTO or not shutil.which("mosquitto_pub"):
    print("skipped: mosquitto is not installed (apt-get install mosquitto mosquitto-clients)")
    sys.exit(SKIPPED)

WIDTH, HEIGHT = 32, 24


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """mosquitto on a loopback port that is its own for the test's life, so that it can go and come back."""

    def __init__(self, case, name="broker", users=None, tls=None, keeps=False):
        self.case, self.name, self.users, self.tls = case, name, users or {}, tls
        self.port = free_port()
        folder = case.folder / name
        folder.mkdir()
        lines = [f"listener {self.port} 127.0.0.1", "log_dest stdout", f"allow_anonymous {'false' if users else 'true'}", "user root"]
        if users:
            passwords = folder / "passwords"
            passwords.write_text("".join(f"{user}:{password}\n" for user, password in users.items()))
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
            passwords.chmod(0o644)
            lines.append(f"password_file {passwords}")
        if tls:
            lines += [f"certfile {tls / 'server.pem'}", f"keyfile {tls / 'server.key'}"]
        if keeps:
            lines += ["persistence true", f"persistence_location {folder}/"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.conf, self.runs = folder / "mosquitto.conf", 0
        self.start()

    def start(self):
        self.runs += 1
        self.process = Process(f"{self.name}-{self.runs}", [MOSQUITTO, "-c", str(self.conf)], self.case.folder)
        self.case.processes.append(self.process)

        def listens():
            if not self.process.alive():
                raise AssertionError(f"mosquitto ended\n{tail(self.process.log)}")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_for(listens, 10, "mosquitto listens")

    def kill(self):
        self.process.popen.kill()
        self.process.popen.wait()

    def _client(self):
        arguments = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-V", "5"]
        if self.users:
            user, password = next(iter(self.users.items()))
            arguments += ["-u", user, "-P", password]
        if self.tls:
            arguments += ["--cafile", str(self.tls / "ca.pem")]
        return arguments

    def publish(self, topic, payload, retain=False):
        data = payload if isinstance(payload, bytes) else payload.encode()
        done = subprocess.run(self._client() + ["-t", topic, "-q", "1", "-s"] + (["-r"] if retain else []), input=data, capture_output=True,
                              check=False, timeout=60 * PATIENCE)
        self.case.assertEqual(done.returncode, 0, done.stderr)


class Publisher:
    """One connection that publishes a line a reading, at a steady rate, until told otherwise."""

    def __init__(self, broker, topic, make, hertz=8, will=None):
        arguments = ["stdbuf", "-oL"] + broker._client() + ["-t", topic, "-l"]
        if will:
            arguments += ["--will-topic", will, "--will-payload", "offline", "--will-retain", "--will-qos", "1", "-k", "5"]
        self.make, self.gap, self.sent = make, 1 / hertz, 0
        self.popen = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        broker.case.addCleanup(self.end)

    def _run(self):
        while not self._stop.wait(self.gap):
            try:
                self.popen.stdin.write(self.make(self.sent).encode() + b"\n")
                self.popen.stdin.flush()
            except (OSError, ValueError):
                return
            self.sent += 1

    def end(self, kill=False):
        self._stop.set()
        self._thread.join()
        if kill:
            self.popen.kill()
        try:
            self.popen.stdin.close()
        except OSError:
            pass
        self.popen.wait(20)


class Room:
    """An array's readings of a room at 22 degrees, with noise from a fixed seed; with somebody in it when `people` is true."""

    def __init__(self, people=False):
        self.people, self.x, self.state, self.seen_for = people, 4.0, 12345, 0

    def noise(self):
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return (self.state >> 16) % 21 - 10

    def values(self):
        values = [2200 + self.noise() for _ in range(WIDTH * HEIGHT)]
        if self.people:
            self.seen_for += 1
            # Walks in from the left edge, then stays about, never quite still.
            self.x = min(16.0, -2 + 0.7 * self.seen_for) + 0.4 * ((self.seen_for // 6) % 3)
            for row in range(9, 14):
                for column in range(WIDTH):
                    if abs(column - self.x) < 2.5:
                        values[row * WIDTH + column] += 900
        else:
            self.seen_for = 0
        return values

    def reading(self, _number=0):
        return json.dumps({"v": 1, "t": int(time.time() * 1000), "w": WIDTH, "h": HEIGHT, "unit": "centi_celsius", "values": self.values()},
                          separators=(",", ":"))


def sensor(name, kind="thermal_array", **more):
    made = {"id": name, "kind": kind, "topic": f"kanhu/f1/{name}", **more}
    if kind == "thermal_array":
        made = {"silent_after": "3s", **made}
    return made


def with_sensors(folder, broker, sensors, **of_broker):
    url = f"{'mqtts' if broker.tls else 'mqtt'}://127.0.0.1:{broker.port}"
    config = config_of(folder, [{"id": "f1", "class": "community_station", "zones": [{"id": "room"}, {"id": "bath", "private": True}],
                                 "sensors": sensors}])
    config["mqtt"] = {"brokers": [{"id": "b", "url": url, **of_broker}]}
    return config


IN_ROOM = {"zones": [{"zone": "room"}]}


class Arrays(Case):
    def test_readings_become_presence_and_silence_becomes_unknown(self):
        broker = Broker(self)
        room = Room()
        publisher = Publisher(broker, "kanhu/f1/array", room.reading)
        gateway = self.gateway(None, config=with_sensors(self.folder, broker, [sensor("array", **IN_ROOM)]))
        feed = gateway.subscriber
        gateway.wait_up("array")
        self.assertEqual(gateway.state()["facilities"][0]["cameras"][0]["sensor"], "thermal_array")
        absent = feed.wait(60 * PATIENCE, type="presence.absent", camera="array")
        print(f"  {absent}")
        room.people = True
        started = feed.wait(30 * PATIENCE, type="presence.started", camera="array")
        print(f"  {started}")
        self.assertEqual(started.data["count"], 1)
        table = self.kanhu("status", "-c", gateway.path).stdout.decode()
        self.assertRegex(table, r"f1/array +up +yes +yes +yes +yes +yes +[1-9]")
        self.assertIn('kanhu_camera_', gateway.http("/metrics")[1])

        since = feed.mark()
        publisher.end()
        offline = feed.wait(20 * PATIENCE, type="camera.offline", camera="array", since=since)
        self.assertEqual(offline.data["cause"], "stalled")
        self.assertIn("no reading for 3s", offline.data["words"])
        presences = {one["zone"]: one for one in gateway.state()["presences"]}
        self.assertEqual((presences["room"]["state"], presences["room"]["reason"]), ("unknown", "camera_offline"))
        watch_for(6)
        self.assertEqual(len(feed.find(type="camera.offline", camera="array", phase="start")), 1)
        self.assertEqual(feed.find(type="presence.absent", camera="array", since=since), [])
        Publisher(broker, "kanhu/f1/array", room.reading)
        gateway.wait_up("array")
        self.stop(gateway)

    def test_what_cannot_be_read_is_named_and_harms_nobody_else(self):
        broker = Broker(self)
        good = Room()
        nan = json.dumps({"v": 1, "values": [21.5] * (WIDTH * HEIGHT - 1)})[:-2] + ",nan]}"
        bad = {
            "short": (json.dumps({"v": 1, "values": [21.5] * (WIDTH * HEIGHT - 1)}), "767 values, 32x24 needs 768"),
            "nan": (nan, "NaN"),
            "hot": (json.dumps({"v": 1, "values": [2150] * (WIDTH * HEIGHT)}), "-40 to 300"),
            "deep": ("[" * 5000, "deeper than 16"),
            "text": ("hello", "not JSON"),
            "long": (json.dumps({"v": 1, "values": [21.5], "x": "y" * 270_000}), "at most 262144"),
        }
        sensors = [sensor("good", **IN_ROOM)] + [sensor(name) for name in bad]
        gateway = self.gateway(None, config=with_sensors(self.folder, broker, sensors))
        Publisher(broker, "kanhu/f1/good", good.reading)
        for name, (payload, _) in bad.items():
            Publisher(broker, f"kanhu/f1/{name}", lambda _, text=payload: text, hertz=2)
        gateway.wait_up("good")
        for name, (_, words) in bad.items():
            def named(name=name, words=words):
                camera = gateway.state()["cameras"][name]
                return camera["facts"]["decodable"] == "false" and words in camera.get("words", "")
            wait_for(named, 20, f"{name}: {words}; {gateway.state()['cameras'][name]}")
        for name, (_, words) in bad.items():
            self.assertIn(f"sensor {name}: ", gateway.log.read_text())
            wait_for(lambda name=name: gateway.counters(name)["decode_errors"] > 2, 10, f"{name}: counted")
        self.assertEqual(gateway.camera_state("good"), "up")
        self.assertEqual(gateway.subscriber.find(type="camera.offline", camera="good"), [])
        self.stop(gateway)

    def test_a_flood_and_a_payload_of_100_mb_leave_memory_bounded_and_the_others_unharmed(self):
        broker = Broker(self)
        good = Room()
        gateway = self.gateway(None, config=with_sensors(self.folder, broker, [sensor("good", **IN_ROOM), sensor("flood"), sensor("huge")]))
        Publisher(broker, "kanhu/f1/good", good.reading)
        gateway.wait_up("good")
        before = self.resident_bytes(gateway.pid)

        line = json.dumps({"v": 1, "unit": "centi_celsius", "values": Room().values()}, separators=(",", ":")).encode() + b"\n"
        flood = subprocess.run(broker._client() + ["-t", "kanhu/f1/flood", "-l"], input=line * 10_000, check=False, timeout=120 * PATIENCE)
        self.assertEqual(flood.returncode, 0)
        wait_for(lambda: gateway.counters("flood")["frames_dropped"] > 100, 20, "the flood is counted")
        wait_for(lambda: "came faster than they can count" in gateway.log.read_text(), 20, "the flood is summed up")
        lines = [line for line in gateway.log.read_text().splitlines() if "sensor flood" in line]
        self.assertLess(len(lines), 10)

        broker.publish("kanhu/f1/huge", b"[" + b"1," * 50_000_000 + b"1]")
        broker.publish("kanhu/f1/huge", b"[" + b"1," * 50_000_000 + b"1]", retain=True)
        peak = max(self.resident_bytes(gateway.pid), self.peak_bytes(gateway.pid))
        print(f"  resident before {before / 2**20:.0f} MiB, peak {peak / 2**20:.0f} MiB")
        self.assertLess(peak - before, 60 * 2**20)
        wait_for(lambda: "withhold" in gateway.state()["cameras"]["huge"].get("words", ""), 20, "the silence is named")
        packets = gateway.counters("good")["frames_analysed"]
        wait_for(lambda: gateway.counters("good")["frames_analysed"] > packets + 20, 20, "the good one goes on")
        self.assertEqual(gateway.camera_state("good"), "up")
        self.assertEqual(gateway.subscriber.find(type="camera.offline", camera="good"), [])
        self.stop(gateway)

    @staticmethod
    def resident_bytes(pid):
        return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024

    @staticmethod
    def peak_bytes(pid):
        return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024

    def test_a_broker_that_dies_is_one_loss_and_comes_back_by_itself(self):
        broker = Broker(self)
        room = Room()
        gateway = self.gateway(None, config=with_sensors(self.folder, broker, [sensor("array", **IN_ROOM)]))
        publisher = Publisher(broker, "kanhu/f1/array", room.reading)
        gateway.wait_up("array")
        feed = gateway.subscriber
        since = feed.mark()
        broker.kill()
        offline = feed.wait(10 * PATIENCE, type="camera.offline", camera="array", since=since)
        self.assertIn("broker", offline.data["words"])
        self.assertEqual(gateway.state()["cameras"]["array"]["facts"]["connected"], "false")
        publisher.end(kill=True)
        watch_for(3)
        broker.start()
        Publisher(broker, "kanhu/f1/array", room.reading)
        gateway.wait_up("array")
        self.assertEqual(len(feed.find(type="camera.offline", camera="array", phase="start")), 1)
        self.assertEqual(feed.find(type="presence.absent", camera="array", since=since, phase="start"), [])
        self.stop(gateway)

    def test_a_clock_that_runs_backwards_and_a_reading_again_and_again_are_named(self):
        broker = Broker(self)
        room = Room()
        began = int(time.time() * 1000)

        def backwards(number):
            return json.dumps({"v": 1, "t": began - 100 * number, "unit": "centi_celsius", "values": room.values()})

        stuck = room.reading()
        gateway = self.gateway(None, config=with_sensors(self.folder, broker, [sensor("back", silent_after="60s"), sensor("stuck")]))
        Publisher(broker, "kanhu/f1/back", backwards)
        Publisher(broker, "kanhu/f1/stuck", lambda _: stuck)
        gateway.wait_up("back")
        wait_for(lambda: "ran backwards" in gateway.state()["cameras"]["back"].get("words", ""), 20, "the clock is named")
        self.assertEqual(gateway.camera_state("back"), "up")
        offline = gateway.subscriber.wait(20 * PATIENCE, type="camera.offline", camera="stuck")
        self.assertEqual(offline.data["cause"], "stalled")
        self.stop(gateway)


class Switches(Case):
    def test_retained_state_last_will_and_availability(self):
        broker = Broker(self)
        now = datetime.datetime.now(datetime.timezone.utc)
        old, new = (now - datetime.timedelta(days=3)).isoformat(), now.isoformat()
        broker.publish("kanhu/f1/door", json.dumps({"v": 1, "open": True, "t": new}), retain=True)
        broker.publish("kanhu/f1/gate", json.dumps({"v": 1, "open": True, "t": old}), retain=True)
        broker.publish("zigbee2mqtt/motion", json.dumps({"battery": 90, "occupancy": True, "last_seen": new}), retain=True)
        broker.publish("zigbee2mqtt/past", json.dumps({"battery": 90, "occupancy": True, "last_seen": old}), retain=True)
        mapping = {"values": "/occupancy", "time": "/last_seen"}
        sensors = [sensor("door", "contact", **IN_ROOM), sensor("gate", "contact"),
                   sensor("motion", "pir", topic="zigbee2mqtt/motion", hold="20s", mapping=mapping, **IN_ROOM),
                   sensor("past", "pir", topic="zigbee2mqtt/past", mapping=mapping),
                   sensor("willing", "pir", availability={"topic": "kanhu/f1/willing/status"}, hold="30s", zones=[{"zone": "bath"}])]
        gateway = self.gateway(None, config=with_sensors(self.folder, broker, sensors))
        feed = gateway.subscriber
        gateway.wait_up("door", "motion")
        # What is retained comes at once, maybe before a subscriber's subscription does: it stands in the journal.
        started = json.loads(wait_for(lambda: [record for record in journal_reader.events(gateway.data / "journal")
                                               if (record.type, record.source) == ("presence.started", "motion")], 10, "motion starts")[0].body)
        self.assertEqual(started["data"]["label"], "motion")
        ended = feed.wait(40 * PATIENCE, type="presence.ended", camera="motion", state="unknown")
        self.assertEqual((ended.subject, ended.data["end_reason"]), (started["subject"], "no_motion"))
        self.assertEqual(feed.find(type="presence.absent", camera="motion"), [])
        said = {(record.type, record.source) for record in journal_reader.events(gateway.data / "journal")}
        self.assertIn(("contact.opened", "door"), said)
        self.assertFalse(said & {("contact.opened", "gate"), ("presence.started", "past")}, "what was three days ago is not now")

        publisher = Publisher(broker, "kanhu/f1/willing", lambda number: "ON" if number % 2 else "OFF", hertz=2, will="kanhu/f1/willing/status")
        broker.publish("kanhu/f1/willing/status", "online", retain=True)
        gateway.wait_up("willing")
        feed.wait(10 * PATIENCE, type="presence.started", camera="willing")
        publisher.end(kill=True)
        offline = feed.wait(20 * PATIENCE, type="camera.offline", camera="willing")
        self.assertIn("last will", offline.data["words"])
        self.assertEqual(gateway.state()["cameras"]["willing"]["facts"]["connected"], "false")
        broker.publish("kanhu/f1/willing/status", "online", retain=True)
        gateway.wait_up("willing")
        self.stop(gateway)

    def test_sensors_come_and_go_with_a_reload(self):
        broker = Broker(self)
        one, two = sensor("one", "pir"), sensor("two", "pir")
        gateway = self.gateway(None, config=with_sensors(self.folder, broker, [one]))
        gateway.wait_up("one")
        gateway.reload(with_sensors(self.folder, broker, [one, two]))
        changed = gateway.subscriber.wait(20 * PATIENCE, type="gateway.config_changed")
        self.assertEqual((changed.data["cameras_added"], changed.data["cameras_changed"]), (1, 0))
        gateway.wait_up("one", "two")
        self.assertEqual(gateway.subscriber.find(type="camera.offline"), [])
        gateway.reload(with_sensors(self.folder, broker, [two]))
        wait_for(lambda: "one" not in gateway.state()["cameras"], 20, "the first is gone")
        gateway.wait_up("two")
        self.stop(gateway)


class Worker(Case):
    def test_a_worker_reads_them_and_when_it_dies_they_are_unknown_until_another_knows_what_held(self):
        broker = Broker(self)
        room = Room()
        publisher = Publisher(broker, "kanhu/f1/array", room.reading)
        gateway, feed = self.opened(broker, 16)
        self.assertNotIn("seats", self.threads(gateway.pid), "nothing is read in the gateway")
        feed.wait(60 * PATIENCE, type="presence.absent", camera="array")
        worker = gateway.info()["workers"][-1]["pid"]
        self.assertIn(worker, gateway.children())
        since = feed.mark()
        os.kill(worker, signal.SIGSEGV)
        restarted = feed.wait(20 * PATIENCE, type="gateway.worker_restarted", since=since)
        self.assertEqual(set(restarted.data["sources"]), {"array", "door"})
        self.assertIn("signal 11", restarted.data["words"])
        unknown = feed.wait(20 * PATIENCE, type="presence.unknown", camera="array", since=since)
        self.assertEqual(unknown.data["reason"], "not_analysed")
        gateway.wait_up("array", "door")
        self.assertNotEqual(gateway.info()["workers"][-1]["pid"], worker)
        feed.wait(60 * PATIENCE, type="presence.absent", camera="array", since=since)
        doors = lambda: [one for one in gateway.ask({"v": 1, "request": "look"})["sources"] if one["source"] == "door"]
        wait_for(lambda: doors()[0].get("open") is True, 20, f"that the door is open is known again: {doors()}")
        self.assertEqual(feed.find(type="contact.opened", since=since), [], "it was open all the time")
        broker.publish("kanhu/f1/door", "closed")
        wait_for(lambda: feed.find(camera="door", end_reason="closed_again", since=since), 20, "the door is closed")
        self.assertEqual(feed.find(type="camera.offline", since=since), [])
        publisher.end()
        self.stop(gateway)

    def test_on_a_small_box_their_worker_is_a_thread(self):
        broker = Broker(self)
        Publisher(broker, "kanhu/f1/array", Room().reading)
        gateway, _ = self.opened(broker, 0)
        self.assertIn("seats", self.threads(gateway.pid))
        self.assertEqual(gateway.children(), [])
        self.stop(gateway)

    def opened(self, broker, per_worker):
        config = with_sensors(self.folder, broker, [sensor("array", **IN_ROOM), sensor("door", "contact")])
        config["gateway"]["sources_per_worker"] = per_worker
        gateway = self.gateway(None, config=config)
        gateway.wait_up("array", "door")
        broker.publish("kanhu/f1/door", "open")  # not retained: nobody will say it again
        gateway.subscriber.wait(20 * PATIENCE, type="contact.opened", camera="door")
        return gateway, gateway.subscriber

    @staticmethod
    def threads(pid):
        return {name.read_text().strip() for name in pathlib.Path(f"/proc/{pid}/task").glob("*/comm")}


class NoBroker(Case):
    def test_what_answers_and_is_no_broker_is_named_and_nothing_hangs(self):
        def connect(name, port, **more):
            return {"id": name, "url": f"mqtt://127.0.0.1:{port}", **more}

        talks, silent = FakeCamera(text_file), FakeCamera(silence)
        self.addCleanup(talks.close)
        self.addCleanup(silent.close)
        names = {"shut": (connect("shut", free_port()), "nothing listens"),
                 "talks": (connect("talks", talks.port), "does not speak MQTT"),
                 "silent": (connect("silent", silent.port), "the broker"),
                 "locked": (connect("locked", silent.port, credential="never"), "kanhu secret set never")}
        config = config_of(self.folder, [{"id": "f1", "class": "community_station", "sensors": [
            sensor(name, "contact", broker=name) for name in names]}])
        config["mqtt"] = {"brokers": [broker for broker, _ in names.values()]}
        gateway = self.gateway(None, config=config)
        for name, (_, words) in names.items():
            # Some are lost before anybody could subscribe.
            wait_for(lambda name=name, words=words: words in gateway.state()["cameras"][name].get("words", ""), 30, f"{name}: {words}")
            self.assertEqual(gateway.state()["cameras"][name]["facts"]["connected"], "false")
            self.assertEqual(gateway.camera_state(name), "offline")
        self.stop(gateway)


def packet_of(connection):
    """The type of the next MQTT packet of a client, and its body."""
    def exactly(count):
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            if not more:
                raise OSError("the client has gone")
            data += more
        return data

    kind, length, shift = exactly(1)[0] >> 4, 0, 0
    while True:
        byte = exactly(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, exactly(length)


CONNACK = b"\x20\x03\x00\x00\x00"


def suback(connection):
    """Reads what the client subscribes to, and grants all of it."""
    while True:
        kind, body = packet_of(connection)
        if kind == 8:
            break
    topics, at = 0, 3 + body[2]
    while at < len(body):
        at += 2 + int.from_bytes(body[at:at + 2], "big") + 1
        topics += 1
    connection.sendall(bytes([0x90, 3 + topics]) + body[:2] + b"\x00" + b"\x00" * topics)


def never_ending(connection, _server):
    """A message that claims to be 256 MiB long, and comes."""
    packet_of(connection)
    connection.sendall(CONNACK)
    suback(connection)
    connection.sendall(b"\x30\xff\xff\xff\x7f" + b"\x00\x0bkanhu/f1/s1\x00")
    for _ in range(256):
        connection.sendall(bytes(1 << 20))
    time.sleep(60)


def twice(connection, _server):
    packet_of(connection)
    connection.sendall(CONNACK * 2)
    silence(connection, _server)


def unsubscribed(connection, _server):
    packet_of(connection)
    connection.sendall(CONNACK)
    silence(connection, _server)


def drops(connection, _server):
    packet_of(connection)
    connection.sendall(CONNACK)
    suback(connection)


class Hostile(Case):
    """Brokers that speak MQTT 5 and break it."""

    def gateway_at(self, talk, **more):
        broker = FakeCamera(talk)
        self.addCleanup(broker.close)
        config = config_of(self.folder, [{"id": "f1", "class": "community_station", "sensors": [sensor("s1", "contact", **more)]}])
        config["mqtt"] = {"brokers": [{"id": "broker", "url": f"mqtt://127.0.0.1:{broker.port}"}]}
        return broker, self.gateway(None, config=config)

    @staticmethod
    def highest(pid):
        """MiB of memory the process has had at its most."""
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmHWM")

    def words(self, gateway, words):
        wait_for(lambda: words in gateway.state()["cameras"]["s1"].get("words", ""), 30, words)

    def test_a_message_without_end_takes_no_memory(self):
        _, gateway = self.gateway_at(never_ending)
        before = self.highest(gateway.pid)
        self.words(gateway, "a message of over 320 KiB")
        self.assertLess(self.highest(gateway.pid) - before, 32)
        self.stop(gateway)

    def test_one_that_answers_twice_or_not_at_all_is_named(self):
        _, gateway = self.gateway_at(twice)
        self.words(gateway, "answers the connection twice")
        self.stop(gateway)

    def test_one_that_never_answers_the_subscription_is_named_and_never_said_to_be_connected(self):
        _, gateway = self.gateway_at(unsubscribed)
        self.words(gateway, "does not answer the subscription")
        self.stop(gateway)
        self.assertNotIn("broker broker: connected", gateway.log.read_text())

    def test_one_that_drops_each_connection_is_asked_less_and_less_and_told_once(self):
        broker, gateway = self.gateway_at(drops)
        wait_for(lambda: len(broker.connections) >= 5, 60, "five connections")
        self.stop(gateway)
        log = gateway.log.read_text()
        self.assertEqual(log.count("broker broker: connected"), 1)
        self.assertEqual(log.count("broker broker: the broker ended the connection"), 1)
        # Each is preceded by one that only looks whether anybody listens there.
        self.assertLess(len(broker.connections), 40)


class Secured(Case):
    def certificates(self):
        folder = self.folder / "tls"
        folder.mkdir()

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
        (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem", "-days", "2",
                "-extfile", "ext")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-out", "other.pem", "-days", "2", "-subj", "/CN=Other")
        return folder

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_tls_and_password_and_what_is_said_when_either_is_wrong(self):
        tls = self.certificates()
        broker = Broker(self, users={"kanhu": CANARY}, tls=tls)
        broker.publish("kanhu/f1/door", "open", retain=True)
        self.secret("mqtt", "kanhu", CANARY)
        door = sensor("door", "contact")
        good = with_sensors(self.folder, broker, [door], credential="mqtt", ca_file=str(tls / "ca.pem"))
        gateway = self.gateway(None, config=good)
        gateway.wait_up("door")

        gateway.reload(with_sensors(self.folder, broker, [door], credential="mqtt", ca_file=str(tls / "other.pem")))
        offline = gateway.subscriber.wait(20 * PATIENCE, type="camera.offline", camera="door")
        self.assertIn("certificate", offline.data["words"])
        gateway.reload(good)
        gateway.wait_up("door")

        self.secret("mqtt", "kanhu", "wrong-" + CANARY)
        since = gateway.subscriber.mark()
        gateway.reload(with_sensors(self.folder, broker, [door], credential="mqtt", ca_file=str(tls / "ca.pem"), client_id="anew"))
        offline = gateway.subscriber.wait(20 * PATIENCE, type="camera.offline", camera="door", since=since)
        self.assertEqual(offline.data["cause"], "unauthorized")
        self.secret("mqtt", "kanhu", CANARY)
        gateway.wait_up("door", deadline=60)
        self.stop(gateway)
        self.assertNotIn(CANARY, gateway.log.read_text())
        for line in (pathlib.Path(gateway.data) / "journal").rglob("*"):
            self.assertNotIn(CANARY.encode(), line.read_bytes() if line.is_file() else b"")


if __name__ == "__main__":
    main()
