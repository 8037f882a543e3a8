"""Reads a journal folder from docs/journal.md alone: what an auditor could write without our code."""
import hashlib
import json
import pathlib
import struct
from collections import namedtuple

EVENT, SNAPSHOT, EPOCH, GAP, EARLY = 1, 2, 3, 4, 5
Record = namedtuple("Record", "kind phase flags epoch_ordinal epoch seq stream_seq stream source type body segment")


def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def read_segment(path):
    """(number, epoch, hash in front, [(hash, Record)]) up to the last whole record."""
    data = path.read_bytes()
    header = data[:128]
    assert header[:8] == b"KANHUJNL", f"{path}: no journal segment"
    version, size, crc = struct.unpack_from("<HHI", header, 8)
    assert (version, size) == (1, 128), f"{path}: version {version}"
    assert crc32c(header[:12] + header[16:]) == crc, f"{path}: header checksum"
    number, epoch, ordinal = struct.unpack_from("<Q16sI", header, 16)
    before = header[64:96]
    records, at, front = [], 128, before
    while data[at:at + 4] == b"KREC":
        length, crc = struct.unpack_from("<II", data, at + 4)
        raw = data[at:at + length]
        if len(raw) < length or crc32c(raw[:8] + raw[12:]) != crc:
            break
        kind, phase, flags, epoch_ordinal, streams, sources, types = struct.unpack_from("<BBHIBBB", raw, 12)
        seq, stream_seq, _captured, _accepted, body_size = struct.unpack_from("<QQQQI", raw, 24)
        texts, position = [], 60
        for size in (streams, sources, types, body_size):
            texts.append(raw[position:position + size])
            position += size
        digest = hashlib.sha256(front + raw[12:length - 32]).digest()
        assert digest == raw[length - 32:], f"{path}: chain broken at byte {at}"
        assert epoch_ordinal == ordinal, f"{path}: record of another epoch at byte {at}"
        stream, source, kind_name = (text.decode() for text in texts[:3])
        records.append((digest, Record(kind, phase, flags, epoch_ordinal, epoch.hex(), seq, stream_seq, stream, source, kind_name,
                                       texts[3], number)))
        front = digest
        at += length
    return number, epoch.hex(), before, records


def read_journal(folder):
    """All records in order; a segment ends where its successor's header says it does."""
    segments = [read_segment(path) for path in sorted(pathlib.Path(folder).glob("*.journal"))]
    records = []
    for index, (number, _epoch, _before, found) in enumerate(segments):
        if index + 1 < len(segments) and segments[index + 1][2] != bytes(32):
            hashes = [digest for digest, _ in found]
            assert segments[index + 1][2] in hashes or segments[index + 1][2] == _before, f"segment {number}: successor names no record of it"
            found = found[:hashes.index(segments[index + 1][2]) + 1] if segments[index + 1][2] in hashes else []
        records.extend(record for _, record in found)
    return records


def events(folder):
    return [record for record in read_journal(folder) if record.kind == EVENT]


def check_numbers(records):
    """Promise 2 of docs/journal.md; gap records may stand for numbers. Returns a list of complaints."""
    complaints, last, streams, unknown, previous_epoch = [], {}, {}, set(), None
    for record in records:
        if record.kind == EPOCH:
            previous = json.loads(record.body)["previous"]
            if previous_epoch is None:
                if previous is not None:
                    complaints.append(f"first epoch {record.epoch} names a previous one")
            elif previous["epoch"] != previous_epoch or previous["seq"] != last.get(previous_epoch, 0):
                complaints.append(f"epoch {record.epoch}: previous is {previous}, the journal ends at {previous_epoch}:{last.get(previous_epoch, 0)}")
            else:
                for stream, number in previous["streams"].items():
                    if streams.get((previous_epoch, stream), 0) != number:
                        complaints.append(f"epoch {record.epoch}: stream {stream} ended at {number}?")
            previous_epoch = record.epoch
        elif record.kind == GAP:
            gap = json.loads(record.body)
            if gap["from"] != last.get(record.epoch, 0) + 1 or gap["to"] != record.seq:
                complaints.append(f"{record.epoch}: a gap {gap['from']}..{gap['to']} ({record.seq}) after {last.get(record.epoch, 0)}")
            last[record.epoch] = record.seq
            for stream, bound in gap["bounds"].items():
                if bound["from"] != streams.get((record.epoch, stream), 0) + 1:
                    complaints.append(f"{record.epoch}/{stream}: a gap from {bound['from']} after {streams.get((record.epoch, stream), 0)}")
                streams[(record.epoch, stream)] = bound["to"]
            if not gap["bounds"]:
                unknown.add(record.epoch)  # of which streams they were is not known
        elif record.kind == EVENT:
            if record.seq != last.get(record.epoch, 0) + 1:
                complaints.append(f"{record.epoch}: seq {record.seq} after {last.get(record.epoch, 0)}")
            key = (record.epoch, record.stream)
            known = streams.get(key, 0)
            if record.stream_seq != known + 1 and not (record.epoch in unknown and record.stream_seq > known):
                complaints.append(f"{record.epoch}/{record.stream}: stream_seq {record.stream_seq} after {streams.get(key, 0)}")
            last[record.epoch] = record.seq
            streams[key] = record.stream_seq
    return complaints
