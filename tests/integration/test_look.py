# SPDX-License-Identifier: MIT
"""What an administrator who hangs an infrared sensor sees: status, look in a terminal, look in a browser."""
import base64
import json
import math
import os
import pty
import random
import re
import select
import signal
import struct
import time
import urllib.error
import urllib.request

from harness import KANHU, PATIENCE, Case, camera, config_of, environment, facility, main, to_yaml, wait_for

WIDTH, HEIGHT, RATE = 32, 24, 8  # of the radiometric room below
HALF = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]


class Terminal:
    """A command in a terminal of its own, and everything it wrote there."""

    def __init__(self, *arguments, **env):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(KANHU, [KANHU, *map(str, arguments)], environment(**env))
        self.shown = b""

    def read_until(self, wanted, deadline=10):
        until = time.monotonic() + deadline * PATIENCE
        while not re.search(wanted, self.shown):
            if time.monotonic() > until:
                raise AssertionError(f"no {wanted!r} within {deadline} s in {self.shown[-2000:]!r}")
            if select.select([self.descriptor], [], [], 0.2)[0]:
                self.shown += os.read(self.descriptor, 65536)

    def press(self, key):
        os.write(self.descriptor, key)

    def end(self):
        """Exit code, once everything that was written is read."""
        while True:
            try:
                more = os.read(self.descriptor, 65536)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            self.shown += more
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.descriptor)
        return code


def warm_room(path, seconds, enters):
    """Little-endian hundredths of a kelvin: 22 degrees with noise, an urn of 60 in a corner, from `enters` on somebody of 30 who walks in
    from the left and sits down."""
    noise = random.Random(5)
    with open(path, "wb") as file:
        for frame in range(seconds * RATE):
            now = frame / RATE
            rows = [[2200 + round(noise.gauss(0, 12)) for _ in range(WIDTH)] for _ in range(HEIGHT)]
            for y in (20, 21, 22):
                rows[y][28:31] = [6000 + round(noise.gauss(0, 12)) for _ in range(3)]
            if now >= enters:
                middle = min((now - enters) * 4, 14) + 0.4 * math.sin(now)
                for y in range(9, 15):
                    for x in range(max(0, round(middle) - 2), min(WIDTH, round(middle) + 3)):
                        rows[y][x] = 3000 + round(noise.gauss(0, 25))
            file.write(struct.pack(f"<{WIDTH * HEIGHT}H", *(27315 + value for row in rows for value in row)))


class Look(Case):
    def test_somebody_in_a_room_is_drawn_with_number_and_warmth_beside_an_urn_with_its_degrees(self):
        room = self.folder / "room.y16"
        warm_room(room, seconds=150, enters=15)
        sensor = camera("sensor", f"file://{room}", detector={"name": "thermal"}, zones=[{"zone": "room"}])
        sensor["main"]["thermal"] = {"size": f"{WIDTH}x{HEIGHT}", "fps": RATE, "scale": "0.01K"}
        config = config_of(self.folder, [facility("f1", [sensor], zones=["room"])])
        gateway = self.gateway(None, config=config)

        def somebody():
            seen = self.look(gateway, "sensor")
            return seen if seen.get("people") and seen["zones"][0]["state"] == "present" else None

        look = wait_for(somebody, 60, "somebody is seen")
        self.assertEqual((look["kind"], look["width"], look["height"]), ("radiometric", WIDTH, HEIGHT))
        self.assertEqual(len(base64.b64decode(look["cells"])), WIDTH * HEIGHT)
        self.assertLess(look["age_s"], 5)
        self.assertTrue(20 < look["coolest_c"] < 22 and 59 < look["warmest_c"] < 61, look["coolest_c"])
        self.assertGreater(look["people"][0]["warmth_k"], 4)
        self.assertAlmostEqual(look["hot_spots"][0]["hottest_c"], 60, delta=1)
        shown = self.kanhu("look", "sensor", "-c", gateway.path).stdout.decode()
        self.assertRegex(shown, r"[+┌]!60")
        self.assertRegex(shown, rf"[+┌]{look['people'][0]['id']}[-─]+[+┐]")
        self.assertRegex(shown, r"K above the room, ")
        self.assertRegex(self.kanhu("status", "-c", gateway.path, expect=None).stdout.decode(), r"(?m)^f1/sensor +video .* 60\.\d °?C +1 +room present \(1\)")
        self.assertEqual(len(json.loads(gateway.http("/look/sensor.json")[1])["people"]), 1)
        self.stop(gateway)

    def gateway_with_infrared(self):
        sim = self.simulator("name=warm,scene=thermal,person=out", "name=hall,person=out")
        heat = camera("warm", sim.url("warm"), detector={"name": "thermal-blob", "fps": 5}, zones=[{"zone": "bed", "polygon": HALF}, {"zone": "room"}])
        heat["name"] = "一号床"
        off = camera("spare", sim.url("warm"), enabled=False, detector={"name": "thermal-blob"})
        gateway = self.gateway([facility("f1", [heat, off, camera("hall", sim.url("hall"), detector={"name": "none"})], zones=["bed", "room"])])
        gateway.wait_up("warm")
        return sim, gateway

    def look(self, gateway, source, **more):
        request = {"v": 1, "request": "look", **({"source": source} if source else {}), **more}
        while (answer := gateway.ask(request)).get("error", {}).get("kind") == "no_bandwidth":
            time.sleep(answer["error"]["retry_after_s"])
        self.assertTrue(answer["ok"], answer)
        return answer["look"] if source else answer["sources"]

    def room(self, gateway):
        return next(zone for zone in self.look(gateway, "warm")["zones"] if zone["zone"] == "room")

    def test_every_way_to_look_agrees_on_who_is_there(self):
        sim, gateway = self.gateway_with_infrared()
        wait_for(lambda: self.room(gateway)["state"] == "absent", 40, "the empty room is absent")
        self.assertEqual([source["source"] for source in self.look(gateway, None)], ["warm", "spare"])
        sim.tell("person warm in")
        wait_for(lambda: self.room(gateway)["state"] == "present", 40, "somebody is there")
        look = json.loads(self.kanhu("look", "warm", "--json", "-c", gateway.path, expect=None).stdout)
        self.assertEqual((look["facility"], look["source"], look["name"], look["sensor"]), ("f1", "warm", "一号床", "video"))
        self.assertEqual(look["zones"][0]["polygons"], [HALF])
        self.assertRegex(self.kanhu("look", "-c", gateway.path).stdout.decode(), r"f1/warm +video .*room present \(1\)")
        self.assertRegex(self.kanhu("status", "-c", gateway.path, expect=None).stdout.decode(), r"(?m)^f1/warm +video .*room present \(1\)")
        self.assertIn("enabled: false", self.kanhu("look", "spare", "-c", gateway.path, expect=1).stdout.decode())
        code, page = gateway.http("/look")
        self.assertEqual(code, 200)
        self.assertIn("room present", page)
        self.assertIn("<canvas", gateway.http("/look/warm")[1])
        self.assertEqual(json.loads(gateway.http("/look/warm.json")[1])["zones"][1]["state"], "present")
        self.stop(gateway)

    def test_a_wrong_id_names_the_nearest_and_foreign_names_of_the_host_are_refused(self):
        _, gateway = self.gateway_with_infrared()
        self.assertIn(b"did you mean warm?", self.kanhu("look", "wram", "-c", gateway.path, expect=1).stderr)
        self.assertIn(b"no infrared source", self.kanhu("look", "hall", "-c", gateway.path, expect=2).stderr)
        self.assertEqual(gateway.ask({"v": 1, "request": "look", "source": 7})["error"]["kind"], "invalid_argument")
        self.assertEqual(gateway.http("/look/wram.json")[0], 404)
        foreign = urllib.request.Request(gateway.endpoints["metrics"] + "/look", headers={"Host": "evil.example"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(foreign, timeout=5 * PATIENCE)
        self.assertEqual(refused.exception.code, 403)
        self.stop(gateway)

    def test_a_dead_worker_leaves_unknown_not_what_was_seen_last(self):
        _, gateway = self.gateway_with_infrared()
        wait_for(lambda: self.room(gateway)["state"] == "absent", 40, "the empty room is absent")
        os.kill(gateway.worker_of(0), signal.SIGKILL)
        wait_for(lambda: self.room(gateway)["state"] == "unknown", 10, "nobody looks: unknown")
        wait_for(lambda: self.room(gateway)["state"] == "absent", 60, "absent again, once it is seen again")
        self.stop(gateway)

    def test_watching_redraws_until_q_and_gives_the_terminal_back(self):
        _, gateway = self.gateway_with_infrared()
        colours = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor"}
        terminal = Terminal("look", "warm", "--watch", "-c", gateway.path, **colours)
        terminal.read_until(rb"(?s)\x1b\[\?1049h.*warm.*\x1b\[\?2026l.*\x1b\[\?2026l")
        self.assertNotIn(b"\x1b[2J", terminal.shown, "nothing is cleared before it is drawn over")
        terminal.press(b"q")
        self.assertEqual(terminal.end(), 0)
        self.assertTrue(terminal.shown.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l"), terminal.shown[-100:])
        terminal = Terminal("look", "--watch", "-c", gateway.path, **colours)
        terminal.read_until(rb"f1/warm")
        self.stop(gateway)
        terminal.read_until(rb"does not answer")
        terminal.press(b"\x03")
        self.assertEqual(terminal.end(), 0)
        self.assertTrue(terminal.shown.endswith(b"\x1b[?1049l"))


if __name__ == "__main__":
    main()
