# SPDX-License-Identifier: MIT
"""A subscriber in a process of its own that writes its history as lines for history.py, so that it can be stopped, slowed and put elsewhere.

    python3 recorder.py raw    LIVE - OUT [FACILITY...]            live only; what it missed is reckoned afterwards (Reckoning)
    python3 recorder.py client LIVE QUERY OUT [FACILITY...]        clients/python, from the oldest event on
Each line has `at`, µs since 1970 UTC like `published`. Ends with SIGTERM, or when the process that started it ends. KANHU_RECORDER_HEARTBEAT=ms switches on ZMTP
heartbeats, which docs/events.md advises against; KANHU_RECORDER_FROM=now|oldest|EPOCH:SEQ says where a client begins, KANHU_RECORDER_PAUSE=PATH
that it takes nothing while there is such a file.
"""
import hashlib
import json
import os
import pathlib
import sys
import time

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients/python"))
import kanhu_subscriber  # noqa: E402
from canonical import canonical  # noqa: E402


class Lines:
    """Each line is written at once and whole: a kill leaves no half of one."""

    def __init__(self, path):
        self.write = open(path, "ab", buffering=0).write

    def add(self, how, **members):
        self.write(json.dumps({"how": how, "at": time.time_ns() // 1000, **members}).encode() + b"\n")


class Reckoning:
    """The five rules, for each stream: items for history.py of what came, and of what was missed as far as the numbers alone tell."""

    def __init__(self):
        self.items, self.seen = [], set()
        self.last = {}   # stream -> (epoch, stream_seq)
        self.ended = {}  # the same of an epoch that is over, until the first head of the next one

    def take(self, line):
        stream, _, kind = line["topic"].strip("/").split("/")[1:]
        header = line["header"]
        place = {"epoch": header["epoch"], "seq": header["seq"]}
        if kind == "commit":
            self.items.append({"how": "commit", **place})
        elif kind == "head":
            more = self._count(stream, header["epoch"], header["stream_seq"], 0, line["head"]["previous"])
            self.items.append({"how": "head", "epoch": header["epoch"], "stream": stream, "stream_seq": header["stream_seq"], **more})
        elif kind != "heartbeat":
            again = (header["epoch"], header["seq"]) in self.seen  # the checker compares the two
            self.seen.add((header["epoch"], header["seq"]))
            more = {} if again else self._count(stream, header["epoch"], header["stream_seq"], 1, None)
            self.items.append({"how": "live", "at": line["at"], **place, "stream": stream, "stream_seq": header["stream_seq"], "body": line["body"],
                               "durable": header["durable"], "provisional": header["provisional"], "published": header["published"], **more})

    def _count(self, stream, epoch, number, event, previous):
        before = self.last.get(stream)
        if before is None:
            self.last[stream] = (epoch, number)
            return {"base": True}
        if before[0] != epoch:
            # The oldest one counts when another epoch is over before its first head.
            self.ended.setdefault(stream, before)
        if not event and stream in self.ended:
            was, there = self.ended.pop(stream)
            if previous is None or previous["epoch"] != was:
                self._missed(stream, was, there + 1, before=epoch)
            elif previous["stream_seq"] > there:
                self._missed(stream, was, there + 1, last=previous["stream_seq"])
        known = before[1] if before[0] == epoch else 0
        if number > known + event:
            self._missed(stream, epoch, known + 1, last=number - event)
        self.last[stream] = (epoch, max(number, known))
        return {}

    def _missed(self, stream, epoch, first, **bound):
        self.items.append({"how": "missed", "epoch": epoch, "stream": stream, "first": first, **bound})


def raw(live, lines, facilities):
    """Writes what comes off the wire and thinks about it later, so that fifty of these can run beside each other."""
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 8000)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    if os.environ.get("KANHU_RECORDER_HEARTBEAT"):
        socket.setsockopt(zmq.HEARTBEAT_IVL, int(os.environ["KANHU_RECORDER_HEARTBEAT"]))
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(os.environ["KANHU_RECORDER_HEARTBEAT"]) * 2)
    for prefix in [f"kanhu1/{one}/" for one in facilities] or ["kanhu1/"]:
        socket.setsockopt_string(zmq.SUBSCRIBE, prefix)
    socket.connect(live)
    while True:
        topic, header, payload = socket.recv_multipart()
        head = payload if topic.endswith(b"/head/") else b"null"
        lines.write(b'{"at":%d,"topic":"%s","header":%s,"head":%s,"body":"%s"}\n' %
                    (time.time_ns() // 1000, topic, header, head, hashlib.sha256(payload).hexdigest().encode()))


def client(live, query, lines, facilities):
    begins, pause = os.environ.get("KANHU_RECORDER_FROM", "oldest"), os.environ.get("KANHU_RECORDER_PAUSE")
    after = None if begins == "now" else begins if begins == "oldest" else (begins.split(":")[0], int(begins.split(":")[1]))
    for item in kanhu_subscriber.Subscriber(live, query, facilities or None, after=after):
        while pause and os.path.exists(pause):
            time.sleep(0.01)
        if isinstance(item, kanhu_subscriber.Event):
            lines.add("live" if "published" in item.header else "fetch", epoch=item.epoch, seq=item.seq, stream=item.topic.split("/")[1],
                      stream_seq=item.stream_seq, body=hashlib.sha256(canonical(item.payload).encode()).hexdigest(),
                      durable=item.header["durable"], provisional=item.header["provisional"])
        else:
            lines.add("gap", **vars(item))


def main():
    kind, live, query, out, *facilities = sys.argv[1:]
    lines = Lines(out)
    if kind == "raw":
        raw(live, lines, facilities)
    else:
        client(live, query, lines, facilities)


if __name__ == "__main__":
    main()
