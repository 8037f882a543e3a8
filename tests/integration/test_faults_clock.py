# SPDX-License-Identifier: MIT
"""The wall clock of the gateway is stepped by an hour, forth and back, by libfaketime: CLOCK_MONOTONIC and every other process go on as they are."""
import glob
import time
import unittest

from faults import LONG, Broker, FaultCase, Load, Recorder
from harness import environment, main, wait_for

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
HOUR = 3600


@unittest.skipUnless(LIBRARY, "libfaketime is not installed (apt-get install libfaketime)")
class Steps(FaultCase):
    def test_stepped_an_hour_back_and_forth(self):
        offset = self.folder / "clock"
        offset.write_text("+0")
        env = environment(LD_PRELOAD=LIBRARY, FAKETIME_TIMESTAMP_FILE=str(offset), FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_NO_CACHE="1")
        broker = Broker(self)
        config = self.doors(broker, count=10)
        # In one process: a worker of its own is kept from the file that says how far the clock is off, and would go by another one.
        config["gateway"]["sources_per_worker"] = 0
        live, query = self.ends(config)
        gateway = self.gateway(None, config=config, subscribe=False, env=env)
        recorders = [Recorder(self, "raw", live, query, "raw"), Recorder(self, "python", live, query), Recorder(self, "cpp", live, query, "cpp")]
        load = Load(broker, hertz=10)
        wait_for(lambda: all(recorder.newest() for recorder in recorders), 20, "events")
        steps = [-HOUR, 0, HOUR, -HOUR, HOUR, 0] * (5 if LONG else 1)
        for number, seconds in enumerate(steps):
            offset.write_text(f"{seconds:+d}")
            if number % 3 == 2:  # and found stepped by a gateway that starts anew
                self.processes.remove(gateway)
                gateway.kill9()
                gateway = self.gateway(None, config=config, subscribe=False, env=env)
            before = recorders[0].newest()
            wait_for(lambda: self.hours_off(recorders[0]) == seconds // HOUR, 10, f"the gateway's clock is {seconds} s off")
            wait_for(lambda: recorders[0].newest()[1] > before[1] + 200 or recorders[0].newest()[0] != before[0], 10, "events go on")
        load.end()
        place = self.settled(gateway)
        self.reached(recorders, place)
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)
        report = self.judge(config, recorders, until=place)
        self.assertEqual(report.counts["epochs"], 1 + len(steps) // 3)
        # A second between heads, by the machine's clock, whatever the gateway's says.
        heads = [line["at"] for line in recorders[0].lines() if line["topic"] == "kanhu1/f1/-/head/"]
        longest = max(after - before for before, after in zip(heads, heads[1:])) / 1e6
        print(f"  {len(steps)} steps; the longest time without a head {longest:.1f} s", flush=True)
        self.assertLess(longest, 5)

    @staticmethod
    def hours_off(recorder):
        """By which the newest head's time differs from when it came."""
        heads = [line for line in recorder.lines() if line["topic"].endswith("/head/")]
        if not heads:
            return None
        newest = heads[-1]
        assert abs(newest["at"] / 1e6 - time.time()) < 30, "no heads any more"
        return round((newest["header"]["published"] - newest["at"]) / 1e6 / HOUR)


if __name__ == "__main__":
    main()
