# SPDX-License-Identifier: MIT
"""Subscribers that stop or are slow: they see what they missed and fetch it, the gateway pays with a bounded memory, and nobody else with anything."""
import signal
import time

from faults import LONG, MIB, Broker, FaultCase, Load, Recorder
from harness import PATIENCE, main, wait_for

ONE_MAY_COST = 16 * MIB
# More than the socket's limit of 8,000 messages and what the kernel keeps beside it.
BEYOND_THE_LIMIT = 30_000


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


class Stopped(FaultCase):
    def let_come(self, gateway, count):
        """Waits for `count` further events; the largest resident size of the gateway meanwhile."""
        begun, most = gateway.info()["journal"]["durable_seq"], 0

        def enough():
            nonlocal most
            most = max(most, self.resident(gateway.pid))
            return gateway.info()["journal"]["durable_seq"] >= begun + count

        wait_for(enough, 60 + count / 200, f"{count} events")
        return most

    def test_stopped_for_longer_than_the_sockets_limit(self):
        broker = Broker(self)
        config = self.over_tcp(self.doors(broker, count=40))
        gateway = self.gateway(None, config=config, subscribe=False)
        live, query = self.ends(config)
        recorders = [Recorder(self, "python", live, query), Recorder(self, "cpp", live, query, "cpp"), Recorder(self, "raw", live, query, "raw")]
        load = Load(broker, hertz=40)
        wait_for(lambda: all(recorder.newest() for recorder in recorders), 20, "events")
        self.let_come(gateway, 10_000)  # what the gateway needs anyway
        before = self.resident(gateway.pid)
        stopped = recorders[:2]
        for _ in range(5 if LONG else 1):
            for recorder in stopped:
                recorder.popen.send_signal(signal.SIGSTOP)
            missed_from = gateway.info()["journal"]["durable_seq"]
            most = self.let_come(gateway, BEYOND_THE_LIMIT)
            for recorder in stopped:
                recorder.popen.send_signal(signal.SIGCONT)
            growth = most - before
            print(f"  {BEYOND_THE_LIMIT} events while {len(stopped)} were stopped: {growth / MIB:.1f} MiB more", flush=True)
            self.assertLessEqual(growth, ONE_MAY_COST * len(stopped))
            self.assertLessEqual(growth / len(stopped), ONE_MAY_COST)
            self.let_come(gateway, 3_000)
        load.end()
        place = self.settled(gateway)
        self.reached(recorders, place)
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)
        self.judge(config, recorders, until=place)
        for recorder in stopped:
            if recorder.kind == "client":
                fetched = sum(line["how"] == "fetch" and line["seq"] > missed_from for line in recorder.lines())
                print(f"  {recorder.name} fetched {fetched}", flush=True)
                self.assertGreater(fetched, 1_000)


class Fifty(FaultCase):
    def test_49_are_not_delayed_and_lose_nothing_while_one_is_slow(self):
        broker = Broker(self)
        config = self.doors(broker, count=20)
        gateway = self.gateway(None, config=config, subscribe=False)
        live, query = self.ends(config)
        slow = Recorder(self, "slow", live, query)
        recorders = [Recorder(self, f"raw{number}", live, query, "raw") for number in range(49)]
        wait_for(lambda: all(recorder.lines() for recorder in recorders), 60, "all are connected")
        load = Load(broker, hertz=12)
        wait_for(lambda: all(recorder.newest() for recorder in recorders), 60, "all have events")

        def until(count):
            begun = gateway.info()["journal"]["durable_seq"]
            wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= begun + count, 120, f"{count} events")
            return gateway.info()["journal"]["durable_seq"]

        alone_from = gateway.info()["journal"]["durable_seq"]
        slow_from = until(1_500)
        for _ in range(4):  # it reads for a moment now and then
            slow.popen.send_signal(signal.SIGSTOP)
            slow_to = until(3_000)
            slow.popen.send_signal(signal.SIGCONT)
            time.sleep(0.003)
        load.end()
        place = self.settled(gateway)
        self.reached([slow, *recorders], place)
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)
        delays, fetched = {True: [], False: []}, 0

        def look(client):
            nonlocal fetched
            if client.name == "slow":
                fetched = sum(item["how"] == "fetch" and item["seq"] > slow_from for item in client.items)
                return
            self.assertEqual([item for item in client.items if item["how"] == "missed"], [], f"{client.name} lost something")
            for item in client.items:
                if item["how"] == "live" and alone_from < item["seq"] <= slow_to:
                    delays[item["seq"] > slow_from].append(item["at"] - item["published"])

        self.judge(config, [slow, *recorders], until=place, look=look)
        print(f"  the slow one fetched {fetched}", flush=True)
        self.assertGreater(fetched, 500)
        alone, beside = (percentile(delays[which], 0.99) / 1e3 for which in (False, True))
        print(f"  49 receive with p99 {alone:.1f} ms, beside a slow one {beside:.1f} ms", flush=True)
        self.assertLess(beside, 2 * alone + 250 * PATIENCE)


class Heartbeats(FaultCase):
    def test_a_subscriber_with_zmtp_heartbeats_does_no_harm(self):
        """libzmq 4.3.4 aborts a stalled SUB that has them: its own affair."""
        broker = Broker(self)
        config = self.over_tcp(self.doors(broker, count=20))
        gateway = self.gateway(None, config=config, subscribe=False)
        live, query = self.ends(config)
        odd = [Recorder(self, f"odd{number}", live, query, "raw", KANHU_RECORDER_HEARTBEAT="100") for number in range(4)]
        good = Recorder(self, "good", live, query)
        load = Load(broker, hertz=20)
        wait_for(lambda: all(recorder.newest() for recorder in [*odd, good]), 20, "events")
        for _ in range(3):
            for recorder in odd:
                if recorder.alive():
                    recorder.popen.send_signal(signal.SIGSTOP)
            begun = gateway.info()["journal"]["durable_seq"]
            wait_for(lambda: gateway.info()["journal"]["durable_seq"] > begun + 1_500, 60, "it goes on")
            for recorder in odd:
                recorder.popen.send_signal(signal.SIGCONT)
            begun = gateway.info()["journal"]["durable_seq"]
            wait_for(lambda: gateway.info()["journal"]["durable_seq"] > begun + 500, 60, "it goes on")
        print(f"  {sum(not recorder.alive() for recorder in odd)} of {len(odd)} aborted themselves", flush=True)
        load.end()
        place = self.settled(gateway)
        self.reached([good], place)
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)
        self.judge(config, [good], until=place)
        for recorder in odd:
            if recorder.alive():
                recorder.end()
            else:
                recorder.popen.wait()


if __name__ == "__main__":
    main()
