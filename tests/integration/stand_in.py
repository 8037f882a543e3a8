"""A gateway's two sockets without the gateway: what comes, and what is lost on the way, is the test's to say."""
import json
import threading

import zmq


class StandIn(threading.Thread):
    """A gateway of two facilities, that sends what it is told to and answers `fetch` from what is in its journal."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.live_endpoint, self.query_endpoint = f"ipc://{folder}/live", f"ipc://{folder}/query"
        self.context = zmq.Context()
        self.live, self.query = self.context.socket(zmq.XPUB), self.context.socket(zmq.REP)
        self.live.bind(self.live_endpoint)
        self.query.bind(self.query_endpoint)
        self.epoch, self.seq = "e" * 32, 0
        self.journal, self.streams, self.asked, self.stopped = [], {}, [], False
        self.start()

    def write(self, facility):
        self.streams[facility] = self.streams.get(facility, 0) + 1
        self.seq += 1
        header = {"v": 1, "epoch": self.epoch, "seq": self.seq, "stream_seq": self.streams[facility], "t": 0, "durable": True, "provisional": False}
        payload = {"id": f"{self.epoch}:{self.seq}", "source": f"/gateway/g/facility/{facility}/source/-"}
        self.journal.append({"header": header, "payload": payload, "topic": f"kanhu1/{facility}/-/presence.started/"})
        return self.journal[-1]

    def restart(self):
        """What follows is of another epoch."""
        self.epoch, self.seq, self.streams = "f" * 32, 0, {}

    def send(self, event):
        self.live.send_multipart([event["topic"].encode(), json.dumps(event["header"]).encode(), json.dumps(event["payload"]).encode()])

    def head(self, facility):
        header = {"v": 1, "epoch": self.epoch, "seq": self.seq, "stream_seq": self.streams[facility]}
        self.live.send_multipart([f"kanhu1/{facility}/-/head/".encode(), json.dumps(header).encode(), b"{}"])

    def run(self):
        while not self.stopped:
            if not self.query.poll(50):
                continue
            request = self.query.recv_json()
            self.asked.append(request)
            epoch, after, streams = request.get("epoch", ""), request.get("after", 0), request.get("streams")
            behind = [one for one in self.journal if one["header"]["epoch"] > epoch or one["header"]["epoch"] == epoch and one["header"]["seq"] > after]
            page = [one for one in behind if one["header"]["epoch"] == behind[0]["header"]["epoch"]]
            place = {"epoch": page[-1]["header"]["epoch"], "after": page[-1]["header"]["seq"]} if page else {"epoch": self.epoch, "after": max(after, self.seq)}
            events = [one for one in page if streams is None or one["topic"].split("/")[1] in streams]
            self.query.send_json({"v": 1, "ok": True, "request": "fetch", "complete": len(page) == len(behind), "events": events, "gaps": [],
                                  "head": {"epoch": self.epoch, "oldest": 1, "seq": self.seq, "streams": dict(self.streams)}, "next": place})

    def end(self):
        self.stopped = True
        self.join(10)
        self.context.destroy(linger=0)
