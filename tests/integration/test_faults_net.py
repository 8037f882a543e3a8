# SPDX-License-Identifier: MIT
"""A network between gateway and subscriber that is cut and comes back: a subscriber in a namespace of its own, linked by a pair of devices."""
import os
import subprocess
import time
import unittest

from faults import Broker, FaultCase, Load, Recorder, free_port
from harness import main, wait_for, watch_for

# libzmq's TCP_MAXRT of the gateway, and heartbeats before: then it drops a peer that answers nothing.
DROPPED_AFTER = 20


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


def why_not():
    """What keeps this machine from cutting a network, or None."""
    name = f"kanhu-try-{os.getpid()}"
    try:
        made = ip("netns", "add", name, check=False)
        if made.returncode:
            return f"no network namespaces here: {made.stderr.strip()}"
        linked = ip("link", "add", f"kt{os.getpid()}", "type", "veth", "peer", "name", "eth0", "netns", name, check=False)
        return f"no pairs of network devices here: {linked.stderr.strip()}" if linked.returncode else None
    except FileNotFoundError:
        return "ip is not installed (apt-get install iproute2)"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False) if os.path.exists(f"/run/netns/{name}") else None


WHY_NOT = why_not()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Cut(FaultCase):
    def line(self):
        """A namespace at the other end of a line; the gateway's address on it."""
        number = os.getpid() % 16384
        self.device, self.space = f"kv{os.getpid()}", f"kanhu-{os.getpid()}"
        here, there = f"10.{200 + number // 8192}.{number // 32 % 256}.{number % 32 * 8 + 1}", \
            f"10.{200 + number // 8192}.{number // 32 % 256}.{number % 32 * 8 + 2}"
        ip("netns", "add", self.space)
        self.addCleanup(ip, "netns", "del", self.space, check=False)
        ip("link", "add", self.device, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("addr", "add", f"{here}/30", "dev", self.device)
        ip("link", "set", self.device, "up")
        ip("-n", self.space, "addr", "add", f"{there}/30", "dev", "eth0")
        ip("-n", self.space, "link", "set", "eth0", "up")
        return here

    def test_cut_for_longer_than_buffers_and_connections_last_and_back(self):
        address = self.line()
        broker = Broker(self)
        config = self.doors(broker, count=40)
        config["publish"].update(live=f"tcp://{address}:{free_port()}", query=f"tcp://{address}:{free_port()}", plain_tcp_beyond_loopback=True)
        gateway = self.gateway(None, config=config, subscribe=False)
        live, query = self.ends(config)
        inside = ("ip", "netns", "exec", self.space)
        away = [Recorder(self, "python", live, query, prefix=inside), Recorder(self, "cpp", live, query, "cpp", prefix=inside)]
        here = Recorder(self, "here", live, query, "raw")
        load = Load(broker, hertz=20)

        def grow(count):
            begun = gateway.info()["journal"]["durable_seq"]
            wait_for(lambda: gateway.info()["journal"]["durable_seq"] >= begun + count, 120, f"{count} events")

        wait_for(lambda: all(recorder.newest() for recorder in [*away, here]), 20, "events")
        # Short: the connection lives on. Long: it is dropped at one end, and the other end is not told.
        for count, seconds in ((3_000, 0), (22_000, DROPPED_AFTER)):
            ip("link", "set", self.device, "down")
            cut = time.monotonic()
            grow(count)
            watch_for(max(0, seconds - (time.monotonic() - cut)))
            before = [recorder.newest() for recorder in away]
            ip("link", "set", self.device, "up")
            place = self.newest_of(gateway)
            self.reached(away, place, deadline=60)
            self.assertTrue(all(newest[1] < place[1] for newest in before), "the line was not cut")
        load.end()
        place = self.settled(gateway)
        self.reached([*away, here], place)
        self.processes.remove(gateway)
        self.assertEqual(gateway.end(), 0)
        self.judge(config, [*away, here], until=place)

    @staticmethod
    def newest_of(gateway):
        journal = gateway.info()["journal"]
        return journal["epoch"], journal["durable_seq"]


if __name__ == "__main__":
    main()
