# SPDX-License-Identifier: MIT
"""Starts simulator and gateway as a user would, keeps them on loopback and in a folder of their own, and ends them by pid.

Programs come from KANHU_BIN and KANHU_SIMULATOR_BIN (CTest sets them). Weights and photographs are used when there are
some (KANHU_MODELS, KANHU_FACES, or ../shared beside the tree); without them painted people and the HOG fallback do.
KANHU_TEST_PATIENCE multiplies every deadline, for slow machines and sanitizers; KANHU_TEST_KEEP=1 keeps the folders.
"""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

SKIPPED = 77
try:
    import jsonschema  # noqa: F401
    import yaml
    import zmq
except ImportError as missing:
    print(f"skipped: {missing} (apt-get install python3-zmq python3-jsonschema python3-yaml)")
    sys.exit(SKIPPED)

from subscriber import STATE_SCHEMA, Subscriber  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
KANHU = os.environ.get("KANHU_BIN", str(ROOT / "build/release/daemon/kanhu"))
SIMULATOR = os.environ.get("KANHU_SIMULATOR_BIN", str(ROOT / "build/release/tests/support/simulator/kanhu-simulator"))
PATIENCE = float(os.environ.get("KANHU_TEST_PATIENCE", "1"))
CANARY = "canary-Zq7!wX-hunter2"  # in a secret; in no output


def _first_folder(*paths):
    return next((str(path) for path in paths if path and pathlib.Path(path).is_dir()), None)


MODELS = _first_folder(os.environ.get("KANHU_MODELS"), ROOT.parent / "shared/models")
FACES = _first_folder(os.environ.get("KANHU_FACES"), ROOT.parent / "shared/data/faces/vladmandic_demo")
THERMAL = _first_folder(os.environ.get("KANHU_TEST_DATA", "/nowhere") + "/thermal/butiv_sample", ROOT.parent / "shared/data/thermal/butiv_sample")


def wait_for(predicate, deadline, what):
    """The first true value of predicate(); AssertionError after `deadline` seconds (times the patience)."""
    until = time.monotonic() + deadline * PATIENCE
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {deadline * PATIENCE:.0f} s: {what}")
        time.sleep(0.05)


def watch_for(seconds):
    """For promises that something does not happen: returns when the time is over. Not a synchronisation."""
    time.sleep(seconds)


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def environment(**extra):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("KANHU_", "NOTIFY_", "WATCHDOG_"))}
    if MODELS:
        env["KANHU_MODELS"] = MODELS
    if "LSAN_OPTIONS" not in env:
        env["LSAN_OPTIONS"] = "exitcode=0"  # leaks are the unit tests' affair
    env.update(extra)
    return env


def tail(path, lines=40):
    try:
        return "".join(pathlib.Path(path).read_text(errors="replace").splitlines(keepends=True)[-lines:])
    except OSError as error:
        return str(error)


def worker_of_command(pid):
    """The pid of the worker that a command has started, once it is one; None until then."""
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            if b"\0worker\0" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return None


class Process:
    """A child with its output in a file."""

    def __init__(self, name, arguments, folder, env=None, stdin=subprocess.DEVNULL, stdout=None):
        self.name, self.log = name, pathlib.Path(folder) / f"{name}.log"
        self._file = open(self.log, "ab")
        self.popen = subprocess.Popen(arguments, stdin=stdin, stdout=stdout or self._file, stderr=self._file, env=env or environment(),
                                      cwd=folder, preexec_fn=_die_with_parent)
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def end(self, how=signal.SIGTERM, deadline=20):
        """Exit code; killed when it does not come in time."""
        if self.alive():
            self.popen.send_signal(how)
        try:
            return self.popen.wait(deadline * PATIENCE)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.name} did not end within {deadline} s")
        finally:
            self._file.close()


class Simulator(Process):
    def __init__(self, folder, cameras, extra=(), env=None):
        """`cameras`: texts as in docs/simulator.md."""
        arguments = [SIMULATOR, "--die-with-parent", "--port", "0"]
        if FACES:
            arguments += ["--faces", FACES]
        for camera in cameras:
            arguments += ["--camera", camera]
        super().__init__("simulator", arguments + list(extra), folder, env, subprocess.PIPE, subprocess.PIPE)
        self._lock = threading.Lock()
        line = self.popen.stdout.readline().decode()
        if not line.startswith("listening on "):
            raise AssertionError(f"the simulator said {line!r}\n{tail(self.log)}")
        self.port = int(line.rsplit(":", 1)[1])

    def url(self, camera):
        return f"rtsp://127.0.0.1:{self.port}/{camera}"

    def tell(self, command):
        with self._lock:
            self.popen.stdin.write(command.encode() + b"\n")
            self.popen.stdin.flush()
            answer = self.popen.stdout.readline().decode().strip()
        if not answer.startswith("ok"):
            raise AssertionError(f"simulator: {command}: {answer}")
        return answer

    def end(self, how=signal.SIGTERM, deadline=20):
        self.popen.stdin.close()
        code = super().end(how, deadline)
        self.popen.stdout.close()
        return code


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):  # Kanhu refuses anchors
        return True


def to_yaml(config):
    return yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def camera(name, url, **more):
    """A camera of a configuration; `credential` goes to its stream."""
    main = {"url": url}
    if "credential" in more:
        main["credential"] = more.pop("credential")
    if "transport" in more:
        main["transport"] = more.pop("transport")
    return {"id": name, "main": main, **more}


def facility(name, cameras, zones=()):
    return {"id": name, "class": "community_station", "zones": [{"id": zone} for zone in zones], "cameras": list(cameras)}


def config_of(folder, facilities, **gateway):
    """Quick times, ports chosen by the system, everything below `folder`. freeze_after is long: scenes here are often quiet."""
    folder = pathlib.Path(folder)
    return {
        "version": 1,
        "gateway": {"id": "test", "data_dir": str(folder / "data"), "secrets_dir": str(folder / "secrets"), "analysis_threads": 1,
                    "sources_per_worker": 4, **gateway},
        "publish": {"live": "tcp://127.0.0.1:0", "query": "tcp://127.0.0.1:0"},
        "metrics": {"listen": "127.0.0.1:0"},
        "clips_storage": {"most_bytes": "1GiB"},
        "defaults": {
            "detector": {"name": "blazeface", "fps": 5},
            "presence": {"enter_after": "400ms", "leave_after": "3s", "warm_up": "2s"},
            "health": {"stall_after": "4s", "freeze_after": "60s", "dark_after": "3s"},
            "clips": {"on": [], "pre_roll": "2s", "post_roll": "2s", "longest": "20s", "ring_bytes": "16MiB"},
        },
        "facilities": list(facilities),
    }


class Gateway(Process):
    """`kanhu run` on a generated configuration. With `subscribe`, a Subscriber listens from the first moment."""

    def __init__(self, folder, config, log_level="info", subscribe=True, env=None, name="gateway"):
        self.folder, self.config = pathlib.Path(folder), config
        self.path = self.folder / f"{name}.yaml"
        self.data = pathlib.Path(config["gateway"]["data_dir"])
        self.write(config)
        (self.data / "endpoints.json").unlink(missing_ok=True)
        super().__init__(name, [KANHU, "run", "--config", str(self.path), "--log-level", log_level], folder, env)
        self.endpoints = wait_for(self._ready, 30, f"{name} writes endpoints.json")
        self.subscriber = Subscriber(self.endpoints["live"]) if subscribe is True else subscribe or None

    def _ready(self):
        if not self.alive():
            raise AssertionError(f"{self.name} ended with {self.popen.returncode}\n{tail(self.log)}")
        try:
            endpoints = json.loads((self.data / "endpoints.json").read_text())
        except (OSError, ValueError):
            return None
        return endpoints if endpoints["pid"] == self.pid else None

    def write(self, config):
        self.path.write_text(config if isinstance(config, str) else to_yaml(config))

    def reload(self, config):
        self.write(config)
        self.popen.send_signal(signal.SIGHUP)

    def ask(self, request, deadline=5):
        context = zmq.Context()
        try:
            with context.socket(zmq.REQ) as query:
                query.setsockopt(zmq.RCVTIMEO, int(deadline * PATIENCE * 1000))
                query.setsockopt(zmq.LINGER, 0)
                query.connect(self.endpoints["query"])
                query.send(request if isinstance(request, bytes) else json.dumps(request).encode())
                return json.loads(query.recv())
        except zmq.Again:
            raise AssertionError(f"no answer to {request!r} within {deadline} s")
        finally:
            context.term()

    def state(self):
        answer = self.ask({"v": 1, "request": "state"})
        assert answer["ok"], answer
        for problem in STATE_SCHEMA.iter_errors(answer["state"]):
            raise AssertionError(f"state: {problem.message} at {list(problem.absolute_path)}")
        return answer["state"]

    def info(self):
        answer = self.ask({"v": 1, "request": "info"})
        assert answer["ok"], answer
        return answer["info"]

    def counters(self, name):
        return self.info()["cameras"].get(name, {})

    def camera_state(self, name):
        return self.state()["cameras"][name]["state"]

    def wait_up(self, *names, deadline=40):
        wait_for(lambda: all(self.camera_state(name) == "up" for name in names), deadline, f"up: {names}; {self.state()['cameras']}")

    def http(self, path):
        try:
            with urllib.request.urlopen(self.endpoints["metrics"] + path, timeout=5 * PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def children(self):
        """Pids of worker processes."""
        found = []
        for task in pathlib.Path(f"/proc/{self.pid}/task").glob("*/children"):
            found += [int(pid) for pid in task.read_text().split()]
        return sorted(found)

    def worker_of(self, index):
        return self.info()["workers"][index]["pid"]

    def kill9(self):
        self.popen.kill()
        self.popen.wait()
        self._file.close()


class Case(unittest.TestCase):
    """A folder a test, processes ended by pid in the reverse order, logs shown when something failed."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kanhu-", dir=os.environ.get("KANHU_TEST_TMP")))
        self.processes, self.subscribers = [], []
        self.addCleanup(self._clean)
        (self.folder / "secrets").mkdir(mode=0o700)

    def simulator(self, *cameras, **more):
        self.sim = Simulator(self.folder, cameras, **more)
        self.processes.append(self.sim)
        return self.sim

    def gateway(self, facilities, log_level="info", subscribe=True, env=None, name="gateway", config=None, **gateway):
        made = Gateway(self.folder, config or config_of(self.folder, facilities, **gateway), log_level, subscribe, env, name)
        self.processes.append(made)
        if made.subscriber and made.subscriber not in self.subscribers:
            self.subscribers.append(made.subscriber)
        return made

    def secret(self, name, user, password):
        path = self.folder / "secrets" / name
        path.write_text(f"{user}\n{password}\n")
        path.chmod(0o600)

    def kanhu(self, *arguments, expect=0, deadline=60, stdin=None, env=None):
        """Runs a sub-command to its end."""
        done = subprocess.run([KANHU, *map(str, arguments)], capture_output=True, timeout=deadline * PATIENCE, input=stdin, cwd=self.folder,
                              env=env or environment(), check=False)
        if expect is not None:
            self.assertEqual(done.returncode, expect, f"kanhu {' '.join(map(str, arguments))}:\n{done.stdout.decode(errors='replace')[-3000:]}\n"
                             f"{done.stderr.decode(errors='replace')[-3000:]}")
        return done

    def assert_contract(self, *subscribers, missed=False):
        for subscriber in subscribers or self.subscribers:
            self.assertEqual(subscriber.complaints, [])
            if not missed:
                self.assertEqual(subscriber.missed, [])

    def stop(self, gateway, sure_of_start=False):
        """An orderly end: exit code 0, gateway.stopped is the last event, everything that was seen to start has ended."""
        self.assertEqual(gateway.end(), 0, tail(gateway.log))
        subscriber = gateway.subscriber
        if subscriber is None:
            return
        subscriber.wait(5 * PATIENCE, type="gateway.stopped", end_reason="gateway_stopped")
        open_, complaints = subscriber.open_incidents()
        self.assertEqual(list(open_.values()), [])
        if sure_of_start:
            self.assertEqual(complaints, [])
        self.assertEqual(subscriber.events[-1].type, "gateway.stopped")
        self.assert_contract(subscriber)

    def _clean(self):
        result = self._outcome.result
        failed = any(test is self or getattr(test, "test_case", None) is self for test, _ in result.failures + result.errors)
        failed = failed or any(error is not None for _, error in getattr(self._outcome, "errors", []))
        for process in reversed(self.processes):
            try:
                if process.alive():
                    process.end()
            except (AssertionError, OSError) as error:
                print(f"  {error}", file=sys.stderr)
        for subscriber in self.subscribers:
            subscriber.close()
        if failed:
            print(f"\n--- {self.id()} failed", file=sys.stderr)
            for process in self.processes:
                print(f"--- end of {process.log}\n{tail(process.log)}", file=sys.stderr)
            for subscriber in self.subscribers:
                print("--- last events\n  " + "\n  ".join(map(repr, subscriber.events[-25:])), file=sys.stderr)
        if os.environ.get("KANHU_TEST_KEEP"):
            print(f"--- kept {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


DECODERS = {"h264": "h264parse ! avdec_h264", "h265": "h265parse ! avdec_h265", "mjpeg": "jpegdec"}


def decodes(path, codec):
    """True when every picture of a clip decodes: by gst-launch-1.0, an independent reader, where it is installed, and by replay."""
    launch = shutil.which("gst-launch-1.0")
    if launch:
        pipeline = f"filesrc location={path} ! qtdemux ! {DECODERS[codec]} ! fakesink sync=false"
        done = subprocess.run([launch, "-q", *pipeline.split()], env=environment(), capture_output=True, timeout=60 * PATIENCE, check=False)
        if done.returncode != 0 or b"ERROR" in done.stderr:
            return False
    done = subprocess.run([KANHU, "replay", "--json", "--detector", "none", str(path)], capture_output=True, env=environment(),
                          timeout=60 * PATIENCE, check=False)
    return done.returncode == 0


def main():
    unittest.main(verbosity=2)
