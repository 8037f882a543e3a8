"""What an administrator who hangs an infrared sensor sees: status, look in a terminal, look in a browser."""
import json
import os
import pty
import re
import select
import signal
import time
import urllib.error
import urllib.request

from harness import KANHU, PATIENCE, Case, camera, environment, facility, main, wait_for

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


class Look(Case):
    def gateway_with_infrared(self):
        sim = self.simulator("name=warm,scene=thermal,person=out", "name=hall,person=out")
        heat = camera("warm", sim.url("warm"), detector={"name": "thermal-blob", "fps": 5}, zones=[{"zone": "bed", "polygon": HALF}, {"zone": "room"}])
        heat["name"] = "一号床"
        off = camera("spare", sim.url("warm"), enabled=False, detector={"name": "thermal-blob"})
        gateway = self.gateway([facility("f1", [heat, off, camera("hall", sim.url("hall"), detector={"name": "none"})], zones=["bed", "room"])])
        gateway.wait_up("warm")
        return sim, gateway

    def look(self, gateway, source, **more):
        answer = gateway.ask({"v": 1, "request": "look", **({"source": source} if source else {}), **more})
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
