# SPDX-License-Identifier: MIT
"""Cameras that wish us ill beside good ones: the good ones' events are all there, memory is flat, the log stays small.

Short: each hostile camera once beside 3 good ones for a quarter of a minute. KANHU_TEST_LONG=1 (`ctest --preset long`): 40 beside 10 for an
hour. KANHU_TEST_SECONDS says another length.
"""
import os
import pathlib
import time

from harness import PATIENCE, Case, camera, facility, main, wait_for
from hostile_cameras import ANSWERS, STREAMS, HostileCamera, record

LONG = bool(os.environ.get("KANHU_TEST_LONG"))
SECONDS = float(os.environ.get("KANHU_TEST_SECONDS", "3600" if LONG else "15"))
DEEDS = [*STREAMS, *ANSWERS]
HOSTILE, GOOD = (40, 10) if LONG else (len(DEEDS), 3)
MIB = 1 << 20


def resident(pids):
    total = 0
    for pid in pids:
        try:
            total += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        except (OSError, IndexError):
            continue
    return total


class HostileCameras(Case):
    def test_good_cameras_beside_hostile_ones_lose_nothing(self):
        names = [f"good{index}" for index in range(GOOD)]
        honest = [f"name={name},size=320x184,scene=thermal,fps=5,person=out" for name in names]
        sim = self.simulator(*honest, "name=model,size=320x184,fps=10,person=out")
        recording = record(sim.url("model"))
        hostile = [HostileCamera(recording, DEEDS[index % len(DEEDS)]) for index in range(HOSTILE)]
        for one in hostile:
            self.addCleanup(one.close)
        none = {"name": "none"}
        good = [camera(name, sim.url(name), detector={"name": "thermal", "fps": 5}, zones=[{"zone": "room"}]) for name in names]
        bad = [camera(f"bad{index}", one.url, detector=none) for index, one in enumerate(hostile)]
        gateway = self.gateway([facility("f1", good + bad, ["room"])], sources_per_worker=25)
        feed = gateway.subscriber
        started = time.monotonic()
        gateway.wait_up(*names, deadline=30)
        up_after = time.monotonic() - started
        since = feed.mark()
        visits, most, first = 0, 0, None
        begun = time.monotonic()
        while time.monotonic() - begun < SECONDS:
            visit = feed.mark()
            for name in names:
                sim.tell(f"person {name} in")
            for name in names:
                feed.wait(30 * PATIENCE, type="presence.started", camera=name, since=visit)
            for name in names:
                sim.tell(f"person {name} out")
            for name in names:
                feed.wait(60 * PATIENCE, type="presence.ended", camera=name, since=visit)
            visits += 1
            self.assertTrue(gateway.alive())
            now = resident([gateway.pid, *gateway.children()])
            most = max(most, now)
            if first is None and time.monotonic() - begun > min(SECONDS / 4, 300):
                first = now
        sim.tell(f"drop {names[0]}")
        feed.wait(30 * PATIENCE, type="camera.offline", camera=names[0], phase="start", since=since)
        sim.tell(f"restore {names[0]}")
        restored = time.monotonic()
        wait_for(lambda: gateway.camera_state(names[0]) == "up", 90, "the good camera is back")
        back_after = time.monotonic() - restored
        grown = (resident([gateway.pid, *gateway.children()]) - (first or most)) / MIB
        offline = {name: len(feed.find(type="camera.offline", phase="start", camera=name, since=since)) for name in names}
        restarted = len(feed.find(type="gateway.worker_restarted", since=since))
        log = gateway.log.stat().st_size
        print(f"  {visits} visits to {GOOD} good cameras beside {HOSTILE} hostile ones; up after {up_after:.1f} s, one that was dropped back after "
              f"{back_after:.1f} s; {restarted} workers restarted; good ones offline {sum(offline.values())} times; memory at most {most / MIB:.0f} MiB, grown by {grown:.0f}; log {log / 1e3:.0f} kB", flush=True)
        self.assertGreater(visits, 0)
        self.assertEqual(offline, {**dict.fromkeys(names, 0), names[0]: 1})
        self.assertLess(log, 1_000_000)
        if LONG:
            self.assertLess(grown, 64)
        self.assert_contract()
        wait_for(lambda: gateway.http("/healthz")[0] == 200, 5, "alive")
        self.stop(gateway)


if __name__ == "__main__":
    main()
