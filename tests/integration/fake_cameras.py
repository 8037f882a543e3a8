# SPDX-License-Identifier: MIT
"""Things that answer on a camera's port and are no camera."""
import socket
import threading


class FakeCamera:
    """Listens on a loopback port of its own. `talk(connection, server)` runs on a thread for each connection."""

    def __init__(self, talk):
        self._talk, self.connections, self.requests = talk, [], []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def _accept(self):
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            self.connections.append(peer)
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self._talk(connection, self)
        except OSError:
            pass
        connection.close()

    def close(self):
        self._socket.close()
        for connection in self._open:
            connection.close()


def text_file(connection, _server):
    connection.sendall(("\n".join(f"{line}: this is a text file, not a camera" for line in range(2000))).encode())


def noise(connection, _server):
    connection.recv(4096)
    connection.sendall(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 999999999\r\n\r\n" + bytes(range(256)) * 64)


def silence(connection, _server):
    while connection.recv(4096):
        pass


def _read_request(connection, rest):
    while b"\r\n\r\n" not in rest:
        data = connection.recv(4096)
        if not data:
            return None, b""
        rest += data
    request, rest = rest.split(b"\r\n\r\n", 1)
    return request.decode(errors="replace"), rest


def refuses_everybody(connection, server):
    """Asks for Digest and accepts no answer. `server.requests` holds every request as it came."""
    rest = b""
    while True:
        request, rest = _read_request(connection, rest)
        if request is None:
            return
        server.requests.append(request)
        sequence = next((line.split(":", 1)[1].strip() for line in request.splitlines() if line.lower().startswith("cseq:")), "0")
        if request.startswith("OPTIONS"):
            answer = f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"
        else:
            answer = f'RTSP/1.0 401 Unauthorized\r\nCSeq: {sequence}\r\nWWW-Authenticate: Digest realm="cam", nonce="0123456789abcdef"\r\n\r\n'
        connection.sendall(answer.encode())
