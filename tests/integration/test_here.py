# SPDX-License-Identifier: MIT
"""What only this machine lacks: a warning of check-config, refused with --here, and `run` refuses nothing that --here accepts."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from harness import KANHU, PATIENCE, Case, camera, config_of, environment, facility, main, to_yaml

NONE = {"name": "none"}


def dead_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


class Here(Case):
    def setUp(self):
        super().setUp()
        self.number = 0

    def run_until_ready(self, path, data):
        """Exit code and output of `run`: 0 when it started, and ended when it was told so."""
        child = subprocess.Popen([KANHU, "run", "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment())
        until = time.monotonic() + 20 * PATIENCE
        while child.poll() is None and time.monotonic() < until:
            if (data / "endpoints.json").is_file() and f'"pid":{child.pid}' in (data / "endpoints.json").read_text():
                child.send_signal(signal.SIGTERM)
                break
            time.sleep(0.02)
        _, said = child.communicate(timeout=30 * PATIENCE)
        return child.returncode, said.decode(errors="replace")

    def verdicts(self, change, prepare=None):
        """(check-config, check-config --here, run) of a configuration in a folder of its own, with their words."""
        self.number += 1
        folder = self.folder / str(self.number)
        folder.mkdir()
        (folder / "secrets").mkdir(mode=0o700)
        if prepare:
            prepare(folder)
        config = config_of(folder, [facility("f1", [camera("a", "rtsp://127.0.0.1:9/a", detector=NONE)])], sources_per_worker=0)
        config["journal"], config["clips_storage"] = {"most_bytes": "64MiB"}, {"most_bytes": "64MiB"}
        config["metrics"] = {"listen": ""}
        change(config, folder)
        path = folder / "kanhu.yaml"
        path.write_text(to_yaml(config))
        plain = self.kanhu("check-config", path, expect=None)
        here = self.kanhu("check-config", "--here", path, expect=None)
        code, said = self.run_until_ready(path, pathlib.Path(config["gateway"]["data_dir"]))
        return (plain.returncode, here.returncode, code), plain.stderr.decode(), here.stderr.decode(), said

    def test_run_refuses_nothing_that_here_accepts_and_each_fault_of_this_machine_is_told_with_its_place(self):
        def data(value):
            return lambda config, folder: config["gateway"].update(data_dir=str(folder / value))

        def live(value):
            return lambda config, folder: config["publish"].update(live=value.format(folder))

        def source(url):
            return lambda config, folder: config["facilities"][0]["cameras"][0]["main"].update(url=url.format(folder))

        def access(value):
            return lambda config, folder: config["publish"].update(access=str(folder / value))

        def broker(config, folder):
            config["mqtt"] = {"brokers": [{"id": "b", "url": "mqtts://127.0.0.1:9", "ca_file": str(folder / "ca.pem")}]}

        def credential(config, _):
            config["facilities"][0]["cameras"][0]["main"]["credential"] = "nobody-made-it"

        held = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(held.close)
        port = held.getsockname()[1]

        # name, what is changed, what is prepared, (check-config, --here, run), the key that is told
        table = [
            ("nothing lacks", lambda *_: None, None, (0, 0, 0), ""),
            ("IPv6 metrics", lambda config, _: config["metrics"].update(listen="[::1]:0"), None, (0, 0, 0), ""),
            ("localhost", lambda config, _: config["publish"].update(live="tcp://localhost:0", query="tcp://[::1]:0"), None, (0, 0, 0), ""),
            ("a dead socket", live("ipc://{}/live"), lambda folder: dead_socket(folder / "live"), (0, 0, 0), ""),
            ("data that is a file", data("kanhu.txt"), lambda folder: (folder / "kanhu.txt").write_text("x"), (0, 78, 69), "data_dir"),
            ("data below a file", data("file/data"), lambda folder: (folder / "file").write_text("x"), (0, 78, 69), "data_dir"),
            ("data that links into /proc", data("link/data"), lambda folder: (folder / "link").symlink_to("/proc"), (0, 78, 69), "data_dir"),
            ("a journal that is a file", data("data"), lambda folder: ((folder / "data").mkdir(), (folder / "data/journal").write_text("")), (0, 78, 69),
             "data_dir"),
            ("a socket that is a file", live("ipc://{}/precious"), lambda folder: (folder / "precious").write_text("x"), (0, 78, 69), "live"),
            ("a socket without a folder", live("ipc://{}/nowhere/live"), None, (0, 78, 69), "live"),
            ("a port in use", live(f"tcp://127.0.0.1:{port}"), None, (0, 78, 69), "live"),
            ("a port in use by another name", live(f"tcp://localhost:{port}"), None, (0, 78, 69), "live"),
            ("an address of another machine", lambda config, _: config["publish"].update(query="tcp://192.0.2.1:0", plain_tcp_beyond_loopback=True), None,
             (0, 78, 69), "query"),
            ("an interface that is not there", lambda config, _: config["publish"].update(live="tcp://nope0:0", plain_tcp_beyond_loopback=True), None,
             (0, 78, 69), "live"),
            ("an allow-list that is missing", access("subscribers.yaml"), None, (0, 78, 78), "access"),
            ("an allow-list that is a pipe", access("pipe"), lambda folder: os.mkfifo(folder / "pipe"), (0, 78, 78), "access"),
            ("an allow-list that links to a device", access("zero"), lambda folder: (folder / "zero").symlink_to("/dev/zero"), (0, 78, 78), "access"),
            ("an allow-list without a key of the sockets", access("good.yaml"),
             lambda folder: (folder / "good.yaml").write_text("version: 1\nsubscribers: []\n"), (0, 78, 78), "access"),
            # What costs a camera, a sensor or a detector keeps nobody from watching the rest.
            ("an authority that is missing", broker, None, (0, 78, 0), "ca_file"),
            ("an authority that is none", broker, lambda folder: (folder / "ca.pem").write_text("x"), (0, 78, 0), "ca_file"),
            ("a secret that is missing", credential, None, (0, 78, 0), "credential"),
            ("models that are missing", lambda config, folder: config["gateway"].update(models_dir=str(folder / "nowhere")), None, (0, 78, 0), "models_dir"),
            ("a recording that is missing", source("file://{}/nothing.mp4"), None, (0, 78, 0), "url"),
            ("a recording that is a pipe", source("file://{}/pipe"), lambda folder: os.mkfifo(folder / "pipe"), (0, 78, 0), "url"),
            ("more kept than the disk has", lambda config, _: config["clips_storage"].update(most_bytes="512TiB"), None, (0, 78, 0), "data_dir"),
            ("metrics at 127.0.0.1 written as IPv6", lambda config, _: config["metrics"].update(listen="[::ffff:127.0.0.1]:0"), None, (0, 0, 0), ""),
            ("a socket of the interface lo", lambda config, _: config["publish"].update(live="tcp://lo:0", plain_tcp_beyond_loopback=True), None,
             (0, 0, 0), ""),
            # What is apart as it is written may be one where links lead.
            ("two sockets that are one behind a link", lambda config, folder: config["publish"].update(live=f"ipc://{folder}/r/s", query=f"ipc://{folder}/l/s"),
             lambda folder: ((folder / "r").mkdir(), (folder / "l").symlink_to("r")), (0, 78, 69), "query"),
            ("a socket over the lock behind a link", live("ipc://{}/l/lock"), lambda folder: ((folder / "data").mkdir(), (folder / "l").symlink_to("data")),
             (0, 78, 69), "live"),
            ("a socket over endpoints.json behind a link", live("ipc://{}/l/endpoints.json"),
             lambda folder: ((folder / "data").mkdir(), (folder / "l").symlink_to("data")), (0, 78, 69), "live"),
            ("a socket among the secrets behind a link", live("ipc://{}/l/s"), lambda folder: (folder / "l").symlink_to("secrets"), (0, 78, 69), "live"),
            ("clips that lead among the secrets", data("data"), lambda folder: ((folder / "data").mkdir(), (folder / "data/clips").symlink_to("../secrets")),
             (0, 78, 69), "data_dir"),
            ("a folder where endpoints.json is made", data("data"), lambda folder: (folder / "data/endpoints.json.new/x").mkdir(parents=True), (0, 78, 69),
             "data_dir"),
            ("a segment that is a folder", data("data"), lambda folder: (folder / "data/journal/000000000001.journal").mkdir(parents=True), (0, 78, 69),
             "data_dir"),
            ("a segment that is a pipe", data("data"),
             lambda folder: ((folder / "data/journal").mkdir(parents=True), os.mkfifo(folder / "data/journal/000000000001.journal")), (0, 78, 69), "data_dir"),
            ("a segment that is a link", data("data"),
             lambda folder: ((folder / "data/journal").mkdir(parents=True), (folder / "data/journal/000000000001.journal").symlink_to("/dev/null")),
             (0, 78, 69), "data_dir"),
        ]
        for name, change, prepare, wanted, key in table:
            with self.subTest(name):
                codes, plain, here, said = self.verdicts(change, prepare)
                self.assertEqual(codes, wanted, f"{plain}\n{here}\n{said}")
                self.assertFalse(codes[1] == 0 and codes[2] != 0, "run refuses what --here accepts")
                if not key:
                    self.assertEqual((plain, here), ("", ""))
                    continue
                place = re.compile(r"kanhu\.yaml:(\d+):\d+: (warning: )?")
                told = place.search(plain)
                self.assertTrue(told and told.group(2), plain)
                self.assertIsNone(place.search(here).group(2))
                line = (self.folder / str(self.number) / "kanhu.yaml").read_text().splitlines()[int(told.group(1)) - 1]
                self.assertIn(key, line)
                # `run` says the same of the same place.
                self.assertIn(f"kanhu.yaml:{told.group(1)}:", said)
        self.assertEqual((self.folder / "9" / "precious").read_text(), "x")

    def test_a_gateway_that_runs_there_is_in_nobodys_way(self):
        config = config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1:9/a", detector=NONE)])], sources_per_worker=0)
        config["clips_storage"] = config["journal"] = {"most_bytes": "64MiB"}
        config["publish"] = {"live": f"ipc://{self.folder}/live", "query": f"ipc://{self.folder}/query"}
        gateway = self.gateway(None, config=config, subscribe=False)
        self.kanhu("check-config", "--here", gateway.path)
        other = self.folder / "other.yaml"
        config["gateway"] = {**config["gateway"], "data_dir": str(self.folder / "elsewhere")}
        other.write_text(to_yaml(config))
        done = self.kanhu("check-config", "--here", other, expect=78)
        self.assertEqual(done.stderr.decode().count("another program (a second gateway?) listens there"), 2)
        self.assertEqual(gateway.end(), 0)
        self.assertEqual([name.name for name in self.folder.iterdir() if name.is_socket()], [])

    def test_a_configuration_that_is_no_plain_file_is_refused_at_once(self):
        os.mkfifo(self.folder / "pipe.yaml")
        for path in (self.folder / "pipe.yaml", "/dev/zero", "/dev/null", self.folder):
            for command in (("check-config", path), ("run", "-c", path)):
                done = self.kanhu(*command, expect=78, deadline=10)
                self.assertIn(b"plain file is expected", done.stderr)


if __name__ == "__main__":
    main()
