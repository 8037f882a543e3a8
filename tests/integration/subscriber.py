# SPDX-License-Identifier: MIT
"""A subscriber written from docs/events.md and its schemas alone, which complains about everything they forbid."""
import json
import pathlib
import threading
import time

import jsonschema
import zmq

from canonical import canonical

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVENT_SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/event.schema.json").read_text()))
STATE_SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/state.schema.json").read_text()))


def _once(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a member twice")
    return dict(pairs)


class Event:
    def __init__(self, header, raw):
        self.header, self.raw, self.received = header, raw, time.monotonic()
        self.body = json.loads(raw, object_pairs_hook=_once)
        self.type = self.body["type"].removeprefix("kanhu.")
        parts = self.body["source"].split("/")
        self.facility, self.camera = parts[4], parts[6]
        self.subject, self.time, self.id = self.body["subject"], self.body["time"], self.body["id"]
        self.data = self.body["data"]
        self.phase = self.data["phase"]

    def __repr__(self):
        return f"{self.time} {self.facility}/{self.camera} {self.type} {self.phase} {self.subject[:6]} " + canonical(
            {key: self.data[key] for key in ("state", "reason", "cause", "end_reason", "clip", "zone") if key in self.data})


class Subscriber:
    """Receives on a thread of its own from construction on. `complaints` stays empty as long as the contract is kept."""

    def __init__(self, endpoint, prefix="kanhu1/"):
        self.events, self.complaints, self.missed, self.epochs = [], [], [], []
        self.heads, self.last_head = {}, {}
        self.bases = {}  # facility -> (epoch, stream_seq) of the first message
        self.numbers = {}  # facility -> (epoch, stream_seq)
        self.last_seq = {}  # epoch -> seq, with the whole gateway subscribed
        self.seen = {}  # id -> bytes
        self.whole = prefix == "kanhu1/"
        self._lock = threading.Condition()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVTIMEO, 200)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.setsockopt_string(zmq.SUBSCRIBE, prefix)
        self._socket.connect(endpoint)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join()
        self._socket.close()
        self._context.term()

    def _run(self):
        while not self._stop.is_set():
            try:
                frames = self._socket.recv_multipart()
            except zmq.Again:
                continue
            with self._lock:
                try:
                    self._take(frames)
                except Exception as error:  # whatever is wrong with a message is the gateway's fault
                    self.complaints.append(f"{type(error).__name__} {error}: {frames}")
                self._lock.notify_all()

    def _take(self, frames):
        if len(frames) != 3:
            raise ValueError(f"{len(frames)} frames")
        topic, header, payload = frames[0].decode(), json.loads(frames[1], object_pairs_hook=_once), frames[2]
        root, facility, source, kind, empty = topic.split("/")
        if root != "kanhu1" or empty:
            raise ValueError("topic")
        for member, types in (("v", int), ("epoch", str), ("seq", int), ("stream_seq", int), ("t", int), ("published", int),
                              ("durable", bool), ("provisional", bool)):
            if not isinstance(header[member], types):
                raise ValueError(f"header: {member}")
        if header["v"] != 1:
            raise ValueError("header: v")
        if kind == "commit":
            return
        body = json.loads(payload, object_pairs_hook=_once)
        if canonical(body).encode() != payload:
            raise ValueError("not canonical JSON")
        if kind == "heartbeat":
            self.heads["heartbeat"] = time.monotonic()
            self.last_head["heartbeat"] = body
            return
        if kind == "head":
            if body["stream_seq"] != header["stream_seq"] or body["epoch"] != header["epoch"] or body["facility"] != facility:
                raise ValueError("head and header differ")
            self._count(facility, header, 0, body["previous"])
            self.heads[facility] = time.monotonic()
            self.last_head[facility] = body
            return
        event = Event(header, payload)
        if event.id in self.seen:
            if self.seen[event.id] != payload:
                raise ValueError("an id with two contents")
            return
        self.seen[event.id] = payload
        self._check_event(event, facility, source, kind)
        self._count(facility, header, 1, None)
        self.events.append(event)

    def _check_event(self, event, facility, source, kind):
        header, body = event.header, event.body
        for problem in EVENT_SCHEMA.iter_errors(body):
            raise ValueError(f"schema: {problem.message} at {list(problem.absolute_path)}")
        if (facility, source, kind) != (event.facility, event.camera, event.type):
            raise ValueError("topic and body differ")
        if body["id"] != f'{header["epoch"]}:{header["seq"]}':
            raise ValueError("id and header differ")
        if len(event.raw) > 2048:
            raise ValueError(f"{len(event.raw)} bytes")
        if body["data"].get("facility", {}).get("id", "-") != facility or body["data"].get("camera", {}).get("id", "-") != source:
            raise ValueError("facility or camera in data and topic differ")
        if self.whole:
            last = self.last_seq.get(header["epoch"])
            if last is not None and header["seq"] != last + 1:
                self.complaints.append(f'seq {header["seq"]} after {last}: {event}')
            self.last_seq[header["epoch"]] = header["seq"]

    def _count(self, facility, header, event, previous):
        """The five rules of 'Heads, and how to see a gap'."""
        epoch, number = header["epoch"], header["stream_seq"]
        if epoch not in self.epochs:
            self.epochs.append(epoch)
        before = self.numbers.get(facility)
        if before is None:
            self.bases[facility] = self.numbers[facility] = (epoch, number)
            return
        if before[0] == epoch:
            if number > before[1] + event:
                self.missed.append((facility, epoch, before[1] + 1, number - event))
            self.numbers[facility] = (epoch, max(number, before[1]))
            return
        if previous is not None and previous["epoch"] == before[0] and previous["stream_seq"] > before[1]:
            self.missed.append((facility, before[0], before[1] + 1, previous["stream_seq"]))
        if previous is not None and previous["epoch"] == before[0] and previous["stream_seq"] < before[1]:
            self.complaints.append(f"{facility}: the new epoch knows {previous['stream_seq']} events of {before[0]}, {before[1]} were seen")
        if number > event:
            self.missed.append((facility, epoch, 1, number - event))
        self.numbers[facility] = (epoch, number)

    # What tests ask. `find` and `wait` take keyword conditions: type, camera, facility, phase, subject, or a data member.

    def find(self, since=0, **conditions):
        with self._lock:
            return [event for event in self.events[since:] if self._matches(event, conditions)]

    @staticmethod
    def _matches(event, conditions):
        for name, wanted in conditions.items():
            value = getattr(event, name) if name in ("type", "camera", "facility", "phase", "subject", "id") else event.data.get(name)
            if not (wanted(value) if callable(wanted) else value in wanted if isinstance(wanted, (set, tuple)) else value == wanted):
                return False
        return True

    def mark(self):
        """Now, as a `since`."""
        with self._lock:
            return len(self.events)

    def wait(self, deadline, count=1, since=0, **conditions):
        """The first `count` events that match; AssertionError when they have not come in time."""
        until = time.monotonic() + deadline
        with self._lock:
            while True:
                found = [event for event in self.events[since:] if self._matches(event, conditions)]
                if len(found) >= count:
                    return found[0] if count == 1 else found[:count]
                left = until - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no event with {conditions} within {deadline} s; the last ones:\n  " +
                                         "\n  ".join(map(repr, self.events[-15:])))
                self._lock.wait(left)

    def open_incidents(self):
        """Starts without an end, and complaints about pairs that are none. Needs to have seen everything."""
        open_, ended, complaints = {}, set(), []
        for event in self.events:
            if event.phase == "start":
                if event.subject in open_ or event.subject in ended:
                    complaints.append(f"a second start: {event}")
                open_[event.subject] = event
            elif event.phase in ("update", "end"):
                start = open_.get(event.subject)
                if start is None:
                    complaints.append(f"{event.phase} without a start: {event}")
                elif event.time < start.time and event.phase == "end":
                    complaints.append(f"ends before it starts: {event}")
                if event.phase == "end":
                    open_.pop(event.subject, None)
                    ended.add(event.subject)
        return open_, complaints
