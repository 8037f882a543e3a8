# SPDX-License-Identifier: MIT
"""kanhu gallery from outside: as an administrator who enrols people, and as an auditor who looks for what is left of one."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import threading
import unittest

from harness import (KANHU, MODELS, PATIENCE, ROOT, Case, Process, camera, config_of, environment, facility, main, to_yaml, wait_for,
                     worker_of_command)

DATA = pathlib.Path(os.environ.get("KANHU_TEST_DATA", ROOT.parent / "shared/data"))
PEOPLE = DATA / "faces/faceapijs_bbt"
NAME = "Canary-Name 王小明"
AGREED = ("--consent-by", "nurse-li", "--consent-text", "2026-01", "--consent-expires", "2099-01-01")
SMALL = ("--eyes-apart", "30")  # the sets' faces are crops


# Where the embedder's weights are; they may be missing although the pictures are there.
EMBEDDER = next((str(folder) for folder in (MODELS, ROOT / "run/models", "/var/lib/kanhu/models")
                 if folder and (pathlib.Path(folder) / "face_recognition_model.bin").is_file()), None)


def drawing(path, width, aside, skin, hair=35):
    """A face of ellipses, half of it `width` px wide, as a PGM."""
    side = 360
    pixels = bytearray([160]) * (side * side)
    height = 1.3 * width
    x, y = 180 + aside, 180
    ellipses = [(x, y - 0.25 * height, 1.15 * width, 1.08 * height, hair), (x, y, width, height, skin)]
    for eye in (x - 0.42 * width, x + 0.42 * width):
        ellipses += [(eye, y - 0.15 * height - 0.2 * width, 0.2 * width, 0.05 * width, hair),
                     (eye, y - 0.15 * height, 0.17 * width, 0.09 * width, 245), (eye, y - 0.15 * height, 0.08 * width, 0.08 * width, 30)]
    ellipses += [(x, y + 0.2 * height, 0.13 * width, 0.04 * width, int(0.7 * skin)), (x, y + 0.47 * height, 0.32 * width, 0.09 * width, 110)]
    for u, v, a, b, grey in ellipses:
        for row in range(max(0, int(v - b)), min(side, int(v + b) + 1)):
            for column in range(max(0, int(u - a)), min(side, int(u + a) + 1)):
                if ((column - u) / a) ** 2 + ((row - v) / b) ** 2 <= 1:
                    pixels[row * side + column] = grey
    path.write_bytes(b"P5\n%d %d\n255\n" % (side, side) + bytes(pixels))
    return path


class GalleryCase(Case):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.data.mkdir()
        config = config_of(self.folder, [facility("station-a", [camera("a", "rtsp://127.0.0.1:9/a")]),
                                         facility("station-b", [camera("b", "rtsp://127.0.0.1:9/b")])])
        if EMBEDDER:
            config["gateway"]["models_dir"] = EMBEDDER
        self.config = self.folder / "kanhu.yaml"
        self.config.write_text(to_yaml(config))
        self.galleries = self.data / "galleries"
        self.outputs = []

    def gallery(self, *arguments, expect=0, stdin="", deadline=120):
        done = self.kanhu("gallery", arguments[0], "-c", self.config, *arguments[1:], expect=expect, stdin=stdin.encode(), deadline=deadline)
        if arguments[0] not in ("list", "show"):
            self.outputs.append(done.stdout + done.stderr)
        return done

    def words(self, *arguments, **more):
        done = self.gallery(*arguments, **more)
        return (done.stdout + done.stderr).decode()

    def enroll(self, pictures, name=NAME, at="station-a", **more):
        done = self.gallery("enroll", "--facility", at, *AGREED, *SMALL, "--json", *more.pop("options", ()), *pictures, stdin=name + "\n", **more)
        return json.loads(done.stdout)["person_ref"] if done.returncode == 0 else (done.stdout + done.stderr).decode()

    def people(self, *arguments):
        return [json.loads(line) for line in self.gallery("list", "--json", *arguments).stdout.splitlines()]


class WithoutPictures(GalleryCase):
    def test_a_key_is_made_once_and_never_shown(self):
        self.assertIn("made", self.words("key"))
        key = self.folder / "secrets/gallery-key"
        before = key.read_text()
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertEqual(len(before.strip()), 64)
        self.assertIn("stays", self.words("key"))
        self.assertEqual(key.read_text(), before)
        for output in self.outputs:
            self.assertNotIn(before.strip().encode(), output)

    def test_without_a_key_everything_says_how_it_is_made(self):
        for command in (["list"], ["show", "a" * 26], ["withdraw", "a" * 26, "--by", "x"], ["calibrate", "--facility", "station-a"]):
            self.assertIn("kanhu gallery key", self.words(*command, expect=1))

    def test_a_key_that_others_may_read_or_that_is_none_is_refused(self):
        self.gallery("key")
        key = self.folder / "secrets/gallery-key"
        key.chmod(0o644)
        self.assertIn("chmod 600", self.words("list", expect=69))
        key.write_text("secret words\n")
        key.chmod(0o600)
        said = self.words("list", expect=2)
        self.assertIn("64 hex digits", said)
        self.assertNotIn("secret words", said)

    def test_without_a_consent_nobody_is_enrolled(self):
        self.gallery("key")
        picture = self.folder / "x.png"
        picture.write_bytes(b"not looked at")
        for consent in ((), ("--consent-by", "li"), ("--consent-text", "1"), (*AGREED[:4], "--consent-expires", "2020-01-01"),
                        (*AGREED[:4], "--consent-expires", "soon")):
            said = self.words("enroll", "--facility", "station-a", *consent, picture, expect=2, stdin=NAME + "\n")
            self.assertIn("consent" if "soon" not in consent else "2027-01-31", said)
        self.assertFalse(self.galleries.exists())

    def test_a_recording_that_was_never_filled_is_named_at_once(self):
        self.gallery("key")
        clip = self.folder / "never.mp4"
        with open(clip, "wb") as file:
            file.write(b"\0\0\0\x18ftypisom\0\0\0\0isommp41")
            file.truncate(64 << 30)  # takes no room, and minutes to read
        done = self.gallery("enroll", "--facility", "station-a", *AGREED, "--clip", clip, expect=None, stdin=NAME + "\n")
        clip.unlink()
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr.decode(), r"never\.mp4.* ever written")

    def test_what_an_operator_mistypes_is_named(self):
        self.gallery("key")
        for command in (["purge"], ["purge", "--dry-run"], ["show", "a" * 26]):
            self.assertIn("no facility \"nowhere\"", self.words(*command, "--facility", "nowhere", expect=2))
        for role in ("a\x1b[31mb", "two\nlines", "a\u202eb", "a\u009bb"):
            said = self.words("enroll", "--facility", "station-a", *AGREED, "--role", role, "x.png", expect=2, stdin=NAME + "\n")
            self.assertIn("--role is one line of UTF-8 without control characters", said)
        self.assertIn("--consent-text", self.words("consent", "a" * 26, "--consent-by", "li", expect=2))
        shutil.rmtree(self.data)
        self.assertIn("is not there", self.words("list", expect=1))

    def test_a_lost_key_is_not_replaced_while_galleries_need_it(self):
        self.galleries.mkdir()
        (self.galleries / "station-a.gallery").write_bytes(b"sealed with another key")
        self.assertIn("Put back the copy", self.words("key", expect=1))
        self.assertFalse((self.folder / "secrets/gallery-key").exists())

    def test_output_that_cannot_be_written_is_no_success(self):
        self.gallery("key")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([KANHU, "gallery", "purge", "-c", self.config], stdout=full, stderr=subprocess.PIPE, env=environment(),
                                  timeout=PATIENCE)
        self.assertEqual(done.returncode, 74)
        self.assertIn(b"standard output cannot be written", done.stderr)

    def test_an_empty_gallery_answers_in_words(self):
        self.gallery("key")
        self.assertIn("nobody is enrolled", self.words("list"))
        self.assertIn("nobody here", self.words("show", "a" * 26, expect=1))
        self.assertIn("nobody here", self.words("withdraw", "a" * 26, "--by", "x", expect=1))
        self.assertIn("enroll", self.words("calibrate", "--facility", "station-a", expect=1))
        self.assertIn("station-a | station-b", self.words("calibrate", expect=2))
        self.assertIn("did you mean station-a", self.words("calibrate", "--facility", "station_a", expect=2))
        self.assertIn("no consent is over", self.words("purge"))


@unittest.skipUnless(PEOPLE.is_dir() and EMBEDDER, f"skipped: no pictures in {PEOPLE} or no weights of the face embedder")
class WithPictures(GalleryCase):
    def setUp(self):
        super().setUp()
        self.gallery("key")

    def of(self, who, *numbers):
        return [PEOPLE / who / f"{who}{number}.png" for number in numbers]

    def everything_written(self):
        return {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".yaml"}

    def test_people_are_enrolled_listed_and_a_withdrawal_leaves_nothing(self):
        amy = self.enroll(self.of("amy", 1, 2, 3, 4, 5))
        raj = self.enroll(self.of("raj", 1, 2, 3, 4, 5), name="Raj", options=("--role", "staff"))
        self.assertRegex(amy, r"^[a-z2-7]{26}$")
        listed = {person["person_ref"]: person for person in self.people()}
        self.assertEqual(set(listed), {amy, raj})
        self.assertEqual(listed[amy]["name"], NAME)
        self.assertEqual(listed[raj]["role"], "staff")
        self.assertNotIn("name", self.people("--no-names")[0])
        self.assertNotIn(NAME, self.words("show", amy, "--no-names"))
        file = self.galleries / "station-a.gallery"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        before = self.everything_written()
        self.assertFalse([path for path, content in before.items() if NAME.encode() in content])

        self.gallery("share", amy, "--facility", "station-a", "--to", "station-b")
        self.assertEqual(len(self.people("--facility", "station-b")), 1)
        proof = json.loads(self.gallery("withdraw", amy, "--by", NAME, "--json").stdout)
        self.assertTrue(proof["proven"])
        self.assertEqual(proof["erased_from"], ["station-a", "station-b"])
        self.assertEqual(proof["events"]["count"], 0)
        self.assertEqual({person["person_ref"] for person in self.people()}, {raj})
        said = self.words("show", amy)
        self.assertIn("in no gallery any more", said)
        self.assertIn("withdrawn by the person", said)
        self.assertNotIn(NAME, said)
        self.assertIn("was erased before; looked for again by ref", self.words("withdraw", amy, "--by", "x"))
        self.assertEqual([path for path in self.galleries.iterdir() if "unfinished" in path.name], [])
        for output in self.outputs:
            self.assertNotIn(NAME.encode(), output)

    def test_a_refusal_says_which_picture_and_why_with_the_numbers(self):
        said = self.words("enroll", "--facility", "station-a", *AGREED, *self.of("amy", 1, 2, 3), expect=1, stdin=NAME + "\n")
        self.assertRegex(said, r"amy1\.png: face \d\d px between the eyes, 60 needed")
        cut = self.folder / "cut.png"
        cut.write_bytes((PEOPLE / "amy/amy1.png").read_bytes()[:3000])
        empty = self.folder / "empty.pgm"
        empty.write_bytes(b"P5\n200 200\n255\n" + bytes([128]) * 40000)
        said = self.enroll([cut, empty, *sorted(PEOPLE.glob("bbt*.jpg"))[:1], *self.of("amy", 1)], expect=1)
        self.assertIn("cut.png", said)
        self.assertIn("empty.pgm: no face in it", said)
        self.assertRegex(said, r"bbt1\.jpg: \d+ faces in it")
        self.assertIn("1 of 4 pictures can be used, 3 needed", said)
        said = self.enroll([*self.of("amy", 1), *self.of("amy", 1), *self.of("amy", 1)], expect=1)
        self.assertIn("the same shot as amy1.png", said)
        self.assertIn("1 of 3 pictures can be used", said)
        said = self.enroll([*self.of("amy", 1, 2), *self.of("raj", 1, 2)], expect=1)
        self.assertIn("do not show one person", said)
        self.assertFalse((self.galleries / "station-a.gallery").exists())

    def test_a_picture_that_ends_the_worker_it_is_decoded_in_is_left_out_by_name_and_the_others_are_enrolled(self):
        name = self.folder / "name"
        name.write_text(NAME)
        command = Process("enroll", [KANHU, "gallery", "enroll", "-c", str(self.config), "--facility", "station-a", *AGREED, *SMALL, "--name-file", str(name),
                                     *map(str, self.of("amy", 1, 2, 3, 4, 5))], self.folder)
        self.processes.append(command)
        os.kill(wait_for(lambda: worker_of_command(command.pid), 60, "a worker looks at the pictures"), signal.SIGSEGV)
        self.assertEqual(command.popen.wait(120 * PATIENCE), 0, command.log.read_text())
        command.end()
        self.assertRegex(command.log.read_text(), r"left out: amy1\.png: the worker that read it was killed by signal 11")
        self.assertEqual(self.people()[0]["templates"], 4)

    def test_a_drawn_face_is_refused_as_such_unless_told_otherwise(self):
        self.gallery("key")
        pictures = [drawing(self.folder / f"{i}.pgm", *how) for i, how in enumerate(((88, 0, 205), (95, 9, 190), (103, -8, 215)))]
        said = self.enroll(pictures, expect=1)
        self.assertIn("a drawn or painted face, not a photograph", said)
        self.assertIn("nothing was enrolled", said)
        self.assertIn("drawn or painted", self.enroll(pictures[:1], expect=1))
        self.assertFalse(list(self.galleries.glob("*.gallery")))
        self.enroll(pictures, options=("--although-drawn",))
        self.assertEqual(len(self.people()), 1)

    def test_an_erasure_that_was_not_proven_can_be_proven_later(self):
        amy = self.enroll(self.of("amy", 1, 2, 3))
        old = self.galleries / "station-a.gallery.old"
        old.write_bytes((self.galleries / "station-a.gallery").read_bytes())
        said = self.words("withdraw", amy, "--by", "the person", expect=1)
        self.assertIn("NOT LOOKED", said)
        self.assertIn("run the same command again", said)
        old.unlink()
        self.assertIn("nobody has this ref", self.words("withdraw", amy, "--by", "the person"))

    def test_somebody_of_another_facility_is_not_enrolled_under_a_second_ref(self):
        amy = self.enroll(self.of("amy", 1, 2, 3))
        said = self.enroll(self.of("amy", 3, 4, 5), at="station-b", expect=1)
        self.assertIn(f"kanhu gallery share {amy} --to station-b", said)
        self.gallery("share", amy, "--to", "station-b")
        (self.galleries / "station-a.gallery").write_bytes(b"x" * 300)
        said = self.words("show", amy, expect=1)
        self.assertIn("station-a.gallery", said)
        self.assertIn(f"{amy} at station-b", said)

    def test_shots_the_person_has_already_are_no_further_ones(self):
        amy = self.enroll(self.of("amy", 1, 2, 3))
        self.assertIn("has all of these shots already", self.words("enroll", "--facility", "station-a", "--add-to", amy, *SMALL,
                                                                    *self.of("amy", 1, 2), expect=1))

    def test_a_calibration_that_would_recognise_nobody_is_refused(self):
        for who in ("amy", "raj", "bernadette", "howard", "leonard", "penny", "sheldon", "stuart"):
            self.enroll(self.of(who, 1, 2, 3, 4, 5), name=who, options=("--although-alike",))
        twin = self.enroll(self.of("amy", 1, 2, 3, 4, 5), name="again", options=("--although-alike",))
        said = self.words("calibrate", "--facility", "station-a", expect=1)
        self.assertIn("if that is one person, withdraw one of them", said)
        self.assertIn(twin, said)

    def test_nobody_is_enrolled_twice_by_accident(self):
        amy = self.enroll(self.of("amy", 1, 2, 3))
        said = self.enroll(self.of("amy", 3, 4, 5), name="Another", expect=1)
        self.assertIn(amy, said)
        self.assertIn("--although-alike", said)
        self.assertNotIn(NAME, said)
        self.assertEqual(len(self.people()), 1)
        self.gallery("enroll", "--facility", "station-a", "--add-to", amy, *SMALL, *self.of("amy", 4, 5))
        self.assertEqual(self.people()[0]["templates"], 5)
        self.assertIn("is not like", self.words("enroll", "--facility", "station-a", "--add-to", amy, *SMALL, *self.of("raj", 1), expect=1))
        twin = self.enroll(self.of("amy", 3, 4, 5), name="Twin", options=("--although-alike",))
        self.assertNotEqual(twin, amy)

    def test_consents_are_renewed_and_expired_ones_purged_with_proof(self):
        amy = self.enroll(self.of("amy", 1, 2, 3))
        self.gallery("consent", amy, "--no-expiry")
        self.assertNotIn("expires", self.people()[0]["consent"])
        self.assertIn("is over", self.words("consent", amy, "--consent-expires", "2020-01-01", expect=2))
        self.gallery("consent", amy, "--consent-text", "2027-01", "--consent-by", "nurse-wu", "--consent-expires", "2098-01-01")
        self.assertEqual(self.people()[0]["consent"]["text_version"], "2027-01")
        self.assertIn("no consent is over", self.words("purge"))
        self.assertEqual(len(self.people()), 1)
        history = json.loads(self.gallery("show", amy, "--json").stdout)["history"]
        self.assertEqual([change["what"] for change in history], ["enrolled", "consent_changed", "consent_changed"])

    def test_calibration_needs_people_and_states_its_error(self):
        for who in ("amy", "raj"):
            self.enroll(self.of(who, 1, 2, 3, 4, 5), name=who)
        self.assertIn("7 people with 5 templates", self.words("calibrate", "--facility", "station-a", expect=2))
        for who in ("bernadette", "howard", "leonard", "penny", "sheldon", "stuart"):
            self.enroll(self.of(who, 1, 2, 3, 4, 5), name=who, options=("--although-alike",))
        made = json.loads(self.gallery("calibrate", "--facility", "station-a", "--false-match-rate", "1e-3", "--json").stdout)
        self.assertGreaterEqual(made["comparisons"], 200)
        self.assertTrue(0.65 < made["threshold"] < 0.9, made)
        self.assertTrue(made["extrapolated"])
        self.assertLess(made["interval_95"][0], 1e-3)
        self.assertGreater(made["interval_95"][1], 1e-3)
        self.assertIn("calibrated", self.words("list"))

    def test_an_export_moves_people_and_only_with_its_passphrase(self):
        amy = self.enroll(self.of("amy", 1, 2, 3))
        out = self.folder / "out.kanhu"
        self.gallery("export", "--facility", "station-a", "--to", out, stdin="a long passphrase\n")
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o600)
        self.assertNotIn(NAME.encode(), out.read_bytes())
        self.assertIn("passphrase", self.words("import", "--facility", "station-b", out, expect=69, stdin="another passphrase\n"))
        self.gallery("export", "--facility", "station-a", "--to", out, stdin="a long passphrase\n", expect=2)
        self.gallery("import", "--facility", "station-b", out, stdin="a long passphrase\n")
        self.assertEqual({person["facility"] for person in self.people()}, {"station-a", "station-b"})
        self.gallery("withdraw", amy, "--by", "the person")
        said = self.words("import", "--facility", "station-b", out, stdin="a long passphrase\n")
        self.assertIn("1 who withdrew since", said)
        # Nor at a facility that never had the person, nor from there back.
        self.assertIn("1 who withdrew since", self.words("import", "--facility", "station-a", out, stdin="a long passphrase\n"))
        self.assertEqual(self.people(), [])

    def test_a_gallery_that_is_damaged_or_of_another_key_is_refused_and_left_alone(self):
        amy = self.enroll(self.of("amy", 1, 2, 3))
        file, key = self.galleries / "station-a.gallery", self.folder / "secrets/gallery-key"
        good, good_key = file.read_bytes(), key.read_bytes()
        for bad, word in ((good[:len(good) // 2], "its header says"), (good[:-20] + b"x" + good[-19:], "damaged or changed"), (b"x" * 5000, "no gallery")):
            file.write_bytes(bad)
            for command in (["show", amy], ["consent", amy, "--no-expiry"], ["calibrate", "--facility", "station-a"]):
                self.assertIn(word, self.words(*command, expect=1))
            self.assertEqual(file.read_bytes(), bad)
        file.write_bytes(good)
        key.write_text("0" * 64)
        self.assertIn("another key", self.words("consent", amy, "--no-expiry", expect=69))
        self.assertEqual(file.read_bytes(), good)
        key.write_bytes(good_key)
        self.gallery("consent", amy, "--no-expiry")
        # A copy under another facility's name is found by who looks for what is left.
        (self.galleries / "station-b.gallery").write_bytes(file.read_bytes())
        (self.galleries / "old.backup").write_bytes(file.read_bytes())
        said = self.words("withdraw", amy, "--by", "the person", expect=1)
        self.assertIn("station-b.gallery", said)
        self.assertIn("old.backup", said)
        self.assertIn("not proven", said)

    def test_two_at_once_lose_nothing(self):
        threads = [threading.Thread(target=self.enroll, args=(self.of(who, 1, 2, 3),), kwargs={"name": who}) for who in ("amy", "raj", "penny")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({person["name"] for person in self.people()}, {"amy", "raj", "penny"})

    def test_names_are_on_no_command_line(self):
        child = subprocess.Popen([KANHU, "gallery", "enroll", "-c", self.config, "--facility", "station-a", *AGREED, *SMALL, *self.of("amy", 1, 2, 3)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=self.folder)
        self.assertNotIn(NAME.encode(), pathlib.Path(f"/proc/{child.pid}/cmdline").read_bytes())
        out, err = child.communicate((NAME + "\n").encode(), timeout=120 * PATIENCE)
        self.assertEqual(child.returncode, 0, err)
        self.assertNotIn(NAME.encode(), out + err)


if __name__ == "__main__":
    main()
