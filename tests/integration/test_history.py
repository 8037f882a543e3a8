# SPDX-License-Identifier: MIT
"""The history checker finds what is planted: each fault in many random histories, and nothing in those without one."""
import json
import pathlib
import random
import shutil
import tempfile
import unittest

import history
import journal_writer
from journal_reader import DAMAGE, EPOCH, EVENT, GAP, SNAPSHOT, Record

SEEDS = range(40)
FACILITIES = ("f1", "f2", "-")


class World:
    """A journal of a few epochs and what clients make of it, all from one seed."""

    def __init__(self, seed, epochs=3):
        self.dice = random.Random(seed)
        self.records, self.events = [], []  # events: of the journal, in order
        open_, previous, self.subjects = [], None, 0
        for ordinal in range(1, epochs + 1):
            epoch, streams, seq = f"{self.dice.getrandbits(128):032x}", {}, 0
            self.append(EPOCH, epoch, ordinal, 0, 0, "-", {"previous": previous})
            self.append(SNAPSHOT, epoch, ordinal, 0, 0, "-", {"epoch": epoch, "streams": {}})
            for _ in range(self.dice.randint(20, 60)):
                seq += 1
                stream = self.dice.choice(FACILITIES)
                streams[stream] = streams.get(stream, 0) + 1
                ends = [one for one in open_ if one[0] == stream]
                if ends and self.dice.random() < 0.5:
                    subject, phase = ends[0][1], 2
                    open_.remove(ends[0])
                else:
                    self.subjects += 1
                    subject, phase = f"subject-{self.subjects}", self.dice.choice((0, 3))
                    if phase == 0:
                        open_.append((stream, subject))
                body = {"id": f"{epoch}:{seq}", "subject": subject, "time": f"2026-01-01T00:00:{len(self.records):06}", "x": self.dice.random()}
                self.append(EVENT, epoch, ordinal, seq, streams[stream], stream, body, phase)
                self.events.append(self.records[-1])
            if ordinal == epochs:
                for stream, subject in open_:
                    seq += 1
                    streams[stream] = streams.get(stream, 0) + 1
                    self.append(EVENT, epoch, ordinal, seq, streams[stream], stream,
                                {"id": f"{epoch}:{seq}", "subject": subject, "time": "2026-01-02T00:00:00"}, 2)
                    self.events.append(self.records[-1])
            previous = {"epoch": epoch, "seq": seq, "streams": streams}

    def append(self, kind, epoch, ordinal, seq, stream_seq, stream, body, phase=0):
        self.records.append(Record(kind, phase, 0, ordinal, epoch, seq, stream_seq, stream, "-", "t", json.dumps(body).encode(), ordinal))

    def client(self, name="client", streams=None, begins="oldest", once=True):
        client = history.Client(name, streams and frozenset(streams), begins, once=once)
        for record in self.events:
            if client.follows(record.stream):
                self.give(client, record)
        return client

    @staticmethod
    def give(client, record, **more):
        client.event(record.epoch, record.seq, record.stream, record.stream_seq, history.digest(record.body), **more)

    def live_only(self):
        """One that is deaf now and then, reckons what it missed from heads, and hears some twice."""
        client, bases, newest = history.Client("live", once=False), set(), {}
        deaf = False
        for record in self.events:
            key = (record.epoch, record.stream)
            if self.dice.random() < 0.1:
                deaf = not deaf
            if deaf:
                continue
            last = newest.get(key, 0 if record.stream in bases else record.stream_seq - 1)
            if record.stream_seq > last + 1:
                client.items.append({"how": "missed", "epoch": record.epoch, "stream": record.stream, "first": last + 1, "last": record.stream_seq - 1})
            self.give(client, record)
            if record.stream not in bases:
                client.items[-1]["base"] = True
                bases.add(record.stream)
            if self.dice.random() < 0.1:
                self.give(client, record)
            newest[key] = record.stream_seq
        totals = {}
        for record in self.events:
            totals[record.epoch, record.stream] = record.stream_seq
        begun = False
        for (epoch, stream), total in totals.items():
            begun = begun or any(item["epoch"] == epoch for item in client.items)
            last = newest.get((epoch, stream), 0)
            if stream in bases and begun and last < total and self.after_base(client, epoch, stream):
                client.items.append({"how": "missed", "epoch": epoch, "stream": stream, "first": last + 1, "last": total})
        return client

    def after_base(self, client, epoch, stream):
        order = list(dict.fromkeys(record.epoch for record in self.events))
        base = next(item["epoch"] for item in client.items if item.get("base") and item["stream"] == stream)
        return order.index(epoch) >= order.index(base)

    def open_end(self):
        """The gateway was killed on a full disk in the first epoch, the client was told: (client, last record, place of the next epoch's items)."""
        last = max((one for one in self.events if one.epoch_ordinal == 1), key=lambda one: one.seq)
        client, at = self.client(), self.events.index(last) + 1
        record = Record(GAP, 0, 0, 1, last.epoch, last.seq, 0, "-", "-", "t", json.dumps(
            {"reason": "never_durable", "from": last.seq + 1, "to": 0, "streams": {}, "bounds": {}, "ended": []}).encode(), 1)
        self.records.insert(self.records.index(last) + 1, record)
        self.change_previous(2, open=True)
        client.gap(last.epoch, last.seq + 1, 0, "never_durable")
        client.items.insert(at, client.items.pop())
        return client, last, at

    def change_previous(self, ordinal, **more):
        at = next(index for index, record in enumerate(self.records) if record.kind == EPOCH and record.epoch_ordinal == ordinal)
        body = json.loads(self.records[at].body)
        body["previous"] |= more
        self.records[at] = self.records[at]._replace(body=json.dumps(body).encode())

    def journal(self, closed=True):
        return history.Journal(self.records, closed)

    def check(self, *clients, closed=True, **more):
        return history.check(self.journal(closed), clients, **more)


def events_of(client):
    return [index for index, item in enumerate(client.items) if item["how"] in ("live", "fetch")]


class Clean(unittest.TestCase):
    def test_random_histories_without_a_fault_pass(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                world = World(seed)
                middle = world.dice.choice(world.events)
                late = world.client("late")
                late.begins = (middle.epoch, middle.seq)
                late.items = late.items[world.events.index(middle) + 1:]
                now = world.client("now", begins="now")
                now.items = now.items[7:]
                report = world.check(world.client(), world.client("one", ["f1"]), late, now, world.live_only())
                self.assertEqual(report.violations, [], report)
                self.assertEqual(report.counts["lost"], 0)

    def test_gaps_that_are_true_pass(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                world = World(seed)
                # The disk was full in the last epoch, the memory too: the journal says so, and the client was told.
                last = world.records[-1]
                world.append(GAP, last.epoch, last.epoch_ordinal, last.seq + 3, 0, "-",
                             {"reason": "queue_full", "from": last.seq + 1, "to": last.seq + 3, "streams": {}, "bounds": {}, "ended": []})
                client = world.client()
                client.event(last.epoch, last.seq + 1, "f1", 999, "00", durable=False)
                client.gap(last.epoch, last.seq + 1, last.seq + 3, "queue_full")
                # Shown provisionally at the end of the first epoch, and lost with the power.
                first = max((one for one in world.events if one.epoch_ordinal == 1), key=lambda one: one.seq)
                at = world.events.index(first) + 1
                client.event(first.epoch, first.seq + 1, "f2", 998, "01", provisional=True)
                client.items.insert(at, client.items.pop())
                client.gap(first.epoch, first.seq + 1, first.seq + 1, "never_durable")
                report = world.check(client)
                self.assertEqual(report.violations, [], report)

    def test_an_end_that_nobody_knows_passes_when_it_is_told(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                world = World(seed)
                client, last, at = world.open_end()
                client.event(last.epoch, last.seq + 2, "f1", 999, "00", durable=False)  # a number that only its gap can explain
                client.items.insert(at, client.items.pop())
                report = world.check(client)
                self.assertEqual(report.violations, [], report)

    def test_damage_explains_what_cannot_be_read(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                world = World(seed)
                whole = world.client("whole")
                bad = world.dice.randrange(3, len(world.records) - 3)
                while world.records[bad].kind != EVENT or world.records[bad + 1].kind != EVENT:
                    bad += 1
                gone = world.records[bad]
                world.records[bad] = Record(DAMAGE, 0, 0, 0, "", 0, 0, "", "", "", b"", 1)
                late = world.client("late")
                late.items = [item for item in late.items if (item["epoch"], item["seq"]) != (gone.epoch, gone.seq)]
                late.gap(gone.epoch, gone.seq, gone.seq, "damaged")
                report = world.check(whole, late, closed=False)
                self.assertEqual(report.violations, [], report)


class Planted(unittest.TestCase):
    """`plant` changes world and client; the checker must say `kind`, whatever else it says."""

    def found(self, kind, plant, closed=True, **more):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                world = World(seed)
                client, other = world.client(), world.client("other")
                self.assertEqual(world.check(client, other).violations, [])
                done = plant(world, client)
                report = world.check(*(done if isinstance(done, tuple) else (client, other)), closed=closed, **more)
                self.assertIn(kind, report.kinds(), report)

    def test_an_event_lost_by_one_client(self):
        self.found("lost", lambda world, client: client.items.pop(world.dice.randrange(len(client.items))) and None)

    def test_an_end_that_nobody_knows_and_nobody_was_told_of(self):
        def plant(world, _client):
            client, _last, at = world.open_end()
            client.items.pop(at)
            return (client,)
        self.found("not_told", plant)

    def test_an_end_that_nobody_knows_told_where_the_journal_goes_on(self):
        def plant(world, _client):
            client, _last, at = world.open_end()
            client.items[at]["first"] -= 1
            return (client,)
        self.found("false_gap", plant)

    def test_a_durable_event_behind_an_end_that_nobody_knows(self):
        def plant(world, _client):
            client, last, at = world.open_end()
            client.event(last.epoch, last.seq + 2, "f1", 999, "00")
            client.items.insert(at, client.items.pop())
            return (client,)
        self.found("lost_durable", plant)

    def test_an_event_in_the_journal_behind_an_end_that_nobody_knows(self):
        def plant(world, _client):
            client, last, _at = world.open_end()
            gap = next(index for index, record in enumerate(world.records) if record.kind == GAP)
            world.records.insert(gap + 1, last._replace(seq=last.seq + 1, stream_seq=last.stream_seq + 1))
            return (client,)
        self.found("journal_skip", plant)

    def test_the_last_event_lost_by_one_client(self):
        self.found("lost", lambda world, client: client.items.pop() and None)

    def test_a_missing_end_is_a_loss(self):
        def plant(world, client):
            ends = [index for index, record in enumerate(world.events) if record.phase == 2]
            client.items.pop(world.dice.choice(ends))
        self.found("lost", plant)

    def test_an_event_lost_between_missed_ranges_and_heads(self):
        def plant(world, _client):
            live = world.live_only()
            rest = [index for index in events_of(live) if not live.items[index].get("base") and
                    sum(live.items[index]["seq"] == item.get("seq") and live.items[index]["epoch"] == item["epoch"] for item in live.items) == 1]
            live.items.pop(world.dice.choice(rest))
            return (live,)
        self.found("lost", plant)

    def test_a_head_nobody_noticed(self):
        def plant(world, client):
            record = world.dice.choice(world.events)
            total = max(one.stream_seq for one in world.events if (one.epoch, one.stream) == (record.epoch, record.stream))
            client.items.append({"how": "head", "epoch": record.epoch, "stream": record.stream, "stream_seq": total + 2})
        self.found("unnoticed_head", plant)

    def test_a_body_changed_on_the_way(self):
        def plant(world, client):
            world.dice.choice(client.items)["body"] = history.digest(b"other")
        self.found("two_contents", plant)

    def test_a_duplicate_with_other_content(self):
        def plant(world, client):
            client.once = False
            client.items.insert(world.dice.randrange(len(client.items)), dict(world.dice.choice(client.items), body="00"))
        self.found("two_contents", plant)

    def test_one_id_with_two_contents_at_two_clients_and_not_in_the_journal(self):
        def plant(world, client):
            other = world.client("other")
            last = world.records[-1]
            client.event(last.epoch, last.seq + 1, "f1", 900, "01", provisional=True)
            other.event(last.epoch, last.seq + 1, "f1", 900, "02", provisional=True)
            return client, other
        self.found("two_contents", plant)

    def test_a_duplicate_from_a_client_that_promises_none(self):
        self.found("not_once", lambda world, client: client.items.insert(world.dice.randrange(len(client.items)), dict(client.items[-1])))

    def test_two_neighbours_swapped(self):
        def plant(world, client):
            at = world.dice.randrange(len(client.items) - 1)
            client.items[at], client.items[at + 1] = client.items[at + 1], client.items[at]
        self.found("out_of_order", plant)

    def test_a_number_of_a_stream_that_belongs_to_two(self):
        def plant(world, client):
            item = world.dice.choice(client.items)
            item["stream_seq"] += 1
        self.found("two_places", plant)

    def test_a_durable_event_the_journal_does_not_have(self):
        def plant(world, client):
            last = world.records[-1]
            client.event(last.epoch, last.seq + 1, "f1", 900, "00")
        self.found("lost_durable", plant)

    def test_a_confirmed_event_the_journal_does_not_have(self):
        def plant(world, client):
            last = world.records[-1]
            client.event(last.epoch, last.seq + 1, "f1", 900, "00", provisional=True)
            client.items.append({"how": "commit", "epoch": last.epoch, "seq": last.seq + 1})
        self.found("lost_durable", plant)

    def test_a_rewound_journal_of_which_the_client_was_not_told(self):
        def plant(world, client):
            client.event("ab" * 16, 1, "f1", 1, "00")
        self.found("lost_durable", plant, rewound=True)

    def test_a_provisional_event_that_was_never_heard_of_again(self):
        for flags in ({"provisional": True}, {"durable": False}):
            def plant(world, client):
                last = world.records[-1]
                client.event(last.epoch, last.seq + 1, "f1", 900, "00", **flags)
            self.found("unconfirmed", plant)

    def test_a_false_gap(self):
        def plant(world, client):
            at = world.dice.randrange(len(client.items))
            item = client.items[at]
            client.items[at] = {"how": "gap", "epoch": item["epoch"], "first": item["seq"], "last": item["seq"], "reason": "damaged", "streams": {}}
        self.found("false_gap", plant)

    def test_a_gap_that_covers_one_too_many(self):
        def plant(world, client):
            last = world.records[-1]
            client.gap(last.epoch, last.seq, last.seq + 5, "queue_full")
        self.found("false_gap", plant)

    def test_a_gap_by_stream_that_is_none(self):
        def plant(world, client):
            record = world.dice.choice(world.events)
            client.gap(record.epoch, record.seq, 0, "not_delivered", {record.stream: {"from": record.stream_seq, "to": record.stream_seq}})
        self.found("false_gap", plant)

    def test_reckoned_as_missed_and_received(self):
        def plant(world, client):
            record = world.dice.choice(world.events)
            client.items.append({"how": "missed", "epoch": record.epoch, "stream": record.stream, "first": record.stream_seq, "last": record.stream_seq})
        self.found("false_gap", plant)

    # The journal itself.

    def drop(self, world, record):
        world.records.remove(record)
        for_all = (record.epoch, record.seq)
        clients = world.client(), world.client("other")
        for client in clients:
            client.items = [item for item in client.items if (item["epoch"], item["seq"]) != for_all]
        return clients

    def test_a_seq_skipped_in_the_journal(self):
        def plant(world, _client):
            followed = [one for one, two in zip(world.events, world.events[1:]) if one.epoch == two.epoch]
            return self.drop(world, world.dice.choice(followed))
        self.found("journal_skip", plant)

    def test_the_last_of_an_epoch_missing_in_the_journal(self):
        def plant(world, _client):
            return self.drop(world, max((one for one in world.events if one.epoch_ordinal == 1), key=lambda one: one.seq))
        self.found("wrong_previous", plant)

    def test_a_stream_seq_skipped_in_the_journal(self):
        def plant(world, _client):
            record = world.dice.choice(world.events)
            at = world.records.index(record)
            world.records[at] = world.events[world.events.index(record)] = record._replace(stream_seq=record.stream_seq + 1)
            return (world.client(),)
        self.found("stream_skip", plant)

    def test_an_event_twice_in_the_journal(self):
        self.found("journal_skip", lambda world, _: world.records.append(world.events[-1]))
        self.found("two_contents", lambda world, _: world.records.append(world.events[-1]._replace(body=b'{"subject":"s","time":"t"}')))

    def test_an_epoch_that_forgets_the_end_of_the_one_before(self):
        def plant(world, _client):
            at = world.dice.choice([index for index, record in enumerate(world.records) if record.kind == EPOCH and record.epoch_ordinal > 1])
            body = json.loads(world.records[at].body)
            if world.dice.random() < 0.5:
                body["previous"]["seq"] -= 1
            else:
                body["previous"]["streams"]["f1"] = body["previous"]["streams"].get("f1", 0) + 1
            world.records[at] = world.records[at]._replace(body=json.dumps(body).encode())
        self.found("wrong_previous", plant)

    def test_an_epoch_that_says_otherwise_whether_the_one_before_had_more(self):
        self.found("wrong_previous", lambda world, _: world.change_previous(2, open=True))

        def plant(world, _client):
            client = world.open_end()[0]
            world.change_previous(2, open=False)
            return (client,)
        self.found("wrong_previous", plant)

    def reshape(self, world, phase, change):
        at = world.dice.choice([index for index, record in enumerate(world.events) if record.phase == phase])
        record = world.events[at]
        new = change(record)
        world.records[world.records.index(record)] = world.events[at] = new
        return (world.client(),)

    def test_a_missing_end(self):
        self.found("never_ended", lambda world, _: self.reshape(world, 2, lambda record: record._replace(phase=3)))

    def test_an_end_without_a_start(self):
        self.found("end_without_start", lambda world, _: self.reshape(world, 0, lambda record: record._replace(phase=3)))

    def test_a_second_start(self):
        self.found("second_start", lambda world, _: self.reshape(world, 2, lambda record: record._replace(phase=0)))

    def test_an_end_in_front_of_its_start(self):
        self.found("ends_before_start", lambda world, _: self.reshape(
            world, 2, lambda record: record._replace(body=json.dumps(dict(json.loads(record.body), time="2025")).encode())))


class Lines(unittest.TestCase):
    def test_every_kind_is_planted_somewhere(self):
        text = open(__file__, encoding="utf-8").read()
        for kind in history.KINDS:
            self.assertIn(f'"{kind}"', text)


class Written(unittest.TestCase):
    """The reader the checker stands on, with a journal in files."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kanhu-"))
        self.addCleanup(shutil.rmtree, self.folder)
        writer = journal_writer.Writer(self.folder / "journal", "ab" * 16, 1_700_000_000_000_000, segment_bytes=5_000)
        for number in range(120):
            writer.event(FACILITIES[number % 3], "t", {"subject": f"s{number}", "time": "2026-01-01T00:00:00Z"})
        writer.close()

    def test_a_whole_journal_is_read_and_passes(self):
        journal = history.Journal.read(self.folder / "journal", closed=True)
        self.assertEqual((journal.violations, len(journal.events)), ([], 120))

    def test_every_flipped_bit_is_noticed_and_costs_one_record(self):
        whole = history.Journal.read(self.folder / "journal")
        dice = random.Random(1)
        paths = sorted((self.folder / "journal").iterdir())
        self.assertGreater(len(paths), 3)
        for _ in range(60):
            path = dice.choice(paths[:-1])
            good = path.read_bytes()
            at = dice.randrange(len(good))
            with self.subTest(path=path.name, at=at):
                path.write_bytes(good[:at] + bytes([good[at] ^ 1 << dice.randrange(8)]) + good[at + 1:])
                damaged = []
                journal = history.Journal.read(self.folder / "journal", damaged=damaged)
                self.assertTrue(damaged)
                self.assertEqual(journal.violations, [])
                gone = set(whole.events) - set(journal.events)
                self.assertLessEqual(len(gone), 1)
                for key in gone:
                    self.assertTrue(journal.in_hole(*key), key)
                for key, entry in journal.events.items():
                    self.assertEqual(entry.body, whole.events[key].body)
            path.write_bytes(good)


if __name__ == "__main__":
    unittest.main(verbosity=2)
