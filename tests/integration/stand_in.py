# SPDX-License-Identifier: MIT
"""A gateway's two sockets without the gateway: what comes, and what is lost on the way, is the test's to say."""
import json
import threading

import zmq


class StandIn(threading.Thread):
    """A gateway that sends what it is told to, and answers `fetch` from what is in its journal. `hidden`: facilities nobody has a right to.
    `answers`: what answers the requests of a name, with JSON or (JSON, bytes)."""
    EPOCH = "e" * 32

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.live_endpoint, self.query_endpoint = f"ipc://{folder}/live", f"ipc://{folder}/query"
        self.context = zmq.Context()
        self.live, self.query = self.context.socket(zmq.XPUB), self.context.socket(zmq.REP)
        self.live.setsockopt(zmq.XPUB_VERBOSE, 1)  # who asks for what somebody else has asked for is told, too
        self.live.bind(self.live_endpoint)
        self.query.bind(self.query_endpoint)
        self.epochs, self.journal, self.asked, self.stopped = [self.EPOCH], [], [], False
        self.hidden, self.answers, self.lock = set(), {"fetch": self.fetch}, threading.Lock()
        self.start()

    @property
    def epoch(self):
        return self.epochs[-1]

    @staticmethod
    def facility_of(event):
        return event["topic"].split("/")[1]

    def facilities(self):
        return {self.facility_of(one) for one in self.journal}

    def of_epoch(self, epoch, facility=None):
        return [one for one in self.journal if one["header"]["epoch"] == epoch and facility in (None, self.facility_of(one))]

    def write(self, facility):
        with self.lock:
            seq, number = len(self.of_epoch(self.epoch)) + 1, len(self.of_epoch(self.epoch, facility)) + 1
            header = {"v": 1, "epoch": self.epoch, "seq": seq, "stream_seq": number, "t": 0, "durable": True, "provisional": False}
            payload = {"id": f"{self.epoch}:{seq}", "source": f"/gateway/g/facility/{facility}/source/-"}
            self.journal.append({"header": header, "payload": payload, "topic": f"kanhu1/{facility}/-/presence.started/"})
            return self.journal[-1]

    def copy(self):
        """A backup, for restart()."""
        return list(self.epochs), list(self.journal)

    def restart(self, epoch, backup=None):
        """As the gateway does, in a new epoch; with the journal of a backup put back in between."""
        with self.lock:
            if backup:
                self.epochs, self.journal = list(backup[0]), list(backup[1])
            self.epochs.append(epoch)

    def subscribed(self, count, patience_ms):
        """Waits for so many subscriptions of events."""
        while count > 0:
            if not self.live.poll(int(patience_ms)):
                raise AssertionError("it does not subscribe")
            message = self.live.recv()
            count -= message.startswith(b"\x01") and b"heartbeat" not in message

    def send(self, event):
        self.live.send_multipart([event["topic"].encode(), json.dumps(event["header"]).encode(), json.dumps(event["payload"]).encode()])

    def head(self, facility):
        header = {"v": 1, "epoch": self.epoch, "seq": len(self.of_epoch(self.epoch)), "stream_seq": len(self.of_epoch(self.epoch, facility))}
        self.live.send_multipart([f"kanhu1/{facility}/-/head/".encode(), json.dumps(header).encode(), b"{}"])

    def run(self):
        while not self.stopped:
            if not self.query.poll(50):
                continue
            request = self.query.recv_json()
            with self.lock:
                answer = self.answers[request["request"]](request)
            frames = answer if isinstance(answer, tuple) else (answer,)
            self.query.send_multipart([json.dumps(frames[0]).encode(), *frames[1:]])
            self.asked.append(request)

    def fetch(self, request):
        """A page: the events behind the place, of one epoch."""
        epoch, after, gaps = request.get("epoch", self.epochs[0]), request.get("after", 0), []
        if epoch not in self.epochs:
            gaps.append({"epoch": epoch, "from": after + 1, "to": 0, "reason": "unknown_epoch", "streams": {}})
            epoch, after = self.epochs[0], 0
        while True:
            behind = self.of_epoch(epoch)[after:]
            events = [one for one in behind if self.facility_of(one) in (set(request.get("streams", self.facilities())) - self.hidden)]
            after += len(behind)
            if events or epoch == self.epoch:
                break
            epoch, after = self.epochs[self.epochs.index(epoch) + 1], 0
        streams = {facility: len(self.of_epoch(self.epoch, facility)) for facility in self.facilities() - self.hidden}
        return {"v": 1, "ok": True, "request": "fetch", "complete": epoch == self.epoch, "events": events, "gaps": gaps,
                "head": {"epoch": self.epoch, "oldest": 1, "seq": len(self.of_epoch(self.epoch)), "streams": streams},
                "next": {"epoch": epoch, "after": after}}

    def end(self):
        self.stopped = True
        self.join(10)
        self.context.destroy(linger=0)
