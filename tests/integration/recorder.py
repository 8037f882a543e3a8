"""A subscriber in a process of its own that writes its history as lines for history.py, so that it can be stopped, slowed and put elsewhere.

    python3 recorder.py raw    LIVE - OUT [FACILITY...]            live only; reckons what it missed by the five rules of docs/events.md
    python3 recorder.py client LIVE QUERY OUT [FACILITY...]        clients/python, from the oldest event on
Each line has `at`, CLOCK_MONOTONIC in ns. Ends with SIGTERM, or when the process that started it ends. KANHU_RECORDER_HEARTBEAT=ms switches on ZMTP
heartbeats, which docs/events.md advises against; KANHU_RECORDER_FROM=now|oldest|EPOCH:SEQ says where a client begins.
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
        self._file = open(path, "ab", buffering=0)

    def add(self, how, **members):
        self._file.write(json.dumps({"how": how, "at": time.monotonic_ns(), **members}).encode() + b"\n")


class Reckoning:
    """The five rules, for each stream: what was missed, from the numbers alone."""

    def __init__(self, lines):
        self.lines = lines
        self.last = {}   # stream -> (epoch, stream_seq)
        self.ended = {}  # the same of an epoch that is over, until the first head of the next one

    def take(self, stream, epoch, number, event, previous):
        """True when this is the first message of the stream."""
        before = self.last.get(stream)
        if before is None:
            self.last[stream] = (epoch, number)
            return True
        if before[0] != epoch:
            # The oldest one counts when another epoch is over before its first head.
            self.ended.setdefault(stream, before)
        if not event and stream in self.ended:
            was, number_there = self.ended.pop(stream)
            if previous is None or previous["epoch"] != was:
                self.lines.add("missed", epoch=was, stream=stream, first=number_there + 1, before=epoch)
            elif previous["stream_seq"] > number_there:
                self.lines.add("missed", epoch=was, stream=stream, first=number_there + 1, last=previous["stream_seq"])
        known = before[1] if before[0] == epoch else 0
        if number > known + event:
            self.lines.add("missed", epoch=epoch, stream=stream, first=known + 1, last=number - event)
        self.last[stream] = (epoch, max(number, known))
        return False


def raw(live, lines, facilities):
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 8000)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    if os.environ.get("KANHU_RECORDER_HEARTBEAT"):
        socket.setsockopt(zmq.HEARTBEAT_IVL, int(os.environ["KANHU_RECORDER_HEARTBEAT"]))
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(os.environ["KANHU_RECORDER_HEARTBEAT"]) * 2)
    for prefix in [f"kanhu1/{one}/" for one in facilities] or ["kanhu1/"]:
        socket.setsockopt_string(zmq.SUBSCRIBE, prefix)
    socket.connect(live)
    reckoning, seen = Reckoning(lines), set()
    while True:
        topic, header, payload = socket.recv_multipart()
        stream, _, kind = topic.decode().strip("/").split("/")[1:]
        header = json.loads(header)
        place = {"epoch": header["epoch"], "seq": header["seq"]}
        if kind == "heartbeat":
            continue
        if kind == "commit":
            lines.add("commit", **place)
            continue
        event = 0 if kind == "head" else 1
        if event and (place["epoch"], place["seq"]) not in seen:
            seen.add((place["epoch"], place["seq"]))
        elif event:  # again: for the checker to compare
            event = None
        base = False
        if event is not None:
            base = reckoning.take(stream, header["epoch"], header["stream_seq"], event, None if event else json.loads(payload)["previous"])
        more = {"base": True} if base else {}
        if event == 0:
            lines.add("head", epoch=header["epoch"], stream=stream, stream_seq=header["stream_seq"], **more)
        else:
            lines.add("live", **place, stream=stream, stream_seq=header["stream_seq"], body=hashlib.sha256(payload).hexdigest(),
                      durable=header["durable"], provisional=header["provisional"], published=header["published"], **more)


def client(live, query, lines, facilities):
    begins = os.environ.get("KANHU_RECORDER_FROM", "oldest")
    after = None if begins == "now" else begins if begins == "oldest" else (begins.split(":")[0], int(begins.split(":")[1]))
    for item in kanhu_subscriber.Subscriber(live, query, facilities or None, after=after):
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
