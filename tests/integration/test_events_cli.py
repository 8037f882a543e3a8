# SPDX-License-Identifier: MIT
"""`kanhu events` and `kanhu journal check` on journals of a real gateway, against a reader written from docs/journal.md alone."""
import csv
import io
import json
import re
import shutil
import signal
import subprocess
import time

import journal_reader
from harness import KANHU, Case, camera, environment, facility, main, wait_for

EVENT_ID = re.compile(r"[0-9a-f]{32}:\d+")


class Events(Case):
    def made(self, restarts=2):
        """A gateway that has run a few times; its cameras never answer, so each makes an incident."""
        facilities = [facility("f1", [camera("a", "rtsp://127.0.0.1:1/a"), camera("b", "rtsp://127.0.0.1:1/b")]),
                      facility("f10", [camera("c", "rtsp://127.0.0.1:1/c")])]
        for _ in range(restarts):
            gateway = self.gateway(facilities, subscribe=False)
            wait_for(lambda: len([e for e in self.truth(gateway) if e.type == "camera.offline" and e.epoch == gateway.info()["journal"]["epoch"]]) >= 3,
                     30, "three cameras are offline")
            self.last = gateway
            if _ + 1 < restarts:
                self.assertEqual(gateway.end(), 0)
        return self.last

    @staticmethod
    def truth(gateway):
        return journal_reader.events(gateway.data / "journal")

    def listed(self, gateway, *filters, expect=0):
        return [json.loads(line) for line in self.kanhu("events", "list", "-c", gateway.path, "--format", "json", *filters, expect=expect).stdout.splitlines()]

    def test_filters_give_what_the_journal_holds_live_stopped_and_without_index(self):
        gateway = self.made()
        for more in ((), ("--no-index",)):
            self.assertEqual([e["type"] for e in self.listed(gateway, "--facility", "f1", "--type", "camera.offline", *more)],
                             ["kanhu.camera.offline"] * len([e for e in self.truth(gateway) if e.stream == "f1" and e.type == "camera.offline"]))
        self.assertTrue((gateway.data / "journal.index.sqlite").exists())
        self.assertEqual((gateway.data / "journal.index.sqlite").stat().st_mode & 0o7, 0, "nothing for others: it names people")
        self.assertEqual(gateway.end(), 0)
        truth = self.truth(gateway)
        whole = self.kanhu("events", "list", "-c", gateway.path, "--format", "json").stdout.splitlines()
        self.assertEqual(whole, [e.body for e in truth], "byte for byte, newest last")
        for filters, wanted in ((("--facility", "f10"), lambda e: e.stream == "f10"), (("--source", "b"), lambda e: e.source == "b"),
                                (("--type", "camera."), lambda e: e.type.startswith("camera.")),
                                (("--type", "kanhu.gateway.*", "--facility", "-"), lambda e: e.type.startswith("gateway.")),
                                (("--severity", "warning"), lambda e: json.loads(e.body)["data"]["severity"] == "warning"),
                                (("--subject", json.loads(truth[5].body)["subject"]), lambda e: json.loads(e.body)["subject"] == json.loads(truth[5].body)["subject"])):
            for more in ((), ("--no-index",)):
                got = self.kanhu("events", "list", "-c", gateway.path, "--format", "json", *filters, *more).stdout.splitlines()
                self.assertEqual(got, [e.body for e in truth if wanted(e)], filters)
        self.assertEqual(self.kanhu("events", "list", "-c", gateway.path, "--format", "json", "--limit", "3").stdout.splitlines(), [e.body for e in truth[-3:]])
        # Times: the facility's, with and without an offset.
        cut = json.loads(truth[4].body)["time"]
        after = [e.body for e in truth if json.loads(e.body)["time"] >= cut]
        self.assertEqual(self.kanhu("events", "list", "-c", gateway.path, "--format", "json", "--since", cut).stdout.splitlines(), after)
        self.assertEqual(self.kanhu("events", "list", "-c", gateway.path, "--format", "json", "--since", "2h").stdout.splitlines(), whole)
        nothing = self.kanhu("events", "list", "-c", gateway.path, "--until", "2020-01-01")
        self.assertEqual(nothing.stdout, b"")
        self.assertIn(b"matches", nothing.stderr)

    def test_csv_is_rfc_4180_in_local_time_and_a_wrong_filter_is_named(self):
        gateway = self.made(1)
        self.assertEqual(gateway.end(), 0)
        truth = self.truth(gateway)
        text = self.kanhu("events", "list", "-c", gateway.path, "--format", "csv", "--bom").stdout
        self.assertTrue(text.startswith(b"\xef\xbb\xbf"))
        self.assertTrue(text.endswith(b"\r\n"))
        rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))
        self.assertEqual([row["id"] for row in rows], [f"{e.epoch}:{e.seq}" for e in truth])
        for row in rows:
            self.assertRegex(row["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+08:00$")
            for field in row.values():
                self.assertNotRegex(field, r"^[=+\-@\t\r]")
        self.assertIn("+00:00", self.kanhu("events", "list", "-c", gateway.path, "--utc").stdout.decode().splitlines()[0])
        for wrong, named in ((("--facility", "f11"), b'no facility "f11"; nearest "f1'), (("--source", "aa"), b'no source "aa"'),
                             (("--type", "camera.ofline"), b'nearest "camera.offline"'), (("--severity", "alarms"), b'nearest "alarm"'),
                             (("--since", "yesterday"), b"--since"), (("--since", "1h", "--until", "2h"), b"not before"), (("--format", "xml"), b"xml")):
            done = self.kanhu("events", "list", "-c", gateway.path, *wrong, expect=2)
            self.assertIn(named, done.stderr + done.stdout)
            self.assertNotIn(b"camera.offline\n", done.stdout)

    def test_show_tells_an_incident_whole_and_where_it_stands(self):
        gateway = self.made()
        self.assertEqual(gateway.end(), 0)
        truth = self.truth(gateway)
        start = next(e for e in truth if e.type == "camera.offline")
        subject = json.loads(start.body)["subject"]
        for name in (f"{start.epoch}:{start.seq}", f"{start.epoch[:9]}:{start.seq}", subject, subject[:12]):
            lines = self.kanhu("events", "show", name, "-c", gateway.path, "--format", "json").stdout.splitlines()
            stored = [json.loads(line) for line in lines]
            wanted = [e for e in truth if json.loads(e.body)["subject"] == subject]
            self.assertEqual([(s["journal"]["epoch"], s["journal"]["seq"]) for s in stored], [(e.epoch, e.seq) for e in wanted])
            for line, event, one in zip(lines, wanted, stored):
                self.assertIn(event.body, line, "byte for byte")
                self.assertEqual(one["journal"]["chain"], "right")
                with open(one["journal"]["segment"], "rb") as file:
                    file.seek(one["journal"]["offset"])
                    record = file.read(one["journal"]["bytes"])
                self.assertEqual(record[:4], b"KREC")
                self.assertEqual(record[-32:].hex(), one["journal"]["hash"])
        text = self.kanhu("events", "show", subject, "-c", gateway.path).stdout.decode()
        for wanted in (subject, "began", "ended", "provenance", "chain right", "+08:00"):
            self.assertIn(wanted, text)
        self.kanhu("events", "show", "aaaaaaaaaa", "-c", gateway.path, expect=1)
        self.assertIn(b"may be any of", self.kanhu("events", "show", ":1", "-c", gateway.path, expect=2).stderr)
        self.kanhu("events", "show", "abc:x", "-c", gateway.path, expect=2)

    def test_a_copied_folder_is_read_and_damage_is_said(self):
        gateway = self.made()
        self.assertEqual(gateway.end(), 0)
        copy = self.folder / "copy"
        shutil.copytree(gateway.data / "journal", copy)
        before = {path: path.read_bytes() for path in sorted(copy.iterdir())}
        whole = self.kanhu("events", "list", "--journal", copy, "--format", "json").stdout.splitlines()
        self.assertEqual(whole, [e.body for e in self.truth(gateway)])
        self.assertEqual({path: path.read_bytes() for path in sorted(copy.iterdir())}, before, "nothing is written beside evidence")
        right = self.kanhu("journal", "check", "--journal", copy).stdout.decode()
        last = re.search(r"last event (\S+)", right).group(1)
        self.assertRegex(last, EVENT_ID)
        self.kanhu("journal", "check", "--journal", copy, "--expect", last)
        # A byte of one body changed: that record cannot be read.
        first = min(before)
        data = bytearray(before[first])
        at = data.index(b"camera.offline")
        at = data.index(b'"warning"', at)
        data[at + 1] ^= 1
        first.write_bytes(data)
        for more in ((), ("--index", self.folder / "own.index"), ("--index", self.folder / "own.index")):
            damaged = self.kanhu("events", "list", "--journal", copy, "--format", "json", *more, expect=1)
            self.assertEqual(len(damaged.stdout.splitlines()), len(whole) - 1, "the rest is readable")
            self.assertIn(b"damaged", damaged.stderr)
            self.assertIn(first.name.encode(), damaged.stderr)
        self.assertIn("modified", self.kanhu("journal", "check", "--journal", copy, expect=1).stdout.decode())
        # The same edit by somebody who makes the checksum right as well: the chain tells.
        begins = data.rindex(b"KREC", 0, at)
        size = int.from_bytes(data[begins + 4:begins + 8], "little")
        record = data[begins:begins + size]
        data[begins + 8:begins + 12] = journal_reader.crc32c(record[:8] + record[12:]).to_bytes(4, "little")
        first.write_bytes(data)
        edited = self.kanhu("events", "list", "--journal", copy, "--format", "json", expect=1)
        self.assertEqual(len(edited.stdout.splitlines()), len(whole))
        self.assertIn(b"the hash chain breaks", edited.stderr)
        self.assertIn("modified", self.kanhu("journal", "check", "--journal", copy, expect=1).stdout.decode())
        number = int.from_bytes(record[24:32], "little")
        shown = self.kanhu("events", "show", f":{number}", "--journal", copy, expect=None)
        self.assertNotEqual(shown.returncode, 0)
        first.write_bytes(before[first])
        self.kanhu("journal", "check", "--journal", copy)
        # Cut within, and cut at its end.
        first.write_bytes(before[first][:len(before[first]) // 2])
        self.assertIn("truncated", self.kanhu("journal", "check", "--journal", copy, expect=3).stdout.decode())
        first.write_bytes(before[first])
        max(path for path in before if path.suffix == ".journal").unlink()
        self.kanhu("journal", "check", "--journal", copy)
        self.kanhu("journal", "check", "--journal", copy, "--expect", last, expect=3)
        for command in (("events", "list"), ("events", "show", "a"), ("journal", "check")):
            self.kanhu(*command, "--journal", self.folder / "nowhere", expect=1)

    def test_killed_while_indexing_the_next_search_answers_all_the_same(self):
        gateway = self.made(1)
        self.assertEqual(gateway.end(), 0)
        # Many copies of a running journal are not a journal; many restarts are.
        whole = self.kanhu("events", "list", "-c", gateway.path, "--format", "json", "--no-index").stdout
        index = gateway.data / "journal.index.sqlite"
        for after_ms in range(0, 40, 4):
            for end in ("", ".sum"):
                if after_ms % 8 == 0:
                    (gateway.data / f"journal.index.sqlite{end}").unlink(missing_ok=True)
            process = subprocess.Popen([KANHU, "events", "list", "-c", str(gateway.path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env=environment())
            time.sleep(after_ms / 1000)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.assertEqual(self.kanhu("events", "list", "-c", gateway.path, "--format", "json").stdout, whole, after_ms)
        self.assertTrue(index.exists())
        # Two at once, and an index nobody may write.
        both = [subprocess.Popen([KANHU, "events", "list", "-c", str(gateway.path), "--format", "json"], stdout=subprocess.PIPE, env=environment())
                for _ in range(4)]
        for process in both:
            self.assertEqual(process.communicate(timeout=60)[0], whole)
            self.assertEqual(process.returncode, 0)
        done = self.kanhu("events", "list", "-c", gateway.path, "--format", "json", "--index", "/proc/nowhere")
        self.assertEqual(done.stdout, whole)
        self.assertEqual(done.stderr.count(b"index"), 1, done.stderr)


if __name__ == "__main__":
    main()
