# SPDX-License-Identifier: MIT
"""kill -9 of the gateway at random points under load: the union of journal and subscribers shows no skip, no id twice, no loss."""
import time

from faults import LONG, Broker, FaultCase, Load, Recorder, seeded
from harness import main, wait_for

KILLS = 500 if LONG else 60


class Kills(FaultCase):
    def test_killed_at_random_points_under_load(self):
        dice = seeded()
        broker = Broker(self)
        config = self.doors(broker, count=20)
        config["journal"] = {"segment_bytes": "2MiB"}
        live, query = self.ends(config)
        recorders = [Recorder(self, "raw", live, query, "raw"), Recorder(self, "python", live, query), Recorder(self, "cpp", live, query, "cpp"),
                     Recorder(self, "one", live, query, facilities=["f2"])]
        load = Load(broker, hertz=30)
        begun, early, restarts = time.monotonic(), 0, []
        for number in range(KILLS):
            started = time.monotonic()
            if dice.random() < 0.25:  # while it opens its journal, or before
                early += 1
                self.killed_early(config, dice.uniform(0, 0.2))
                continue
            gateway = self.gateway(None, config=config, subscribe=False)
            restarts.append(time.monotonic() - started)
            if number % 10 == 0:
                wait_for(lambda: gateway.info()["journal"]["durable_seq"] > 10, 20, "events")
            time.sleep(dice.uniform(0, 0.8))
            self.processes.remove(gateway)
            gateway.kill9()
        gateway = self.gateway(None, config=config, subscribe=False)
        wait_for(lambda: gateway.info()["journal"]["durable_seq"] > 100, 20, "events")
        load.end()
        place = self.settled(gateway)
        self.reached(recorders, place)
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)
        report = self.judge(config, recorders, until=place)
        print(f"  {KILLS} kills, {early} of them before it was ready, in {time.monotonic() - begun:.0f} s; slowest start {max(restarts):.2f} s")
        self.assertGreater(report.counts["epochs"], KILLS // 2)
        self.assertGreater(report.counts["events"], KILLS * 100)

    def test_one_that_lags_behind_several_epochs(self):
        """It takes nothing while four gateways come and go."""
        broker = Broker(self)
        config = self.doors(broker, count=5)
        live, query = self.ends(config)
        pause = self.folder / "pause"
        lagging = Recorder(self, "lagging", live, query, KANHU_RECORDER_PAUSE=str(pause))
        load = Load(broker, hertz=20)
        for number in range(6):
            gateway = self.gateway(None, config=config, subscribe=False)
            if number == 0:
                wait_for(lagging.newest, 20, "events")
                pause.touch()
            wait_for(lambda: gateway.info()["journal"]["durable_seq"] > 200, 20, "events")
            if number < 5:
                self.processes.remove(gateway)
                gateway.kill9()
        pause.unlink()
        load.end()
        place = self.settled(gateway)
        self.reached([lagging], place, deadline=20)
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)
        self.judge(config, [lagging], until=place, gaps=0)


if __name__ == "__main__":
    main()
