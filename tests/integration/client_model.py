# SPDX-License-Identifier: MIT
"""The client in Python against a gateway in memory: messages are lost one by one and in rows, wait in the socket while the gateway is restarted, become
durable later than they are sent, and the client is ended anywhere. Everything follows from the seed."""
import random

import client_followers  # noqa: F401 - finds the client
import kanhu_subscriber


class Gateway:
    """One journal and one line to one client, which loses what the dice say. `shown`: the facilities the client has a right to, of which
    it subscribes to those it wants."""

    def __init__(self, dice, facilities, shown, wanted):
        self.dice, self.facilities, self.shown, self.wanted = dice, facilities, shown, wanted
        self.epochs, self.durable, self.line = [[]], 0, []  # an epoch: its events as (facility, stream_seq), seq is the place in it
        self.loses, self.cut = dice.choice((0, 0.1, 0.3, 0.6)), False

    def number(self, facility, seq, epoch=-1):
        return sum(one == facility for one, _ in self.epochs[epoch][:seq])

    def send(self, facility, kind, seq):
        header = {"epoch": str(len(self.epochs)), "seq": seq, "stream_seq": self.number(facility, seq)}
        if facility in self.wanted and not self.cut and self.dice.random() >= self.loses:
            self.line.append((f"kanhu1/{facility}/-/{kind}/", header, b"{}"))

    def write(self):
        facility = self.dice.choice(self.facilities)
        self.epochs[-1].append((facility, self.number(facility, None) + 1))
        self.send(facility, "presence.started", len(self.epochs[-1]))
        self.durable = max(self.durable, len(self.epochs[-1]) - self.dice.choice((0, 0, 3)))

    def heads(self):
        for facility in self.facilities:
            self.send(facility, "head", len(self.epochs[-1]))

    def sync(self):
        self.durable = len(self.epochs[-1])

    def restart(self):
        self.sync()
        self.epochs.append([])
        self.durable = 0

    def events(self, shown):
        """(epoch, seq) of all that a client of these is to have."""
        return [(str(number), seq) for number, epoch in enumerate(self.epochs, 1) for seq, (facility, _) in enumerate(epoch, 1) if facility in shown]

    def fetch(self, request):
        number, after = int(request.get("epoch", 1)), request.get("after", 0)
        shown, most = self.shown & set(request.get("streams", self.facilities)), self.dice.choice((1, 2, 5, 100))
        while True:
            newest = number == len(self.epochs)
            events = []
            for seq in range(after + 1, (self.durable if newest else len(self.epochs[number - 1])) + 1):
                facility, stream_seq = self.epochs[number - 1][seq - 1]
                if facility in shown and len(events) == most:
                    newest = False  # there is more
                    break
                after = seq
                if facility in shown:
                    events.append({"header": {"epoch": str(number), "seq": seq, "stream_seq": stream_seq}, "payload": {},
                                   "topic": f"kanhu1/{facility}/-/presence.started/"})
            if events or newest:
                break
            number, after = number + 1, 0
        streams = {facility: self.number(facility, self.durable) for facility in self.shown}
        return {"complete": newest, "events": events, "gaps": [], "head": {"epoch": str(len(self.epochs)), "streams": streams},
                "next": {"epoch": str(number), "after": after}}


class Client(kanhu_subscriber.Subscriber):
    def __init__(self, gateway, facilities, place):
        super().__init__("inproc://live", "inproc://query", facilities, place)
        self.gateway = gateway
        gateway.line.clear()

    def _ask(self, request):
        return self.gateway.fetch(request)

    def take(self, message):
        return self._take(*message)

    def begin(self):
        return self._catch_up()

    def end(self):
        self._live.close()
        self._context.term()


class Run:
    """One gateway, and clients each of which goes on at the place that the one before it noted."""

    def __init__(self, seed):
        self.dice = dice = random.Random(seed)
        names = ["f1", "f2", "f3", "-"][:dice.choice((2, 3, 4))]
        shown = set(dice.sample(names, len(names) - dice.choice((0, 1))))
        self.facilities = dice.choice((None, dice.sample(sorted(shown), dice.randint(1, len(shown)))))
        self.wanted = set(self.facilities or shown)
        self.gateway = Gateway(dice, names, shown, self.wanted)
        self.place, self.got, self.given = "oldest", set(), set()
        self.client = Client(self.gateway, self.facilities, self.place)
        self.consume(self.client.begin())

    def consume(self, items):
        for item in items:
            assert isinstance(item, kanhu_subscriber.Event), item
            assert (item.epoch, item.seq) not in self.given, f"{item} is given twice"
            self.given.add((item.epoch, item.seq))
            self.got.add((item.epoch, item.seq))
            self.place = item.epoch, item.place
            self.check(self.place)

    def check(self, place):
        in_front = [key for key in self.gateway.events(self.wanted) if (int(key[0]), key[1]) <= (int(place[0]), place[1])]
        assert self.got.issuperset(in_front), f"{place} stands in front of {set(in_front) - self.got}"

    def end_client(self):
        self.client.end()
        self.client, self.given = Client(self.gateway, self.facilities, self.place), set()
        self.consume(self.client.begin())

    def read(self, most):
        for _ in range(min(most, len(self.gateway.line))):
            self.consume(self.client.take(self.gateway.line.pop(0)))
            if self.client.place[0]:
                self.check(self.client.place)

    def step(self):
        gateway, what = self.gateway, self.dice.random()
        if what < 0.6:
            gateway.cut = gateway.cut != (self.dice.random() < 0.15)
            gateway.write()
        elif what < 0.75:
            gateway.heads()
        elif what < 0.82:
            self.end_client()
        elif what < 0.86:
            gateway.restart()
        if self.dice.random() < 0.7:
            self.read(self.dice.choice((1, 3, 100)))

    def finish(self):
        """A quiet second with the line whole."""
        self.gateway.cut, self.gateway.loses = False, 0
        self.gateway.heads()
        self.read(1000)
        self.client.end()
        assert self.got == set(self.gateway.events(self.wanted)), f"missing {set(self.gateway.events(self.wanted)) - self.got}"


def run(seed):
    """AssertionError when an event is lost or given twice, or a place is noted in front of one that is still to come."""
    made = Run(seed)
    slept, kanhu_subscriber.time.sleep = kanhu_subscriber.time.sleep, lambda _: made.gateway.sync()  # what waits becomes durable
    try:
        for _ in range(made.dice.randint(5, 60)):
            made.step()
        made.finish()
    finally:
        kanhu_subscriber.time.sleep = slept
