# SPDX-License-Identifier: MIT
"""Reads a journal folder from docs/journal.md alone: what an auditor could write without our code."""
import hashlib
import json
import pathlib
import struct
from collections import namedtuple

EVENT, SNAPSHOT, EPOCH, GAP, EARLY = 1, 2, 3, 4, 5
DAMAGE = 0  # ours: here the bytes cannot be read
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


def _decode(data, at, front=None):
    """(whole record, its fields but the epoch) at a byte, or None where none stands. Behind a known hash `front` the chain proves the record
    whole, and the checksum, slow in Python, is spared."""
    if data[at:at + 4] != b"KREC":
        return None
    length, crc = struct.unpack_from("<II", data, at + 4) if at + 12 <= len(data) else (0, 0)
    raw = data[at:at + length]
    if length < 92 or len(raw) < length:
        return None
    chained = front is not None and hashlib.sha256(front + raw[12:-32]).digest() == raw[-32:]
    if not chained and crc32c(raw[:8] + raw[12:]) != crc:
        return None
    kind, phase, flags, ordinal, streams, sources, types = struct.unpack_from("<BBHIBBB", raw, 12)
    seq, stream_seq, _captured, _accepted, body_size = struct.unpack_from("<QQQQI", raw, 24)
    texts, position = [], 60
    for size in (streams, sources, types, body_size):
        texts.append(raw[position:position + size])
        position += size
    return raw, (kind, phase, flags, ordinal), (seq, stream_seq, *(text.decode() for text in texts[:3]), texts[3])


def read_segment(path, damage=None):
    """(number, epoch, hash in front, [(hash, Record)]) up to the last whole record. With a list as `damage` what is broken is noted there,
    marked by a record of kind DAMAGE, and reading resumes behind it; without, it is an AssertionError."""
    data = path.read_bytes()
    header, number = data[:128], int(path.name[:12])
    whole = header[:8] == b"KANHUJNL" and crc32c(header[:12] + header[16:]) == struct.unpack_from("<I", header, 12)[0]
    assert whole or damage is not None, f"{path}: no journal segment, or its header is damaged"
    mark = (b"", Record(DAMAGE, 0, 0, 0, "", 0, 0, "", "", "", b"", number))
    records, at, epoch, ordinal, front = [], 128, "", None, None
    if whole:
        version, size = struct.unpack_from("<HH", header, 8)
        assert (version, size) == (1, 128), f"{path}: version {version}"
        number, epoch, ordinal = struct.unpack_from("<Q16sI", header, 16)
        epoch, front = epoch.hex(), header[64:96]
    else:
        damage.append(f"{path.name}: header")
        records.append(mark)
    while at < len(data):
        found = _decode(data, at, front if damage is None else None)
        if found is None:
            behind = at + 1
            while damage is not None and (behind := data.find(b"KREC", behind)) >= 0 and _decode(data, behind) is None:
                behind += 1
            if damage is None or behind < 0:
                break
            damage.append(f"{path.name}: bytes {at} to {behind - 1}")
            records.append(mark)
            at, front = behind, None
            continue
        raw, (kind, phase, flags, of_epoch), rest = found
        digest = raw[-32:]
        if front is not None and hashlib.sha256(front + raw[12:-32]).digest() != digest:
            assert damage is not None, f"{path}: chain broken at byte {at}"
            damage.append(f"{path.name}: chain broken at byte {at}")
            records.append(mark)
        assert ordinal in (None, of_epoch), f"{path}: record of another epoch at byte {at}"
        if not epoch and kind in (SNAPSHOT, EPOCH):
            epoch = json.loads(rest[-1])["epoch"]
        records.append((digest, Record(kind, phase, flags, of_epoch, epoch, *rest, number)))
        front = digest
        at += len(raw)
    return number, epoch, header[64:96] if whole else None, records


def read_journal(folder, damage=None):
    """All records in order; a segment ends where its successor's header says it does. `damage` as for read_segment; segments that were set
    aside are read with it, too."""
    paths = [path for path in pathlib.Path(folder).iterdir() if path.name.endswith((".journal", ".journal.damaged"))]
    segments = [read_segment(path, damage) for path in sorted(paths, key=lambda path: path.name)]
    records = []
    for index, (number, _epoch, before, found) in enumerate(segments):
        ends = next((front for _, _, front, _ in segments[index + 1:index + 2] if front not in (None, bytes(32))), None)
        hashes = [digest for digest, _ in found]
        if ends in hashes:
            found = found[:hashes.index(ends) + 1]
        elif ends is not None and ends == before:
            found = []
        elif ends is not None:
            assert damage is not None, f"segment {number}: successor names no record of it"
            damage.append(f"segment {number}: successor names no record of it")
            found.append((b"", Record(DAMAGE, 0, 0, 0, "", 0, 0, "", "", "", b"", number)))
        records.extend(record for _, record in found)
    return records


def events(folder):
    return [record for record in read_journal(folder) if record.kind == EVENT]
