# SPDX-License-Identifier: MIT
"""A running gateway takes a good configuration without touching what did not change, and refuses a bad one whole."""
import json
import os
import re

from harness import PATIENCE, Case, camera, config_of, facility, main, to_yaml, wait_for

NONE = {"name": "none"}


class Reload(Case):
    def test_a_good_change_touches_only_what_changed_and_a_bad_one_nothing(self):
        sim = self.simulator("name=stays,person=out", "name=goes,scene=thermal,person=in,offset=8", "name=changes,person=out", "name=comes,person=out")
        stays = camera("stays", sim.url("stays"), zones=[{"zone": "room"}])
        goes = camera("goes", sim.url("goes"), detector={"name": "thermal-blob", "fps": 5}, zones=[{"zone": "room"}])
        changes = camera("changes", sim.url("changes"), detector=NONE)
        comes = camera("comes", sim.url("comes"), detector=NONE)
        before = config_of(self.folder, [facility("f1", [stays, goes, changes], ["room"])])
        sim.tell("person goes out")
        gateway = self.gateway(None, config=before)
        feed = gateway.subscriber
        gateway.wait_up("stays", "goes", "changes")
        wait_for(lambda: feed.find(type="presence.absent", camera="goes"), 30, "nobody there")
        sim.tell("person goes in")
        presence = feed.wait(30 * PATIENCE, type="presence.started", camera="goes")
        digest = gateway.info()["gateway"]["config"]
        packets = gateway.counters("stays")["packets"]
        workers = gateway.children()

        after = config_of(self.folder, [facility("f1", [stays, {**changes, "name": "another name"}], ["room"]), facility("f2", [comes])])
        after["gateway"]["models_dir"] = str(self.folder / "no-models")  # what this machine lacks is told, with its place
        gateway.reload(after)
        wait_for(lambda: re.search(r"warning config: \S+gateway\.yaml:\d+:\d+: models_dir: ", gateway.log.read_text()), 15, "the warning")
        changed = feed.wait(15 * PATIENCE, type="gateway.config_changed")
        self.assertEqual([changed.data[key] for key in ("cameras_added", "cameras_removed", "cameras_changed")], [1, 1, 1])
        self.assertEqual(changed.data["config"]["from"], digest)
        self.assertEqual(changed.data["config"]["to"], gateway.info()["gateway"]["config"])
        ended = feed.wait(10 * PATIENCE, subject=presence.subject, phase="end")
        self.assertEqual((ended.data["end_reason"], ended.data["state"]), ("config_changed", "unknown"))
        gateway.wait_up("stays", "changes", "comes")
        state = gateway.state()
        self.assertEqual(set(state["cameras"]), {"stays", "changes", "comes"})
        self.assertEqual([one["id"] for one in state["facilities"]], ["f1", "f2"])
        names = {one["id"]: one["name"] for one in state["facilities"][0]["cameras"]}
        self.assertEqual(names["changes"], "another name")
        wait_for(lambda: "f2" in feed.heads, 5, "the new facility has heads")
        # The untouched camera: its counters went on, it was not connected anew.
        wait_for(lambda: gateway.counters("stays")["packets"] > packets, 10, "the untouched camera's packets")
        self.assertEqual(len(feed.find(type="camera.online", camera="stays")), 1)
        self.assertEqual(feed.find(type=("camera.offline", "presence.unknown"), camera="stays"), [])
        self.assertEqual(gateway.children()[:len(workers)], workers)
        self.assertEqual(feed.find(type="camera.offline"), [])

        good = gateway.info()["gateway"]["config"]
        for broken in (to_yaml(after).replace("warm_up", "warmup"), "version: 1\n", "{", ""):
            since = feed.mark()
            gateway.reload(broken)
            rejected = feed.wait(15 * PATIENCE, type="gateway.config_rejected", since=since)
            self.assertEqual(rejected.data["config"]["from"], good)
            self.assertTrue(rejected.data["words"])
        self.assertEqual(gateway.info()["gateway"]["config"], good)
        self.assertRegex(gateway.log.read_text(), r"gateway\.yaml:\d+:\d+: ")
        since = feed.mark()
        packets = gateway.counters("comes")["packets"]
        wait_for(lambda: gateway.counters("comes")["packets"] > packets, 10, "the running configuration stays")

        # A new password alone is a change, too.
        self.assertEqual(feed.find(type="gateway.config_changed", since=since), [])
        self.stop(gateway)

    def test_a_changed_secret_is_taken_at_reload(self):
        self.secret("cam", "viewer", "wrong")
        sim = self.simulator("name=a,user=viewer,password=right")
        config = config_of(self.folder, [facility("f1", [camera("a", sim.url("a"), detector=NONE, credential="cam")])])
        gateway = self.gateway(None, config=config)
        offline = gateway.subscriber.wait(30 * PATIENCE, type="camera.offline", cause="unauthorized")
        self.secret("cam", "viewer", "right")
        gateway.reload(config)
        online = gateway.subscriber.wait(20 * PATIENCE, type="camera.online", camera="a")
        print(f"  {online}")
        gateway.wait_up("a")
        open_, _ = gateway.subscriber.open_incidents()
        self.assertNotIn(offline.subject, open_)
        self.stop(gateway)


class BrokenOnDisk(Case):
    def test_what_speaks_to_a_running_gateway_goes_on_when_its_file_breaks(self):
        self.kanhu("keys", "server", "-c", self.kanhu_yaml())
        self.kanhu("gallery", "key", "-c", self.kanhu_yaml())
        self.kanhu("keys", "add", "board", "--facility", "*", "-c", self.kanhu_yaml())
        gateway = self.gateway(None, config=self.config, subscribe=False, name="kanhu")
        good = self.path.read_text()
        event = json.loads(self.kanhu("events", "list", "-c", self.path, "--format", "json", "--no-index").stdout.splitlines()[0])

        def commands(*where):
            """Each with the exit codes it has while the file is whole."""
            where = where or ("-c", self.path)
            return [(("status", *where), (0, 1)), (("status", "--json", *where), (0, 1)), (("look", *where), (0, 1)),
                    (("watch", "--since", "start", "--count", 1, *where), (0,)), (("events", "list", "--no-index", *where), (0,)),
                    (("events", "show", event["id"], "--no-index", *where), (0,)), (("journal", "check", *where), (0,)), (("clips", *where), (0,)),
                    (("picture", "a", "-o", "x.jpg", *where), (1, 69, 75)), (("clips", "get", "0" * 32, "-o", "x.mp4", *where), (1, 2, 69)),
                    (("gallery", "list", *where), (0,)), (("face", "explain", event["id"], *where), (1,)), (("keys", "server", *where), (0,))]

        for command, codes in commands():
            self.assertIn(self.kanhu(*command, expect=None).returncode, codes, command)
        files = {
            "a wrong key": good.replace("defaults:", "defalts:"),
            "no YAML from the middle on": good.replace("facilities:", "facilities: [[{"),
            "half saved": good[:good.index("defaults:")] + "defau",
            "a byte order mark and CRLF": "\ufeff" + good.replace("defaults:", "x: {").replace("\n", "\r\n"),
            "much more behind it": good + "#" * 5_000_000,
            "not UTF-8": good.replace("id: test", "id: t\udcff"),
        }
        first = True
        for name, text in files.items():
            self.path.write_bytes(text.encode("utf-8", "surrogateescape"))
            for command, codes in commands() if first else commands()[:1] + commands()[4:5]:
                with self.subTest(name, command=command):
                    done = self.kanhu(*command, expect=None)
                    said = done.stderr.decode(errors="replace")
                    self.assertIn(done.returncode, codes, said)
                    told = [line for line in said.splitlines() if "the configuration on disk is broken" in line]
                    self.assertEqual(len(told), 1, said)
                    self.assertIn(str(self.path), told[0])
            first = False
        # An administrator takes a key back on a bad day, too.
        self.assertIn(b"board", self.kanhu("keys", "list", "-c", self.path).stdout)
        self.kanhu("keys", "revoke", "board", "-c", self.path)

        with self.subTest("what cannot be read at all is named"):
            where = ("--data-dir", self.folder / "data", "--secrets-dir", self.folder / "secrets")
            os.mkfifo(self.folder / "pipe.yaml")
            (self.folder / "empty.yaml").write_bytes(b"")
            (self.folder / "garbage.yaml").write_bytes(os.urandom(4 << 20))
            # Cut off in the path itself: half a path is another folder.
            (self.folder / "cut.yaml").write_text(good[:good.index("data_dir:") + 12])
            for name in ("nowhere.yaml", "pipe.yaml", "empty.yaml", "garbage.yaml", "cut.yaml"):
                done = self.kanhu("status", "-c", self.folder / name, expect=78)
                self.assertIn(b"--data-dir", done.stderr)
                done = self.kanhu("status", "-c", self.folder / name, *where, expect=None)
                self.assertIn(done.returncode, (0, 1), done.stderr)
                self.assertIn(b"by --data-dir", done.stderr)
            for command, codes in commands(*where, "-c", self.folder / "nowhere.yaml"):
                done = self.kanhu(*command, expect=None)
                self.assertIn(done.returncode, codes, f"{command}: {done.stderr}")
        self.assertEqual(gateway.end(), 0)

    def kanhu_yaml(self):
        self.path = self.folder / "kanhu.yaml"
        self.config = config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1:9/a", detector=NONE)])], sources_per_worker=0)
        self.config["publish"]["access"] = str(self.folder / "subscribers.yaml")
        self.path.write_text(to_yaml(self.config))
        return self.path


class CheckConfig(Case):
    def test_each_broken_file_is_refused_with_its_place(self):
        good = to_yaml(config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1/a", zones=[{"zone": "room"}])], ["room"])]))
        path = self.folder / "kanhu.yaml"
        path.write_text(good)
        warned = self.kanhu("check-config", path).stderr.decode()
        place = re.search(rf"^{re.escape(str(path))}:(\d+):\d+: warning: zone room: nothing that watches it can tell that nobody is there", warned, re.M)
        self.assertTrue(place, warned)
        self.assertIn("room", good.splitlines()[int(place.group(1)) - 1])

        def line_of(text, word):
            return next(number for number, line in enumerate(text.splitlines(), 1) if word in line)

        broken = {
            "unknown key": (good.replace("warm_up:", "warmup:"), "warmup", "warm_up"),
            "wrong type": (good.replace("sources_per_worker: 4", "sources_per_worker: many"), "sources_per_worker", "whole number"),
            "octal": (good.replace("sources_per_worker: 4", "sources_per_worker: 010"), "sources_per_worker", ""),
            "quoted number": (good.replace("sources_per_worker: 4", 'sources_per_worker: "4"'), "sources_per_worker", ""),
            "no unit": (good.replace("warm_up: 2s", "warm_up: 2"), "warm_up", "unit"),
            "bad unit": (good.replace("warm_up: 2s", "warm_up: 2m"), "warm_up", ""),
            "bad size": (good.replace("ring_bytes: 16MiB", "ring_bytes: 16MB"), "ring_bytes", ""),
            "out of range": (good.replace("stall_after: 4s", "stall_after: 30s"), "stall_after", ""),
            "duplicate key": (good.replace("warm_up: 2s", "warm_up: 2s\n    warm_up: 3s"), "warm_up: 3s", ""),
            "duplicate camera": (good.replace("  cameras:\n", "  cameras:\n  - {id: a, main: {url: \"rtsp://h/b\"}}\n"), None, "a"),
            "dangling zone": (good.replace("zone: room", "zone: rom"), "zone: rom", "room"),
            "user info": (good.replace("rtsp://127.0.0.1/a", "rtsp://u:p@127.0.0.1/a"), "url", ""),
            "another scheme": (good.replace("rtsp://127.0.0.1/a", "http://127.0.0.1/a"), "url", "rtsp"),
            "anchor": (good.replace("defaults:", "defaults: &d"), "defaults", ""),
            "recursive alias": (good + "more: &a [*a]\n", "more", ""),
            "tag": (good.replace("version: 1", "version: !!int 1"), "version", ""),
            "unknown detector": (good.replace("name: blazeface", "name: blazefase"), "blazefase", "blazeface"),
            "unknown event type": (good.replace("'on': []", "'on': [face.apeared]"), "apeared", "face.appeared"),
            "no version": (good.replace("version: 1\n", ""), None, "version"),
            "future version": (good.replace("version: 1", "version: 2"), "version", ""),
            "yes": (good.replace("  - id: room", "  - id: room\n    private: yes"), "private", "true"),
            "not UTF-8": (None, None, ""),
            "too deep": (good + "more: " + "[" * 70 + "]" * 70 + "\n", "more", ""),
            "tab": (good.replace("  id: test", "\tid: test"), None, ""),
            "unclosed": (good + "more: [1, 2\n", None, ""),
            "metrics beyond this machine": (good.replace("listen: 127.0.0.1:0", "listen: 0.0.0.0:0"), "listen", ""),
        }
        for name, (text, word, hint) in broken.items():
            with self.subTest(name):
                path.write_bytes(text.encode() if text is not None else good.replace("id: test", "id: t\xff").encode("latin-1"))
                if text is not None:
                    self.assertNotEqual(text, good, "this case changes nothing")
                done = self.kanhu("check-config", path, expect=78)
                message = done.stderr.decode(errors="replace")
                found = re.match(rf"{re.escape(str(path))}:(\d+):(\d+): (.+)", message)
                self.assertTrue(found, message)
                if word:
                    self.assertIn(str(line_of(text, word)), [match.group(1) for match in re.finditer(r"\.yaml:(\d+):", message)], message)
                self.assertIn(hint, message)
                self.kanhu("run", "-c", path, expect=78)
        path.write_bytes(b"#" * (4 * 1024 * 1024 + 1))
        self.kanhu("check-config", path, expect=78)
        done = self.kanhu("check-config", self.folder / "nowhere.yaml", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"nowhere.yaml", done.stderr)


if __name__ == "__main__":
    main()
