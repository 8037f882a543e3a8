# SPDX-License-Identifier: MIT
"""The commands as people and scripts meet them: exit codes, output, the service manager's protocol, metrics."""
import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import time

from fake_cameras import FakeCamera, refuses_everybody, silence, text_file
from harness import CANARY, KANHU, PATIENCE, Case, Process, camera, config_of, environment, facility, main, wait_for
from subscriber import EVENT_SCHEMA

NONE = {"name": "none"}
COMMANDS = ("run", "check-config", "watch", "status", "look", "probe", "clips", "replay", "simulate", "secret", "version")


class Commands(Case):
    def test_help_is_there_for_everything_and_wrong_use_is_two(self):
        text = self.kanhu("--help").stdout.decode()
        for command in COMMANDS:
            self.assertIn(command, text)
            self.assertIn("--help", self.kanhu(command, "--help").stdout.decode())
        self.assertRegex(self.kanhu("version").stdout.decode(), r"\d+\.\d+\.\d+")
        for wrong in ((), ("nonsense",), ("run", "--nonsense"), ("probe",), ("replay",), ("watch", "--count", "many"), ("secret",)):
            done = self.kanhu(*wrong, expect=2)
            self.assertTrue(done.stderr or done.stdout)

    def test_a_misspelt_command_or_filter_is_named(self):
        self.assertIn(b"did you mean status?", self.kanhu("statsu", expect=2).stderr)
        self.assertIn(b'there is no command "frobnicate"', self.kanhu("frobnicate", expect=2).stderr)
        gateway = self.gateway([facility("f1", [camera("a", "rtsp://127.0.0.1:1/x")])])
        watch = Process("watch", [KANHU, "watch", "-c", str(gateway.path), "--facility", "f2", "--camera", "b", "--type", "fase.appeared"], self.folder)
        self.processes.append(watch)
        for wanted in ('no facility "f2"', 'no camera "b"', "matches fase.appeared"):
            wait_for(lambda: wanted in watch.log.read_text(), 10, wanted)
        watch.end()
        # A type as it stands in the events.
        watch = Process("watch-good", [KANHU, "watch", "--json", "-c", str(gateway.path), "--type", "kanhu.gateway.*", "--count", "1"], self.folder)
        self.processes.append(watch)

        def shown():
            os.kill(gateway.pid, signal.SIGHUP)
            return watch.log.read_text().endswith("}\n")

        wait_for(shown, 20, "an event of the gateway")
        self.assertEqual(json.loads(watch.log.read_text())["type"], "kanhu.gateway.config_changed")
        self.stop(gateway)

    def test_without_a_gateway_the_answer_is_try_later_and_without_a_config_the_config(self):
        path = self.folder / "kanhu.yaml"
        path.write_text(json.dumps(config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1:1/a")])])))
        for command in ("status", "watch", "look"):
            self.assertIn(b"kanhu run", self.kanhu(command, "-c", path, expect=75).stderr)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.kanhu("status", "--query", f"tcp://127.0.0.1:{port}", expect=75)
        for command in ("status", "watch", "look", "run", "clips"):
            self.assertIn(b"nowhere.yaml", self.kanhu(command, "-c", self.folder / "nowhere.yaml", expect=78).stderr)
        # A port in use: not available.
        with socket.create_server(("127.0.0.1", 0)) as used:
            config = config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1:1/a")])])
            config["metrics"]["listen"] = f"127.0.0.1:{used.getsockname()[1]}"
            path.write_text(json.dumps(config))
            self.assertIn(b"in use", self.kanhu("run", "-c", path, expect=69).stderr)

    def test_a_gateway_without_standard_streams_writes_nothing_where_they_would_be(self):
        config = config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1:1/a")])])
        path, data = self.folder / "kanhu.yaml", self.folder / "data"
        path.write_text(json.dumps(config))
        script = 'exec "$0" run --config "$1" --log-level debug <&- >&- 2>&-'
        bare = Process("bare", ["sh", "-c", script, KANHU, str(path)], self.folder)
        self.processes.append(bare)
        wait_for((data / "endpoints.json").exists, 30, "it has started")
        for number in range(3):
            self.assertIn(os.readlink(f"/proc/{bare.pid}/fd/{number}"), ("/dev/null", "/dev/full"))
        self.assertEqual(bare.end(), 0)
        for file in data.rglob("*"):
            if file.is_file():
                self.assertNotIn(b" info ", file.read_bytes(), file)

    def test_watch_and_status_show_what_happens(self):
        sim = self.simulator("name=a,person=out", "name=b,person=out")
        gateway = self.gateway([facility("f1", [camera("a", sim.url("a"), detector=NONE)]),
                                facility("f2", [camera("b", sim.url("b"), detector=NONE)])])
        gateway.wait_up("a", "b")
        wait_for(lambda: gateway.info()["gateway"]["cameras_up"] == 2, 5, "both are counted")
        status = self.kanhu("status", "-c", gateway.path).stdout.decode()
        self.assertRegex(status, r"f1/a +up +yes +yes")
        self.assertIn("cameras 2/2", status)
        both = json.loads(self.kanhu("status", "--json", "-c", gateway.path).stdout)
        self.assertEqual(set(both["state"]["state"]["cameras"]), {"a", "b"})
        watches = {"all": [], "f2": ["--facility", "f2"], "a": ["--camera", "a"], "types": ["--type", "camera.*"]}
        running = {}
        for name, filters in watches.items():
            count = "4" if name in ("all", "types") else "2"
            running[name] = Process(f"watch-{name}", [KANHU, "watch", "--json", "--count", count, *filters, "-c", str(gateway.path)], self.folder)
            self.processes.append(running[name])
        people = Process("watch-people", [KANHU, "watch", "--count", "4", "-c", str(gateway.path)], self.folder)
        self.processes.append(people)
        # A subscription is there when something comes through it; until then the cables are pulled again and again.
        deadline = time.monotonic() + 60 * PATIENCE
        while any(process.alive() for process in (*running.values(), people)):
            self.assertLess(time.monotonic(), deadline, "watch --count ends by itself")
            since = gateway.subscriber.mark()
            for command in ("drop", "restore"):
                for name in "ab":
                    sim.tell(f"{command} {name}")
                phase = "start" if command == "drop" else "end"
                for name in "ab":
                    gateway.subscriber.wait(40 * PATIENCE, camera=name, phase=phase, since=since)
        for name, process in running.items():
            self.assertEqual(process.end(), 0)
            events = [json.loads(line) for line in process.log.read_text().splitlines()]
            self.assertEqual(len(events), 4 if name in ("all", "types") else 2)
            for event in events:
                self.assertEqual(list(EVENT_SCHEMA.iter_errors(event)), [])
                if name == "f2":
                    self.assertEqual(event["data"]["facility"]["id"], "f2")
                if name == "a":
                    self.assertEqual(event["data"]["camera"]["id"], "a")
                if name == "types":
                    self.assertTrue(event["type"].startswith("kanhu.camera."))
        self.assertEqual(people.end(), 0)
        self.assertIn("camera.o", people.log.read_text())
        self.assertNotIn("\x1b", people.log.read_text(), "no colour when piped")
        sim.tell("drop a")
        wait_for(lambda: gateway.camera_state("a") == "offline", 20, "a is offline")
        wait_for(lambda: gateway.info()["gateway"]["cameras_up"] == 1, 5, "one camera is up")
        status = self.kanhu("status", "-c", gateway.path, expect=1).stdout.decode()
        self.assertRegex(status, r"f1/a +offline")
        self.stop(gateway)

    def test_metrics_and_health_answers(self):
        sim = self.simulator("name=a,person=out")
        gateway = self.gateway([facility("f1", [camera("a", sim.url("a"))])])
        gateway.wait_up("a")
        wait_for(lambda: gateway.counters("a").get("packets") and gateway.info()["gateway"]["cameras_up"] == 1, 10, "counters, which come once a second")
        code, text = gateway.http("/metrics")
        self.assertEqual(code, 200)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)*\})? [-+0-9.eE]+(Inf|NaN)?)$')
        self.assertRegex(text, r'kanhu_camera_packets_total\{camera="a"\} [1-9]')
        self.assertRegex(text, r"kanhu_cameras_up 1\b")
        self.assertEqual(gateway.http("/healthz")[0], 200)
        wait_for(lambda: gateway.http("/readyz")[0] == 200, 10, "ready")
        self.assertEqual(gateway.http("/nonsense")[0], 404)
        self.stop(gateway)

    def test_clips_are_listed_and_a_changed_file_is_noticed(self):
        sim = self.simulator("name=a,period=60,visible=4,offset=4")
        clips = {"on": ["face.appeared"], "pre_roll": "1s", "post_roll": "1s", "longest": "5s"}
        gateway = self.gateway([facility("f1", [camera("a", sim.url("a"), record="main", clips=clips)])])
        done = gateway.subscriber.wait(60 * PATIENCE, type="clip.updated", clip=lambda clip: clip["status"] == "complete")
        self.stop(gateway)
        listed = [json.loads(line) for line in self.kanhu("clips", "--json", "--verify", "-c", gateway.path).stdout.splitlines()]
        self.assertIn((done.data["clip"]["id"], "complete", "intact"), [(clip["clip"], clip["status"], clip["verified"]) for clip in listed])
        self.assertIn("complete", self.kanhu("clips", "-c", gateway.path).stdout.decode())
        self.assertEqual(self.kanhu("clips", "--json", "--camera", "b", "-c", gateway.path).stdout, b"")
        path = gateway.data / "clips" / done.data["clip"]["path"][0]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        self.assertNotIn(b"intact", self.kanhu("clips", "--verify", "-c", gateway.path, expect=1).stdout)
        path.unlink()
        self.kanhu("clips", "--verify", "-c", gateway.path, expect=1)

    def test_probe_tells_what_a_camera_sends_or_the_step_that_fails(self):
        self.secret("right", "viewer", CANARY)
        self.secret("wrong", "viewer", "wrong")
        sim = self.simulator("name=good,codec=h265,size=320x184", "name=locked,user=viewer,password-env=CANARY", "name=busy",
                             "name=udp,transport=udp", env=environment(CANARY=CANARY))
        sim.tell("status453 busy on")
        picture = self.folder / "picture.png"
        report = json.loads(self.kanhu("probe", sim.url("good"), "--json", "--picture", picture).stdout)
        self.assertEqual((report["ok"], report["codec"], report["width"], report["height"], report["transport"]), (True, "h265", 320, 184, "tcp"))
        self.assertTrue(5 < report["frames_per_second"] < 20, report)
        self.assertEqual(picture.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(picture.stat().st_mode & 0o777, 0o600)
        lost = self.kanhu("probe", sim.url("good"), "--picture", self.folder / "no-such-folder" / "picture.png", expect=69)
        self.assertIn(b"no-such-folder", lost.stderr)
        words = self.kanhu("probe", sim.url("locked"), "--credential", "right", "--secrets-dir", self.folder / "secrets", "--picture", "").stdout.decode()
        self.assertIn("url: " + sim.url("locked"), words)
        self.assertIn("credential: right", words)
        self.assertEqual(json.loads(self.kanhu("probe", sim.url("udp"), "--json", "--picture", "").stdout)["transport"], "udp")
        fakes = {name: FakeCamera(talk) for name, talk in (("refuses", refuses_everybody), ("text", text_file), ("silent", silence))}
        for fake in fakes.values():
            self.addCleanup(fake.close)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobody = f"rtsp://127.0.0.1:{closed.getsockname()[1]}/x"
        failing = {"refused": nobody, "unauthorized": sim.url("locked"), "no_credential": sim.url("locked"), "not_found": sim.url("nowhere"), "no_bandwidth": sim.url("busy"),
                   "timeout": fakes["silent"].url, None: fakes["text"].url}
        for kind, url in failing.items():
            with self.subTest(kind=kind):
                more = ("--credential", "wrong", "--secrets-dir", self.folder / "secrets") if kind == "unauthorized" else ()
                report = json.loads(self.kanhu("probe", url, "--json", "--seconds", 4, "--picture", "", *more, expect=1).stdout)
                self.assertFalse(report["ok"])
                self.assertFalse(report["steps"][-1]["passed"], report)
                if kind:
                    self.assertEqual(report["error"]["kind"], kind)
                print(f"  {report['steps'][-1]['step']}: {report['error']['kind']}: {report['error']['message']}")

    def test_a_secret_is_set_without_echo(self):
        folder = self.folder / "secrets"
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(KANHU, [KANHU, "secret", "set", "cam", "--user", "viewer", "--dir", str(folder)], environment())
        shown = b""

        def read_until(wanted):
            nonlocal shown
            deadline = time.monotonic() + 10 * PATIENCE
            while wanted not in shown:
                self.assertLess(time.monotonic(), deadline, shown)
                if select.select([terminal], [], [], 0.2)[0]:
                    shown += os.read(terminal, 4096)

        read_until(b"(not shown)")
        # Echo is off a moment after the words.
        import termios
        wait_for(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, 5, "the terminal does not echo")
        os.write(terminal, CANARY.encode() + b"\n")
        read_until(b"written")
        status = os.waitpid(pid, 0)[1]  # before the terminal goes: its end is a SIGHUP
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.assertNotIn(CANARY.encode(), shown)
        self.assertEqual((folder / "cam").read_text().splitlines(), ["viewer", CANARY])
        self.assertEqual((folder / "cam").stat().st_mode & 0o777, 0o600)
        done = self.kanhu("secret", "set", "piped", "--user", "v", "--dir", folder, stdin="p äß:@\n".encode())
        self.assertEqual((folder / "piped").read_text(), "v\np äß:@\n")
        self.assertNotIn("p äß".encode(), done.stdout + done.stderr)
        self.kanhu("secret", "set", "empty", "--user", "v", "--dir", folder, stdin=b"", expect=2)
        self.kanhu("secret", "set", "../evil", "--user", "v", "--dir", folder, stdin=b"x\n", expect=None)
        self.assertFalse((self.folder / "evil").exists())


class ServiceManager(Case):
    def test_it_is_told_of_readiness_status_watchdog_reload_and_the_end(self):
        sim = self.simulator("name=a,person=out")
        path = self.folder / "notify"
        said = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.setblocking(False)

            def heard(wanted):
                while select.select([notify], [], [], 0)[0]:
                    said.extend(notify.recv(4096).decode().splitlines())
                return any(re.fullmatch(wanted, line) for line in said)

            env = environment(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="4000000")
            gateway = self.gateway([facility("f1", [camera("a", sim.url("a"))])], env=env)
            wait_for(lambda: heard("READY=1"), 10, "READY=1")
            wait_for(lambda: heard("WATCHDOG=1"), 10, "WATCHDOG=1")
            wait_for(lambda: heard("STATUS=.*1/1.*|STATUS=.*1 of 1.*"), 20, f"STATUS= with cameras up: {said}")
            said.clear()
            fed = time.monotonic()
            for _ in range(3):
                wait_for(lambda: heard("WATCHDOG=1"), 4, "the watchdog is fed in time")
                said.clear()
            self.assertLess(time.monotonic() - fed, 12 * PATIENCE)
            for pid in gateway.children():
                with contextlib.suppress(PermissionError), open(f"/proc/{pid}/environ", "rb") as environ:  # root alone looks into it
                    print("  worker has NOTIFY_SOCKET:", b"NOTIFY_SOCKET" in environ.read())
            gateway.popen.send_signal(signal.SIGHUP)
            wait_for(lambda: heard("RELOADING=1"), 10, "RELOADING=1")
            wait_for(lambda: heard("READY=1"), 10, "READY=1 after the reload")
            self.stop(gateway)
            self.assertTrue(heard("STOPPING=1"))


if __name__ == "__main__":
    main()
