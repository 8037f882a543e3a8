# SPDX-License-Identifier: MIT
"""Cameras that wish us ill: each keeps to RTSP just far enough to be listened to, and then does one thing without end.

`record(url)` learns from an honest camera what a stream looks like; a HostileCamera serves that, bent in its way. All by TCP, interleaved.
"""
import random
import re
import socket
import struct
import time

from fake_cameras import FakeCamera

PACKET = 1400  # bytes of a made RTP payload
RATE = 2_000_000  # bytes a second of whatever has no end


def _answer_of(connection, rest=b""):
    while b"\r\n\r\n" not in rest:
        data = connection.recv(65536)
        if not data:
            raise OSError("closed")
        rest += data
    head, rest = rest.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    length = int(length.group(1)) if length else 0
    while len(rest) < length:
        rest += connection.recv(65536)
    return head.decode(), rest[:length].decode(), rest[length:]


class Recording:
    """What an honest camera sent: its SDP and the RTP packets of some seconds, as bytes."""

    def __init__(self, sdp, packets):
        self.sdp, self.packets = sdp, packets


def record(url, packets=300):
    """Plays `url` (no password) by TCP and keeps the first RTP packets of the picture."""
    host, port = re.match(r"rtsp://([^:/]+):(\d+)", url).groups()
    with socket.create_connection((host, int(port)), 10) as connection:
        sequence, rest = 0, b""

        def ask(method, target, *headers):
            nonlocal sequence, rest
            sequence += 1
            lines = [f"{method} {target} RTSP/1.0", f"CSeq: {sequence}", *headers]
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            head, body, rest = _answer_of(connection, rest)
            assert head.startswith("RTSP/1.0 200"), head
            return head, body

        head, sdp = ask("DESCRIBE", url, "Accept: application/sdp")
        base = re.search(r"(?im)^content-base:\s*(\S+)", head)
        base = base.group(1) if base else url + "/"
        control = re.search(r"(?s)m=video.*?a=control:(\S+)", sdp).group(1)
        track = control if control.startswith("rtsp") else base.rstrip("/") + "/" + control
        head, _ = ask("SETUP", track, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        session = re.search(r"(?im)^session:\s*([^;\s]+)", head).group(1)
        ask("PLAY", base, f"Session: {session}")
        kept = []
        while len(kept) < packets:
            while len(rest) < 4 or len(rest) < 4 + struct.unpack(">H", rest[2:4])[0]:
                data = connection.recv(65536)
                if not data:
                    raise OSError("closed")
                rest += data
            channel, length = rest[1], struct.unpack(">H", rest[2:4])[0]
            if rest[0] == 0x24 and channel == 0:
                kept.append(rest[4:4 + length])
            rest = rest[4 + length:]
        return Recording(sdp, kept)


def rtp(sequence, timestamp, payload, marker=False, kind=96, ssrc=0x4B414E48):
    return struct.pack(">BBHII", 0x80, (0x80 if marker else 0) | kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def interleaved(packet, channel=0):
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


def sender_report(wall, timestamp=0, ssrc=0x4B414E48):
    seconds = int(wall + 2208988800) & 0xFFFFFFFF
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, ssrc, seconds, 0, timestamp & 0xFFFFFFFF, 1, 1)


# --- what comes behind PLAY. Each gets the connection and the recording, and goes on until the other side has had enough.

def _at_rate(connection, packets, rate=RATE):
    """Sends what `packets` yields at `rate` bytes a second."""
    sent, start = 0, time.monotonic()
    for packet in packets:
        connection.sendall(packet)
        sent += len(packet)
        ahead = sent / rate - (time.monotonic() - start)
        if ahead > 0.01:
            time.sleep(ahead)


def _honest(recording, change=lambda index, packet: packet, channel=0):
    """The recording again and again, its numbers and times going on."""
    first = struct.unpack(">HI", recording.packets[0][2:8])
    last = struct.unpack(">HI", recording.packets[-1][2:8])
    span = ((last[1] - first[1]) & 0xFFFFFFFF) + 9000
    index = 0
    for turn in range(1_000_000):
        for packet in recording.packets:
            stamp = struct.unpack(">I", packet[4:8])[0] + turn * span
            made = packet[:2] + struct.pack(">HI", index & 0xFFFF, stamp & 0xFFFFFFFF) + packet[8:]
            changed = change(index, made)
            if changed is not None:
                yield interleaved(changed, channel)
            index += 1


def picture_without_end(connection, _recording):
    """FU-A: a start, then middles for ever, all of one picture."""
    fill = bytes(PACKET)

    def packets():
        yield interleaved(rtp(0, 0, b"\x7c\x85" + fill))
        for sequence in range(1, 1 << 40):
            yield interleaved(rtp(sequence, 0, b"\x7c\x05" + fill))
    _at_rate(connection, packets())


def message_without_end(connection, _recording):
    """The same as a message beside the picture (SEI)."""
    fill = b"\xff" * PACKET

    def packets():
        yield interleaved(rtp(0, 0, b"\x7c\x86" + fill))
        for sequence in range(1, 1 << 40):
            yield interleaved(rtp(sequence, 0, b"\x7c\x06" + fill))
    _at_rate(connection, packets())


def slices_without_end(connection, _recording):
    """Whole NAL units, a new one every packet, of a picture that the marker never ends."""
    _at_rate(connection, (interleaved(rtp(sequence, 0, b"\x61\x00" + bytes(PACKET))) for sequence in range(1 << 40)))


def parameter_sets_without_end(connection, recording):
    sets = [packet[12:] for packet in recording.packets if packet[12] & 0x1F in (7, 8, 24)] or [b"\x67\x42\x00\x1e" + bytes(20)]
    _at_rate(connection, (interleaved(rtp(sequence, sequence * 9000, sets[sequence % len(sets)], True)) for sequence in range(1 << 40)), 200_000)


def trickle(connection, recording):
    """Half a picture twice a second, never its end."""
    for sequence in range(1 << 40):
        connection.sendall(interleaved(rtp(sequence, sequence * 45000, b"\x7c\x85" + bytes(64))))
        time.sleep(0.5)


def noise_in_packets(connection, recording):
    dice = random.Random(11)
    _at_rate(connection, _honest(recording, lambda index, packet: packet[:12] + dice.randbytes(len(packet) - 12)), 300_000)


def flipped_bits(connection, recording):
    dice = random.Random(12)

    def flip(_index, packet):
        packet = bytearray(packet)
        for _ in range(dice.randrange(4)):
            packet[dice.randrange(12, len(packet))] ^= 1 << dice.randrange(8)
        return bytes(packet)
    _at_rate(connection, _honest(recording, flip), 150_000)


def wild_numbers(connection, recording):
    dice = random.Random(13)
    _at_rate(connection, _honest(recording, lambda index, packet: packet[:2] + dice.randbytes(6) + packet[8:]), 150_000)


def wild_clock(connection, recording):
    dice = random.Random(14)

    def packets():
        for index, packet in enumerate(_honest(recording)):
            if index % 20 == 0:
                yield interleaved(sender_report(dice.choice([0, 1e9, 4e9, time.time() + dice.uniform(-9e4, 9e4)])), 1)
            yield packet
    _at_rate(connection, packets(), 150_000)


def foreign_channels(connection, recording):
    _at_rate(connection, (interleaved(bytes(60_000), 2 + index % 250) for index in range(1 << 40)))


def goodbye(connection, recording):
    for index, packet in enumerate(_honest(recording)):
        connection.sendall(packet)
        if index % 30 == 29:
            connection.sendall(interleaved(struct.pack(">BBHI", 0x81, 203, 1, 0x4B414E48), 1))
        time.sleep(0.02)


def breaks(connection, recording):
    """Runs for two seconds and a half, then the line is cut."""
    until = time.monotonic() + 2.5
    for packet in _honest(recording):
        connection.sendall(packet)
        time.sleep(0.01)
        if time.monotonic() > until:
            return


def mute(connection, _recording):
    while connection.recv(4096):
        pass


def answers_without_end(connection, _recording):
    """An answer nobody asked for, whose headers do not end."""
    connection.sendall(b"RTSP/1.0 200 OK\r\n")
    _at_rate(connection, (b"X-%d: %s\r\n" % (index, b"x" * 1000) for index in range(1 << 40)))


STREAMS = [picture_without_end, message_without_end, slices_without_end, parameter_sets_without_end, trickle, noise_in_packets, flipped_bits,
           wild_numbers, wild_clock, foreign_channels, goodbye, breaks, mute, answers_without_end]


# --- what comes instead of an answer. Each gets the connection, the server, the request and its number; True: it has answered.

def header_without_end(connection, *_):
    _at_rate(connection, (b"RTSP/1.0 200 OK\r\nX: " if index == 0 else b"x" * 4000 for index in range(1 << 40)))


def body_without_end(connection, _server, _request, sequence):
    connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nContent-Type: application/sdp\r\nContent-Length: 4000000000\r\n\r\n".encode())
    _at_rate(connection, (b"a=x:" + b"x" * 4000 + b"\r\n" for _ in range(1 << 40)))


def a_byte_a_second(connection, _server, _request, sequence):
    for byte in f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n\r\n".encode():
        connection.sendall(bytes([byte]))
        time.sleep(1)
    return True


def no_answer(connection, *_):
    mute(connection, None)


def redirects_to_itself(connection, server, _request, sequence):
    connection.sendall(f"RTSP/1.0 302 Moved\r\nCSeq: {sequence}\r\nLocation: {server.url}\r\n\r\n".encode())
    return True


def refuses(connection, _server, _request, sequence):
    connection.sendall(f'RTSP/1.0 401 Unauthorized\r\nCSeq: {sequence}\r\nWWW-Authenticate: Digest realm="c", nonce="0", algorithm=SHA-256\r\n\r\n'.encode())
    return True


def thousand_streams(connection, server, _request, sequence):
    sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + "".join(
        f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track{index}\r\n" for index in range(1000))
    connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nContent-Type: application/sdp\r\nContent-Base: {server.url}/\r\n"
                       f"Content-Length: {len(sdp)}\r\n\r\n{sdp}".encode())
    return True


ANSWERS = {header_without_end: "OPTIONS", body_without_end: "DESCRIBE", a_byte_a_second: "OPTIONS", no_answer: "SETUP", redirects_to_itself: "DESCRIBE",
           refuses: "DESCRIBE", thousand_streams: "DESCRIBE"}


class HostileCamera(FakeCamera):
    """`deed`: one of STREAMS or ANSWERS."""

    def __init__(self, recording, deed):
        self.recording, self.deed = recording, deed
        super().__init__(self._talk_rtsp)

    def _talk_rtsp(self, connection, _server):
        rest = b""
        while True:
            while b"\r\n\r\n" not in rest:
                data = connection.recv(4096)
                if not data:
                    return
                rest += data
            request, rest = rest.split(b"\r\n\r\n", 1)
            request = request.decode(errors="replace")
            method = request.split(" ", 1)[0]
            sequence = re.search(r"(?im)^cseq:\s*(\d+)", request)
            sequence = sequence.group(1) if sequence else "0"
            if ANSWERS.get(self.deed) == method:
                if not self.deed(connection, self, request, sequence):
                    return
                continue
            self._answer(connection, method, sequence)
            if method == "PLAY" and self.deed not in ANSWERS:
                self.deed(connection, self.recording)
                return

    def _answer(self, connection, method, sequence):
        lines, body = ["RTSP/1.0 200 OK", f"CSeq: {sequence}"], ""
        if method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE":
            body = re.sub(r"(?m)^a=control:.*$", "a=control:track", self.recording.sdp)
            lines += ["Content-Type: application/sdp", f"Content-Base: {self.url}/", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            lines += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
        else:
            lines.append("Session: 1")
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
