"""A running gateway takes a good configuration without touching what did not change, and refuses a bad one whole."""
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
        gateway.reload(after)
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


class CheckConfig(Case):
    def test_each_broken_file_is_refused_with_its_place(self):
        good = to_yaml(config_of(self.folder, [facility("f1", [camera("a", "rtsp://127.0.0.1/a", zones=[{"zone": "room"}])], ["room"])]))
        path = self.folder / "kanhu.yaml"
        path.write_text(good)
        self.kanhu("check-config", path)

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
