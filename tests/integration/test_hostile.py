# SPDX-License-Identifier: MIT
"""Hostile third parties against the real gateway: garbage, half a handshake, frames without end, floods, thousands of connections.

The gateway lives, its memory stays where it was, and a well-behaved subscriber beside it loses nothing and waits for nothing.
"""
import contextlib
import json
import os
import random
import resource
import signal
import socket
import struct
import threading
import time

import zmq
from harness import PATIENCE, Case, camera, config_of, facility, main, wait_for

MIB = 1 << 20
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


def ready(kind):
    return frame(b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind, 4)


class Witness(threading.Thread):
    """Follows the stream of the gateway's own events, and remembers the longest silence."""

    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.live = self.context.socket(zmq.SUB)
        self.live.setsockopt_string(zmq.SUBSCRIBE, "kanhu1/-/")
        self.live.connect(endpoint)
        self.numbers, self.silence, self.late, self.heard, self.stopped = [], 0.0, [], None, False
        self.start()

    def run(self):
        while not self.stopped:
            if not self.live.poll(100):
                continue
            topic, header, _ = self.live.recv_multipart()
            now = time.monotonic()
            if self.heard is not None:
                self.silence = max(self.silence, now - self.heard)
            self.heard = now
            header = json.loads(header)
            if topic.split(b"/")[3] not in (b"head", b"heartbeat", b"commit"):
                self.numbers.append(header["stream_seq"])
                self.late.append(time.time() - header["published"] / 1e6)
        self.live.close()


class Hostile(Case):
    def setUp(self):
        super().setUp()
        config = config_of(self.folder, [facility("f1", [camera("nobody", "rtsp://127.0.0.1:9/none")])])
        self.gw = self.gateway(None, config=config, subscribe=False)
        self.ports = {name: int(self.gw.endpoints[name].rsplit(":", 1)[1]) for name in ("live", "query")}
        self.witness = Witness(self.gw.endpoints["live"])
        wait_for(lambda: self.witness.heard, 10, "the witness hears")
        self.before = self.resident()
        self.stopped = False
        self.reloads = threading.Thread(target=self.reload, daemon=True)
        self.reloads.start()

    def reload(self):
        """An event every now and then."""
        while not self.stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.gw.pid, signal.SIGHUP)
            time.sleep(0.25)

    def resident(self):
        with open(f"/proc/{self.gw.pid}/statm", encoding="ascii") as file:  # smaps_rollup is for root alone
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def connect(self, port):
        made = socket.create_connection(("127.0.0.1", port), 10)
        made.settimeout(10)
        return made

    def endure(self, attack, seconds=3.0, allowed=16 * MIB):
        """Runs `attack` again and again so long; the most the gateway grew meanwhile."""
        most, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                attack()
            most = max(most, self.resident() - self.before)
        self.assertTrue(self.gw.alive(), "the gateway died")
        self.assertLess(most, allowed, f"grew by {most / MIB:.1f} MiB")
        print(f"  {self.id().rsplit('.', 1)[1]}: grew by {max(most, 0) / MIB:.1f} MiB, longest silence {self.witness.silence:.2f} s", flush=True)

    def all_is_well(self):
        so_far = len(self.witness.numbers)
        wait_for(lambda: len(self.witness.numbers) > so_far + 2, 10, "events go on")
        self.stopped = True
        self.reloads.join()
        self.assertTrue(self.gw.ask({"v": 1, "request": "state"})["ok"])
        self.witness.stopped = True
        self.witness.join()
        numbers = self.witness.numbers
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertLess(self.witness.silence, 2.5 * PATIENCE)
        self.assertLess(max(self.witness.late), 1.0 * PATIENCE)

    def test_garbage_on_both_ports(self):
        dice = random.Random(7)

        def attack():
            for port in self.ports.values():
                with self.connect(port) as raw:
                    head = dice.choice([b"", GREETING, GREETING + ready(b"SUB"), GREETING + ready(b"DEALER"), b"GET / HTTP/1.1\r\n\r\n"])
                    raw.sendall(head + dice.randbytes(dice.randrange(5000)))
        self.endure(attack)
        self.all_is_well()

    def test_half_a_handshake(self):
        held = []

        def attack():
            for port in self.ports.values():
                for length in (0, 1, 10, 40, 64):
                    held.append(self.connect(port))
                    held[-1].sendall(GREETING[:length])
            time.sleep(0.1)
        self.endure(attack)
        # The gateway hangs up on them.
        wait_for(lambda: all(self.closed(raw) for raw in held), 15, "they are cut off")
        for raw in held:
            raw.close()
        self.all_is_well()

    @staticmethod
    def closed(raw):
        raw.setblocking(False)
        try:
            while True:
                if raw.recv(4096) == b"":
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True

    def test_frames_of_100_megabytes(self):
        megabyte = bytes(MIB)

        def attack():
            for name, kind in (("live", b"SUB"), ("query", b"DEALER")):
                with self.connect(self.ports[name]) as raw:
                    raw.sendall(GREETING + ready(kind))
                    time.sleep(0.1)
                    raw.sendall(b"\x02" + struct.pack(">Q", 100 * MIB))
                    with contextlib.suppress(OSError):
                        for _ in range(100):
                            raw.sendall(megabyte)
        self.endure(attack)
        self.all_is_well()

    def test_a_flood_of_subscriptions(self):
        dice = random.Random(11)
        chunk = b"".join(frame(b"\1" + dice.randbytes(190)) for _ in range(2000))

        def attack():
            with self.connect(self.ports["live"]) as raw:
                raw.sendall(GREETING + ready(b"SUB"))
                time.sleep(0.05)
                for _ in range(50):
                    raw.sendall(chunk)
        # How much comes in before the flood is cut off depends on who has the processor; uncut it would be gigabytes.
        self.endure(attack, seconds=5, allowed=48 * MIB)
        self.all_is_well()
        wait_for(lambda: self.gw.info()["publish"]["cut_off"] > 0, 5, "it is counted")

    def test_subscribing_and_unsubscribing_without_end(self):
        chunk = b"".join(frame(b"\1kanhu1/f%d/" % i) + frame(b"\0kanhu1/f%d/" % i) for i in range(2000))

        def attack():
            with self.connect(self.ports["live"]) as raw:
                raw.sendall(GREETING + ready(b"SUB"))
                time.sleep(0.05)
                for _ in range(5):
                    raw.sendall(chunk)
                time.sleep(0.2)
        self.endure(attack, seconds=5)
        self.all_is_well()

    def test_requests_without_reading_an_answer(self):
        request = frame(b"", 1) + frame(json.dumps({"v": 1, "request": "fetch", "max_bytes": 4 * MIB, "max_events": 5000}).encode())
        held = []

        def attack():
            if not held:
                held.append(self.connect(self.ports["query"]))
                held[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                held[0].sendall(GREETING + ready(b"DEALER"))
                time.sleep(0.1)
                held[0].settimeout(0.2)
            held[0].sendall(request * 20)
        self.endure(attack)
        for raw in held:
            raw.close()
        self.all_is_well()

    def test_a_subscriber_that_does_not_read(self):
        with self.connect(self.ports["live"]) as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.sendall(GREETING + ready(b"SUB") + frame(b"\1kanhu1/"))
            self.endure(lambda: time.sleep(0.1))
        self.all_is_well()

    def test_ten_thousand_connections(self):
        most = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        held = []
        try:
            for number in range(most):  # each speaks for as long as it is heard
                with contextlib.suppress(OSError):
                    held.append(self.connect(self.ports["live" if number % 2 else "query"]))
                    held[-1].sendall(GREETING + ready(b"SUB" if number % 2 else b"DEALER"))
                if number % 1000 == 999:
                    self.assertTrue(self.gw.alive())
                    print(f"  {len(held)} connections: grew by {(self.resident() - self.before) / MIB:.1f} MiB", flush=True)
            self.assertGreater(len(held), 0.9 * most)
            self.assertLess((self.resident() - self.before) / len(held), 64 << 10)
            self.assertTrue(self.gw.ask({"v": 1, "request": "state"}, deadline=20)["ok"])
        finally:
            for raw in held:
                raw.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.all_is_well()


if __name__ == "__main__":
    main()
