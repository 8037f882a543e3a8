# SPDX-License-Identifier: MIT
"""Follow a Kanhu gateway without missing an event, or knowing exactly which one is missing.

    from kanhu_subscriber import Subscriber, Event, Gap
    for item in Subscriber("tcp://127.0.0.1:5556", "tcp://127.0.0.1:5557", facilities=["fuxing"], after=load_place()):
        if isinstance(item, Event):
            handle(item.payload)           # a CloudEvents dictionary; one Subscriber gives the same (epoch, seq) once
        else:
            complain(item)                 # numbers that will never come, and why
        save_place(item.epoch, item.place) # where to go on after your own restart

`place` may lie behind the item by about a second of events, for it is never in front of what another stream still lacks: after your
restart some events come again. The same (epoch, seq) is the same event: replace it, or pass it over.

Needs pyzmq. One file, to be copied. The contract is docs/events.md.
"""
import hashlib
import json
import time
from dataclasses import dataclass, field

import zmq

HEAD_EVERY_S = 1.0
DEAD_AFTER_S = 5.0      # without a head: the line or the gateway is gone
PATIENCE_S = 10.0       # for an answer, and for an event that was announced to become durable


@dataclass
class Event:
    epoch: str
    seq: int
    stream_seq: int
    topic: str
    header: dict
    payload: dict
    place: int              # a seq of `epoch`: up to here nothing is missing


@dataclass
class Gap:
    """`first` to `last` of `epoch` will not come; `last` 0: nobody knows how many. `reason` as in docs/events.md."""
    epoch: str
    first: int
    last: int
    reason: str
    streams: dict = field(default_factory=dict)
    place: int = 0


class Subscriber:
    """Iterate it. `facilities`: all when left out; `-` are the gateway's own events. `after`: (epoch, place) of the last item you have; None:
    from now on; "oldest": everything that is kept. Reconnects by itself and for ever; `on_silence(seconds)` is called while nothing is heard,
    also when the gateway does not know our key. `key`: the key file of `kanhu keys add`, for a gateway that asks for keys."""

    def __init__(self, live, query, facilities=None, after=None, on_silence=None, key=None):
        self._context = zmq.Context()
        self._keys = None
        if key is not None:
            with open(key, encoding="utf-8") as file:
                self._keys = json.load(file)
        self._query_endpoint = query
        self._query = None
        self._facilities = list(facilities) if facilities is not None else None
        self._live_endpoint = live
        self._live = None
        self._connect()
        self._epoch, self._whole = (None, 0) if after in (None, "oldest") else after  # up to which no stream lacks anything
        self._newest = self._whole  # the highest seq that was given
        self._follows_only = after is None  # nothing was fetched yet: a stream begins with its first message
        self._passed = {}    # last seq of the epochs before: a restored backup begins with them again
        self._streams = {}   # last stream_seq of the epoch, by facility
        self._sure = {}      # seq up to which nothing of the stream is missing, by facility
        self._partial = False  # numbers in between are of streams that are not shown to us
        self._on_silence = on_silence
        self._heard = time.monotonic()
        self._stopped = False

    @property
    def place(self):
        """(epoch, seq) behind what was given so far; heads move it on while nothing happens. For the thread that iterates."""
        return self._epoch, self._whole

    def _connect(self):
        """Also when nothing has been heard for long: a connection that was cut while idle looks alive to this end for ever."""
        if self._live is not None:
            self._live.close()
        self._live = self._socket(zmq.SUB)
        self._live.setsockopt(zmq.RCVHWM, 8000)
        for prefix in ["kanhu1/"] if self._facilities is None else [f"kanhu1/{one}/" for one in self._facilities]:
            self._live.setsockopt_string(zmq.SUBSCRIBE, prefix)
        self._live.connect(self._live_endpoint)
        self._connected = time.monotonic()

    def _socket(self, kind):
        made = self._context.socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        if self._keys is not None:
            made.curve_serverkey = self._keys["server_key"].encode()
            made.curve_publickey = zmq.curve_public(self._keys["secret_key"].encode())
            made.curve_secretkey = self._keys["secret_key"].encode()
        return made

    def stop(self):
        """From any thread: the iteration ends within a second and gives back its sockets."""
        self._stopped = True

    def __iter__(self):
        try:
            if not self._follows_only:
                yield from self._catch_up()
            while not self._stopped:
                if not self._live.poll(int(HEAD_EVERY_S * 1000)):
                    silent = time.monotonic() - self._heard
                    if silent > DEAD_AFTER_S and self._on_silence:
                        self._on_silence(silent)
                    if min(silent, time.monotonic() - self._connected) > DEAD_AFTER_S:
                        self._connect()
                    continue
                self._heard = time.monotonic()
                frames = self._live.recv_multipart()
                if len(frames) == 3:
                    yield from self._take(frames[0].decode(), json.loads(frames[1]), frames[2])
        finally:
            self._live.close()
            if self._query is not None:
                self._query.close()
            self._context.term()

    def _take(self, topic, header, payload):
        _, facility, _, kind = topic.strip("/").split("/", 3)
        if kind in ("commit", "heartbeat"):
            return
        number, seq, epoch = header["stream_seq"], header["seq"], header["epoch"]
        head = kind == "head"
        before = number if head else number - 1  # what must have come by now
        if epoch != self._epoch and epoch in self._passed:
            return  # waited here while we fetched the rest of its epoch, and the next
        if self._epoch is None:  # from now on: the first message of each stream is where it begins
            self._epoch, self._whole = epoch, seq if head else seq - 1
            self._newest = self._whole
        if epoch != self._epoch:
            yield from self._catch_up(epoch, facility, before)
        elif self._follows_only:
            self._streams.setdefault(facility, before)
        if epoch == self._epoch and not head and self._facilities is None and not self._partial and seq > self._newest + 1:
            yield from self._catch_up()  # so that it comes in order
        if epoch == self._epoch and before > self._streams.get(facility, 0):
            yield from self._catch_up(epoch, facility, before)
        if epoch != self._epoch or before != self._streams.get(facility, 0):
            return  # old; or we were stopped, and what stands in front of it has not come
        self._streams[facility] = number
        self._complete(facility, seq)
        if not head:
            if seq == self._whole + 1:
                self._whole = seq
            self._newest = max(self._newest, seq)
            yield Event(epoch, seq, number, topic, header, json.loads(payload), self._whole)

    def _complete(self, facility, seq):
        """Nothing of it is missing up to `seq`. The place goes as far as that is so of every stream."""
        holds = self._sure.get(facility, 0) <= self._whole
        self._sure[facility] = seq
        if holds:
            self._whole = max(self._whole, min(self._sure.get(stream, 0) for stream in self._streams))

    def _catch_up(self, epoch=None, facility=None, number=0):
        """Everything behind our place, until nothing durable is left and, when one is named, `number` of `facility` has come."""
        until = time.monotonic() + PATIENCE_S
        while not self._stopped:
            request = {"v": 1, "request": "fetch", "max_events": 2000, "max_bytes": 1 << 20}
            if self._epoch is not None:
                request |= {"epoch": self._epoch, "after": self._whole}
            if self._facilities is not None:
                request["streams"] = self._facilities
            page = self._ask(request)
            if page is None:
                continue
            yield from self._in_order(page)
            self._move(page["next"]["epoch"], page["next"]["after"])
            if page["complete"] and page["head"]["epoch"] == self._epoch:
                for stream, newest in page["head"]["streams"].items():
                    self._raise(stream, newest)
                self._follows_only = False
                if epoch not in (None, self._epoch):  # over: the gateway that answers was started later
                    self._passed.setdefault(epoch, 0)
                    return
            if not page["complete"]:
                until = time.monotonic() + PATIENCE_S
                continue
            if facility is None or (self._epoch == epoch and self._streams.get(facility, 0) >= number):
                return
            if time.monotonic() > until:  # announced, and never became durable while we waited
                if self._epoch == epoch:
                    last = self._streams.get(facility, 0)
                    self._streams[facility] = number
                    yield Gap(epoch, self._whole + 1, 0, "not_delivered", {facility: {"from": last + 1, "to": number}}, self._whole)
                return
            time.sleep(0.1)

    def _in_order(self, page):
        events, gaps = page["events"], page["gaps"]
        at = 0
        for gap in gaps:
            while at < len(events) and events[at]["header"]["epoch"] == gap["epoch"] and events[at]["header"]["seq"] < gap["from"]:
                yield from self._fetched_event(events[at])
                at += 1
            self._move(gap["epoch"], max(gap["to"], gap["from"] - 1))
            for facility, bounds in gap["streams"].items():
                self._raise(facility, bounds["to"])
            yield Gap(gap["epoch"], gap["from"], gap["to"], gap["reason"], gap["streams"], self._whole)
        for event in events[at:]:
            yield from self._fetched_event(event)

    def _fetched_event(self, event):
        header = event["header"]
        facility = event["topic"].split("/")[1]
        new_epoch = header["epoch"] != self._epoch
        self._partial = self._partial or not new_epoch and header["seq"] > self._whole + 1
        self._move(header["epoch"], header["seq"])
        if not new_epoch and header["stream_seq"] <= self._streams.get(facility, 0):
            return  # came live before
        self._streams[facility] = header["stream_seq"]
        if header["seq"] <= self._passed.get(header["epoch"], 0):
            return
        yield Event(header["epoch"], header["seq"], header["stream_seq"], event["topic"], header, event["payload"], self._whole)

    def _raise(self, facility, number):
        if self._facilities is None or facility in self._facilities:
            self._streams[facility] = max(self._streams.get(facility, 0), number)

    def _move(self, epoch, seq):
        """Everything up to there was fetched, of every stream."""
        if epoch != self._epoch:
            if self._epoch is not None:
                self._passed[self._epoch] = max(self._newest, self._passed.get(self._epoch, 0))
            self._epoch, self._whole, self._newest, self._streams, self._sure = epoch, seq, seq, {}, {}
        else:
            self._whole = max(self._whole, seq)
            self._newest = max(self._newest, seq)

    def picture(self, **what):
        """(answer, JPEG) of camera=ID or event=ID, at most max_width=N px wide; None when nobody answers. RuntimeError says why there is none."""
        answer = self._ask({"v": 1, "request": "picture", **what})
        return answer and (answer, self._bytes)

    def clip(self, clip):
        """The parts of a clip, each whole and compared with its SHA-256; none while it is pending or when it is missing."""
        parts, count, got = [], 1, b""
        while len(parts) < count and not self._stopped:
            page = self._ask({"v": 1, "request": "clip", "id": clip, "part": len(parts) + 1, "offset": len(got)})
            if not page:
                continue
            count, got = page["parts"], got + self._bytes
            if page["complete"]:
                if hashlib.sha256(got).hexdigest() != page["sha256"]:
                    raise RuntimeError(f"part {len(parts) + 1} of clip {clip} is not what was recorded")
                parts, got = parts + [got], b""
        return parts

    def _ask(self, request):
        """The answer, or None when nobody answers: then a new socket, for REQ cannot ask twice."""
        if self._query is None:
            self._query = self._socket(zmq.REQ)
            self._query.connect(self._query_endpoint)
        self._query.send(json.dumps(request).encode())
        if self._query.poll(int(PATIENCE_S * 1000)):  # an answer of a gateway that has gone in between never comes
            frames = self._query.recv_multipart()
            answer, self._bytes = json.loads(frames[0]), frames[1] if len(frames) > 1 else b""
            if answer.get("ok"):
                return answer
            if answer["error"]["kind"] not in ("timeout", "no_bandwidth"):
                raise RuntimeError(answer["error"]["message"])
            time.sleep(0.5)
            return None
        self._query.close()
        self._query = None
        if self._on_silence:
            self._on_silence(time.monotonic() - self._heard)
        return None
