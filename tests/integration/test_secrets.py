# SPDX-License-Identifier: MIT
"""A canary password is planted and then searched for in everything a running gateway gives out."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import urllib.parse

from fake_cameras import FakeCamera, silence
from harness import CANARY, KANHU, PATIENCE, Case, Process, camera, config_of, environment, facility, main, to_yaml, wait_for

OTHER = "canary-other-Vb3(k"  # a wrong one


class Secrets(Case):
    def test_passwords_appear_in_no_output_of_any_kind(self):
        self.secret("right", "viewer", CANARY)
        self.secret("wrong", "viewer", OTHER)
        sim = self.simulator("name=basic,user=viewer,password-env=CANARY,auth=basic,person=out",
                             "name=digest,user=viewer,password-env=CANARY,auth=digest,scene=crowd",
                             "name=locked,user=viewer,password-env=CANARY", env=environment(CANARY=CANARY))
        clips = {"on": ["face.appeared"], "pre_roll": "1s", "post_roll": "1s", "longest": "5s"}
        cameras = [camera("basic", sim.url("basic"), credential="right"),
                   camera("digest", sim.url("digest"), credential="right", record="main", clips=clips),
                   camera("locked", sim.url("locked"), credential="wrong"),
                   camera("path", sim.url("no-such-path"), credential="right"),
                   camera("dead", "rtsp://127.0.0.1:1/x", credential="right")]
        gateway = self.gateway([facility("f1", cameras)], log_level="debug", sources_per_worker=2)
        feed = gateway.subscriber
        outputs = {}
        watch = Process("watch", [KANHU, "watch", "--json", "-c", str(gateway.path)], self.folder)
        self.processes.append(watch)
        feed.wait(30 * PATIENCE, type="camera.offline", camera="locked", cause="unauthorized")
        feed.wait(40 * PATIENCE, type="camera.offline", camera="dead")
        gateway.wait_up("basic", "digest")
        feed.wait(40 * PATIENCE, type="clip.updated", camera="digest")
        sim.tell("drop basic")
        feed.wait(20 * PATIENCE, type="camera.offline", camera="basic")
        sim.tell("restore basic")
        # A worker dies with the passwords in its memory.
        workers = gateway.children()
        os.kill(workers[0], signal.SIGSEGV)
        wait_for(lambda: gateway.children() and workers[0] not in gateway.children(), 15, "the worker is replaced")
        for name, secret in (("basic", "right"), ("locked", "wrong")):
            done = self.kanhu("probe", sim.url(name), "--credential", secret, "--secrets-dir", self.folder / "secrets", "--picture", "",
                              "--seconds", 5, expect=None)
            outputs[f"probe {name}"] = done.stdout + done.stderr
        for arguments in (("status",), ("status", "--json"), ("clips",), ("clips", "--json")):
            done = self.kanhu(*arguments, "-c", gateway.path, expect=None)
            outputs[" ".join(arguments)] = done.stdout + done.stderr
        checked = self.kanhu("check-config", "--json", gateway.path)
        outputs["check-config"] = checked.stdout + checked.stderr
        for request in ("state", "info"):
            outputs[request] = json.dumps(gateway.ask({"v": 1, "request": request})).encode()
        for path in ("/metrics", "/healthz", "/readyz"):
            outputs[path] = gateway.http(path)[1].encode()
        for pid in [gateway.pid, watch.pid, *gateway.children()]:
            for file in ("cmdline", "environ", "comm", "status"):
                with contextlib.suppress(PermissionError):  # nobody but root looks into it
                    outputs[f"/proc/{pid}/{file}"] = pathlib.Path(f"/proc/{pid}/{file}").read_bytes()
        for pid in [gateway.pid, *gateway.children()]:
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            core = next(line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
            self.assertEqual(core[4:6], ["0", "0"], "neither gateway nor worker leaves a core file")
        self.stop(gateway)
        wait_for(lambda: watch.log.stat().st_size > 0, 5, "watch printed something")
        watch.end()
        for path in self.folder.rglob("*"):
            if path.is_file() and not path.is_relative_to(self.folder / "secrets"):
                outputs[str(path)] = path.read_bytes()
        outputs["events"] = b"\n".join(event.raw for event in feed.events)
        self.assertGreater(len(outputs["events"]), 1000)
        for password in (CANARY, OTHER):
            wanted = {password, urllib.parse.quote(password), urllib.parse.quote(password, safe="")}
            import base64
            wanted |= {base64.b64encode(f"viewer:{password}".encode()).decode()}
            for name, output in outputs.items():
                for form in wanted:
                    self.assertNotIn(form.encode(), output, f"in {name}")
        self.assertEqual([path for path in self.folder.rglob("core*") if path.is_file()], [])

    def test_no_other_process_of_the_same_user_looks_into_one_that_holds_secrets(self):
        user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        path = self.folder / "kanhu.yaml"
        path.write_text(to_yaml(config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1:9/a")])])))
        if user:
            for each in (self.folder, path, self.folder / "secrets"):
                os.chown(each, 65534, 65534)

        def start(*arguments):
            child = subprocess.Popen([KANHU, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     env=environment(), cwd=self.folder, **user)
            self.addCleanup(child.wait)
            self.addCleanup(child.terminate)
            self.addCleanup(child.stdin.close)
            return child

        def is_closed(pid):
            limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
            core = next(line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
            return core[4:6] == ["0", "0"] and os.stat(f"/proc/{pid}/environ").st_uid == 0  # root's, whoever runs it

        gateway = start("run", "-c", path)
        endpoints = self.folder / "data" / "endpoints.json"
        wait_for(lambda: endpoints.exists() and json.loads(endpoints.read_text())["pid"] == gateway.pid, 30, "the gateway runs")
        self.assertTrue(is_closed(gateway.pid))
        children = [int(pid) for task in pathlib.Path(f"/proc/{gateway.pid}/task").glob("*/children") for pid in task.read_text().split()]
        self.assertTrue(children)
        for pid in children:
            wait_for(lambda pid=pid: is_closed(pid), 20, "the worker is closed, too")
        # The gateway, of the same user, still sees what its workers use.
        wait_for(lambda: json.loads(self.kanhu("status", "--json", "-c", path, expect=None).stdout)["info"]["workers"][0]["resident_bytes"] > 1 << 20,
                 20, "the gateway measures its worker")
        setting = start("secret", "set", "door", "--user", "viewer", "--dir", self.folder / "secrets")
        wait_for(lambda: is_closed(setting.pid), 20, "a command that reads a password is closed")

    def test_a_url_with_a_password_is_refused_without_repeating_it(self):
        for url in (f"rtsp://viewer:{CANARY}@127.0.0.1/x", f"rtsp://{CANARY}@127.0.0.1/x", f"rtsp:viewer:{CANARY}@127.0.0.1"):
            config = config_of(self.folder, [facility("f1", [camera("a", url)])])
            path = self.folder / "url.yaml"
            path.write_text(json.dumps(config))
            for command in (("check-config", path), ("run", "-c", path), ("status", "-c", path)):
                done = self.kanhu(*command, expect=78)
                self.assertNotIn(CANARY.encode(), done.stdout + done.stderr)
                self.assertIn(b"url.yaml:", done.stderr)
            done = self.kanhu("probe", url, "--seconds", 2, expect=None)
            self.assertNotEqual(done.returncode, 0)
            self.assertNotIn(CANARY.encode(), done.stdout + done.stderr)

    def test_a_camera_whose_secret_is_missing_is_not_asked_until_it_is_there(self):
        sim = self.simulator("name=a,user=viewer,password-env=CANARY", "name=open,user=viewer,password-env=CANARY", env=environment(CANARY=CANARY))
        fake = FakeCamera(silence)
        self.addCleanup(fake.close)
        config = config_of(self.folder, [facility("f1", [camera("a", sim.url("a"), credential="late"), camera("open", sim.url("open")),
                                                         camera("quiet", fake.url, credential="never")])])
        gateway = self.gateway(None, config=config)
        feed = gateway.subscriber
        for name, words in (("a", "secret late is missing"), ("quiet", "secret never is missing"), ("open", "asks for a user and a password")):
            told = feed.wait(30 * PATIENCE, type="camera.offline", camera=name, cause="no_credential")
            self.assertIn(words, told.data["words"])
        checked = self.kanhu("check-config", gateway.path)
        self.assertIn(b"2 secrets missing", checked.stdout)
        self.assertIn(b"kanhu secret set late", checked.stderr)
        self.assertEqual(fake.connections, [], "without its password a camera is not asked: it counts failed tries")
        self.secret("late", "viewer", CANARY)
        gateway.wait_up("a", deadline=90)  # tried again within a minute, without a reload
        self.stop(gateway)

    def test_a_secret_that_others_can_read_is_refused_with_the_cure(self):
        self.secret("open", "viewer", CANARY)
        (self.folder / "secrets/open").chmod(0o644)
        sim = self.simulator("name=a,user=viewer,password-env=CANARY", env=environment(CANARY=CANARY))
        done = self.kanhu("probe", sim.url("a"), "--credential", "open", "--secrets-dir", self.folder / "secrets", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"chmod", done.stderr)
        self.assertNotIn(CANARY.encode(), done.stdout + done.stderr)


if __name__ == "__main__":
    main()
