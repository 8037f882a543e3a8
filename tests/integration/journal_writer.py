# SPDX-License-Identifier: MIT
"""Writes a journal from docs/journal.md alone, for tests that need a large one at once."""
import hashlib
import struct

from canonical import canonical
from journal_reader import EPOCH, EVENT, SNAPSHOT, crc32c

POINT = 3


class Writer:
    """One epoch, in segments of `segment_bytes`."""

    def __init__(self, folder, epoch, now_us, segment_bytes=16 << 20):
        self.folder, self.epoch, self.now, self.most = folder, epoch, now_us, segment_bytes
        self.seq, self.streams, self.number, self.front, self.file = 0, {}, 0, bytes(32), None
        folder.mkdir(parents=True)

    def event(self, stream, kind, body):
        """`body` gets the id; the number it was given."""
        if self.file is None or self.file.tell() > self.most:
            self._begin()
        self.seq += 1
        self.streams[stream] = self.streams.get(stream, 0) + 1
        self._record(EVENT, POINT, self.seq, self.streams[stream], stream, kind, {**body, "id": f"{self.epoch}:{self.seq}"})
        return self.seq

    def close(self):
        self.file.close()

    def _begin(self):
        if self.file:
            self.file.close()
        self.number += 1
        self.file = open(self.folder / f"{self.number:012}.journal", "wb")
        header = struct.pack("<8sHH", b"KANHUJNL", 1, 128)
        rest = struct.pack("<Q16sIIQQ32s32x", self.number, bytes.fromhex(self.epoch), 1, 0, self.seq + 1, self.now, self.front)
        self.file.write(header + struct.pack("<I", crc32c(header + rest)) + rest)
        if self.number == 1:
            self._record(EPOCH, 0, 0, 0, "-", "epoch", {"v": 1, "epoch": self.epoch, "ordinal": 1, "previous": None, "torn_bytes": 0, "damaged": []})
        self._record(SNAPSHOT, 0, self.seq, 0, "-", "snapshot",
                     {"v": 1, "epoch": self.epoch, "streams": self.streams, "open": [], "clips": [], "state": {}})

    def _record(self, kind, phase, seq, stream_seq, stream, name, body):
        texts = [stream.encode(), b"-", name.encode()]
        body = canonical(body).encode()
        length = 60 + sum(map(len, texts)) + len(body) + 32
        fields = struct.pack("<BBHIBBBxQQQQI", kind, phase, 0, 1, *map(len, texts), seq, stream_seq, self.now + seq, self.now + seq, len(body))
        hashed = fields + b"".join(texts) + body
        self.front = hashlib.sha256(self.front + hashed).digest()
        head = struct.pack("<4sI", b"KREC", length)
        self.file.write(head + struct.pack("<I", crc32c(head + hashed + self.front)) + hashed + self.front)
