# SPDX-License-Identifier: MIT
"""Journals that were damaged, restored from yesterday, or are large: what can be read is read, what cannot is named, live traffic pays nothing."""
import json
import shutil
import time

import history_journal
import journal_reader
import journal_writer
from faults import LONG, MIB, Broker, FaultCase, Load, Recorder, seeded
from harness import main, wait_for

LARGE = 1_000_000 if LONG else 100_000


class JournalCase(FaultCase):
    def end(self, gateway):
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)

    def fill(self, config, load, count, recorders=()):
        """A gateway runs until it has `count` events more, and ends in an orderly way, the load too."""
        gateway = self.gateway(None, config=config, subscribe=False)
        wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= count, 60 + count / 500, f"{count} events")
        if load:
            load.end()
        place = self.settled(gateway)
        self.reached(recorders, place)
        self.end(gateway)
        return place


class Damaged(JournalCase):
    def segments(self, config):
        return sorted(self.journal_folder(config).glob("*.journal"))

    def test_flipped_bits_are_located_and_the_rest_is_readable(self):
        dice = seeded()
        broker = Broker(self)
        config = self.doors(broker, count=20)
        config["journal"] = {"segment_bytes": "1MiB"}
        live, query = self.ends(config)
        whole = Recorder(self, "whole", live, query)  # it has all of it before the damage
        self.fill(config, Load(broker, hertz=60), 6_000, [whole])
        self.assertGreater(len(self.segments(config)), 4)
        middle, newest = self.segments(config)[-3], self.segments(config)[-1]
        hurt = []
        for path in (middle, newest):
            data = bytearray(path.read_bytes())
            _, _, _, records = journal_reader.read_segment(path)
            at, places = 128, []
            while data[at:at + 4] == b"KREC":
                places.append(at)
                at += int.from_bytes(data[at + 4:at + 8], "little")
            # Not the first two, which say where the segment stands; not the last, which cannot be told from a torn one.
            number = dice.randrange(3, len(places) - 2)
            data[dice.randrange(places[number] + 4, places[number + 1])] ^= 1 << dice.randrange(8)
            path.write_bytes(data)
            self.assertEqual(records[number][1].kind, journal_reader.EVENT)
            hurt.append((records[number][1].epoch, records[number][1].seq))
        late = Recorder(self, "late", live, query)
        cpp = Recorder(self, "late-cpp", live, query, "cpp")
        load = Load(broker, hertz=20)
        self.fill(config, load, 200, [whole, late, cpp])
        names = sorted(path.name for path in self.journal_folder(config).glob("*.damaged"))
        self.assertEqual(names, sorted(f"{path.name}.damaged" for path in (middle, newest)))
        damaged = []
        self.judge(config, [whole, late, cpp], until="received", closed=False, damaged=damaged)
        print("  " + "; ".join(damaged))
        self.assertEqual(len(damaged), 2)
        for recorder in (late, cpp):
            told = [(gap["epoch"], gap["first"], gap["last"]) for gap in recorder.history().items if gap["how"] == "gap" and gap["reason"] == "damaged"]
            self.assertEqual(told, [(epoch, seq, seq) for epoch, seq in hurt])
        announced = self.events_of_type(config, "gateway.journal_damaged")
        self.assertEqual(sorted(event["data"]["segment"].rsplit("/", 1)[-1].split(":")[0] for event in announced), [path.name for path in (middle, newest)])

    def events_of_type(self, config, kind):
        return [json.loads(record.body) for record in journal_reader.read_journal(self.journal_folder(config), []) if record.type == kind]

    def test_a_torn_tail_is_cut_and_nothing_that_was_whole_is_lost(self):
        dice = seeded()
        broker = Broker(self)
        config = self.doors(broker, count=20)
        live, query = self.ends(config)
        for number in range(20 if LONG else 5):
            load = Load(broker, hertz=30)
            gateway = self.gateway(None, config=config, subscribe=False)
            wait_for(lambda: gateway.info()["journal"]["durable_seq"] > 300, 30, "events")
            self.processes.remove(gateway)
            gateway.kill9()
            load.end()
            newest = self.segments(config)[-1]
            data = newest.read_bytes()
            _, _, _, records = journal_reader.read_segment(newest)
            at = 128
            for _ in records:
                begins, at = at, at + int.from_bytes(data[at + 4:at + 8], "little")
            # What a crash leaves: the last record in part, and perhaps nonsense behind it.
            torn = data[:dice.randrange(begins + 1, at)] + dice.randbytes(dice.choice((0, 1, 500)))
            newest.write_bytes(torn)
        late = Recorder(self, "late", live, query)
        cpp = Recorder(self, "late-cpp", live, query, "cpp")
        self.fill(config, Load(broker, hertz=30), 300, [late, cpp])
        report = self.judge(config, [late, cpp], until="received", gaps=0)
        self.assertEqual(report.counts["epochs"], number + 2)
        self.assertEqual(self.events_of_type(config, "gateway.journal_damaged"), [])


class Restored(JournalCase):
    def test_yesterdays_copy_is_a_new_epoch_and_subscribers_learn_what_is_gone(self):
        broker = Broker(self)
        config = self.doors(broker, count=10)
        live, query = self.ends(config)
        recorders = [Recorder(self, "python", live, query), Recorder(self, "cpp", live, query, "cpp"), Recorder(self, "raw", live, query, "raw")]
        self.fill(config, Load(broker, hertz=30), 400, recorders[:2])
        data, copy = self.journal_folder(config).parent, self.folder / "yesterday"
        shutil.copytree(data, copy)
        today = self.fill(config, Load(broker, hertz=30), 500, recorders[:2])
        kept = history_journal.Journal.read(self.journal_folder(config))
        shutil.rmtree(data)
        shutil.copytree(copy, data)
        gateway = self.gateway(None, config=config, subscribe=False)
        load = Load(broker, hertz=30)
        wait_for(lambda: gateway.info()["journal"]["durable_seq"] > 300, 30, "events")
        load.end()
        place = self.settled(gateway)
        self.reached(recorders, place)
        self.end(gateway)
        self.judge(config, recorders, until="received", rewound=True)
        restored = history_journal.Journal.read(self.journal_folder(config))
        self.assertNotIn(today[0], restored.epochs)
        for key in set(kept.events) & set(restored.events):
            self.assertEqual(kept.events[key].body, restored.events[key].body)
        for recorder in recorders[:2]:
            told = [gap for gap in recorder.history().items if gap["how"] == "gap"]
            self.assertEqual([(gap["epoch"], gap["reason"], gap["last"]) for gap in told], [(today[0], "unknown_epoch", 0)])


class Large(JournalCase):
    def test_a_large_journal_is_fetched_while_live_traffic_goes_on(self):
        broker = Broker(self)
        config = self.doors(broker, count=50)
        live, query = self.ends(config)
        begun = time.monotonic()
        writer = journal_writer.Writer(self.journal_folder(config), "0123456789abcdef" * 2, time.time_ns() // 1000 - 3_600_000_000)
        for number in range(LARGE):
            facility = f"f{number % 2 + 1}"
            writer.event(facility, "occupancy.sampled", {
                "data": {"phase": "point", "facility": {"id": facility}, "number": number}, "source": f"/gateway/test/facility/{facility}/source/-",
                "specversion": "1.0", "subject": f"s{number}", "time": "2026-01-01T00:00:00Z", "type": "kanhu.occupancy.sampled"})
        writer.close()
        print(f"  {LARGE} events written in {time.monotonic() - begun:.0f} s", flush=True)
        gateway = self.gateway(None, config=config, subscribe=False)
        raw = Recorder(self, "raw", live, query, "raw")
        load = Load(broker, hertz=2)
        wait_for(raw.newest, 20, "live events")
        before = self.resident(gateway.pid)
        begun = time.monotonic()
        late = [Recorder(self, "cpp", live, query, "cpp"), Recorder(self, "python", live, query)]
        most = 0

        def caught_up():
            nonlocal most
            most = max(most, self.resident(gateway.pid))
            newest = late[0].newest()
            return newest and newest[0] == gateway.info()["journal"]["epoch"]

        wait_for(caught_up, 60 + LARGE / 500, "caught up")
        print(f"  caught up after {time.monotonic() - begun:.1f} s, {(most - before) / MIB:.1f} MiB more", flush=True)
        load.end()
        place = self.settled(gateway)
        self.reached([*late, raw], place, deadline=60 + LARGE / 500)
        self.end(gateway)
        self.assertLessEqual(most - before, 32 * MIB)
        report = self.judge(config, [*late, raw], until=place, gaps=0)
        self.assertGreaterEqual(report.counts["events"], LARGE)


if __name__ == "__main__":
    main()
