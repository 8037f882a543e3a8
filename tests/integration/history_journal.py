# SPDX-License-Identifier: MIT
"""The journal as the history checker sees it: which numbers it has, which it explains, and what contradicts docs/journal.md."""
import collections
import hashlib
import json

import journal_reader

Violation = collections.namedtuple("Violation", "kind where detail")
Entry = collections.namedtuple("Entry", "stream stream_seq body flags")
Hole = collections.namedtuple("Hole", "epoch first last why streams")
ENDLESS = 1 << 60


def digest(payload):
    return hashlib.sha256(payload).hexdigest()


class Journal:
    """The records as journal_reader gives them, and what is wrong with them by themselves."""

    def __init__(self, records, closed=False):
        self.epochs, self.events, self.order, self.holes, self.violations = [], {}, [], [], []
        self.ends = {}  # epoch -> its last durable seq, as the next one names it
        self._streams, self._last, self._newest, self._damaged, self._open, self._ended = {}, {}, {}, False, {}, set()
        self._whole = True  # nothing is missing so far, so that every subject's start was seen
        for record in records:
            if record.epoch and record.epoch not in self.epochs:
                self.epochs.append(record.epoch)
            take = {journal_reader.EPOCH: self._take_epoch, journal_reader.SNAPSHOT: self._take_snapshot, journal_reader.GAP: self._take_gap,
                    journal_reader.EVENT: self._take_event, journal_reader.DAMAGE: self._take_damage}.get(record.kind)
            if take:
                take(record)
        if self._damaged and self.epochs:
            self._hole(self.epochs[-1], self._last.get(self.epochs[-1], 0) + 1, ENDLESS, "damaged")
        if closed:
            for subject, where in self._open.items():
                self._complain("never_ended", where, f"subject {subject}")
        self.rank = {epoch: number for number, epoch in enumerate(self.epochs)}
        self.place = {key: index for index, key in enumerate(self.order)}

    @classmethod
    def read(cls, folder, closed=False, damaged=None):
        """`damaged`: a list that takes the places which cannot be read; without, any is an AssertionError."""
        return cls(journal_reader.read_journal(folder, damaged), closed)

    def _complain(self, kind, where, detail=""):
        self.violations.append(Violation(kind, where, detail))

    def _hole(self, epoch, first, last, why, streams=None):
        self.holes.append(Hole(epoch, first, last, why, streams or {}))
        self._whole = False

    def _take_damage(self, _record):
        self._damaged = True
        self._whole = False

    def _take_epoch(self, record):
        body = json.loads(record.body)
        previous, known = body["previous"], self.epochs[-2] if len(self.epochs) > 1 else None
        if previous is not None:
            self.ends[previous["epoch"]] = previous["seq"]
        if known is None:
            if previous is not None:
                self._whole = False  # what was in front of it was dropped
            return
        last = self._last.get(known, 0)
        if self._damaged:
            self._hole(known, last + 1, ENDLESS, "damaged")
            self._damaged = False
        elif previous is None or (previous["epoch"], previous["seq"]) != (known, last):
            self._complain("wrong_previous", f"epoch {record.epoch}", f"it names {previous}, the journal ends at {known}:{last}")
        elif previous.get("open", False) != any(hole.epoch == known and hole.why == "never_durable" and hole.last == ENDLESS for hole in self.holes):
            self._complain("wrong_previous", f"epoch {record.epoch}", f"it names {previous}, and the journal says otherwise whether there was more")
        elif not any(hole.epoch == known and hole.why == "damaged" for hole in self.holes):
            for stream, number in previous["streams"].items():
                if self._streams.get((known, stream), 0) != number:
                    self._complain("wrong_previous", f"epoch {record.epoch}", f"{stream} ended at {self._streams.get((known, stream), 0)}, not {number}")

    def _take_snapshot(self, record):
        if record.epoch not in self._last:  # the oldest that is kept
            self._last[record.epoch] = record.seq
            for stream, number in json.loads(record.body)["streams"].items():
                self._streams.setdefault((record.epoch, stream), number)
            self._whole = self._whole and record.seq == 0

    def _take_gap(self, record):
        body = json.loads(record.body)
        if body["from"] != self._last.get(record.epoch, 0) + 1 and not self._damaged:
            self._complain("journal_skip", f"{record.epoch}:{body['from']}", f"a gap record behind {self._last.get(record.epoch, 0)}")
        self._hole(record.epoch, body["from"], body["to"] or ENDLESS, body["reason"], body.get("bounds", {}))
        self._last[record.epoch] = record.seq
        for stream, number in body.get("streams", {}).items():
            self._streams[record.epoch, stream] = number
        for subject in body.get("ended", []):
            self._open.pop(subject, None)
            self._ended.add(subject)

    def _take_event(self, record):
        key, where = (record.epoch, record.seq), f"{record.epoch}:{record.seq}"
        entry = Entry(record.stream, record.stream_seq, digest(record.body), record.flags)
        if key in self.events:
            kind = "journal_skip" if self.events[key].body == entry.body else "two_contents"
            self._complain(kind, where, "twice in the journal")
            return
        last, stream, excused = self._last.get(record.epoch, 0), (record.epoch, record.stream), self._damaged
        before, seen = self._streams.get(stream, 0), self._newest.get(stream, 0)
        if self._damaged:
            if record.seq > last + 1:
                self._hole(record.epoch, last + 1, record.seq - 1, "damaged")
            self._damaged = False
        elif record.seq != last + 1 or self.in_hole(*key):
            self._complain("journal_skip", where, f"behind {last}")
        # Behind a hole a stream may go on later than its first event there: the first number of each is taken as it is.
        excused = excused or any(hole.epoch == record.epoch and (hole.why == "damaged" or not hole.streams) and hole.last > seen for hole in self.holes)
        if record.stream_seq != before + 1 and not (excused and record.stream_seq > before):
            self._complain("stream_skip", where, f"{record.stream}: stream_seq {record.stream_seq} behind {before}")
        self.events[key] = entry
        self.order.append(key)
        self._last[record.epoch], self._streams[stream] = record.seq, record.stream_seq
        self._newest[stream] = record.seq
        self._pair(record, where)

    def _pair(self, record, where):
        if record.phase == 3:  # a point
            return
        body = json.loads(record.body)
        subject, time = body["subject"], body["time"]
        if record.phase == 0:
            if (subject in self._open or subject in self._ended) and self._whole:
                self._complain("second_start", where, f"subject {subject}")
            self._open[subject] = f"{where} {time}"
            return
        start = self._open.get(subject)
        if start is None and (self._whole or subject in self._ended):
            self._complain("end_without_start", where, f"subject {subject}")
        if record.phase == 2:
            if start is not None and time < start.split(" ")[1]:
                self._complain("ends_before_start", where, f"it started at {start}")
            self._open.pop(subject, None)
            self._ended.add(subject)

    def in_hole(self, epoch, seq, durable=False):
        """What was on disk can be gone by damage alone."""
        return any(hole.epoch == epoch and hole.first <= seq <= hole.last and (hole.why == "damaged" or not durable) for hole in self.holes)
