# SPDX-License-Identifier: MIT
"""The history checker: what every client received, against the journal. Every fault run ends here.

    journal = history.Journal.read(folder)
    report = history.check(journal, [client, ...], closed=True)
    assert not report.violations, report

Written from docs/events.md and docs/journal.md alone; needs nothing but Python. A client's history can be a file of lines, from a client in
any language:  python3 history.py JOURNAL_FOLDER [NAME.jsonl ...]  prints what is wrong and exits 1.

Lines of a history, in the order in which things came:
  {"how":"live"|"fetch","epoch":E,"seq":N,"stream":S,"stream_seq":N,"body":D,"durable":true,"provisional":false}
    D: `digest` of the payload's bytes; a client that does not know them leaves stream_seq and durable null
  {"how":"commit","epoch":E,"seq":N}
  {"how":"head","epoch":E,"stream":S,"stream_seq":N}       "base":true: the first message of the stream, nothing before it is expected
  {"how":"gap","epoch":E,"first":N,"last":N,"reason":R,"streams":{S:{"from":N,"to":N}}}    told by the gateway; `last` 0: nobody knows
  {"how":"missed","epoch":E,"stream":S,"first":N,"last":N}   reckoned by the client from stream_seq and heads, not fetched
  {"how":"missed","epoch":E,"stream":S,"first":N,"before":E2}   the same, when several epochs began in between: perhaps any in front of E2
"""
import collections
import json
import sys
from dataclasses import dataclass, field

from history_journal import ENDLESS, Journal, Violation, digest  # noqa: F401 - digest for those who record

# What the checker can complain about, and what it means.
KINDS = {
    "two_contents": "an id with two contents",
    "two_places": "an id with two streams or stream_seq, or two ids with one (epoch, stream, stream_seq)",
    "journal_skip": "seq skips or runs back within the journal, and nothing explains it",
    "stream_skip": "stream_seq of a facility skips or runs back, and nothing explains it",
    "wrong_previous": "an epoch names other last numbers of the one before than the journal has",
    "second_start": "a subject starts twice",
    "end_without_start": "an update or end of a subject that has not started, or has ended",
    "never_ended": "a subject still open after an orderly end",
    "ends_before_start": "an end with an earlier time than its start",
    "lost": "the journal has it, the client followed the stream, and it was neither received nor named as a gap",
    "not_told": "the journal does not know how many events the end of an epoch had, and the client went on without a word of it",
    "out_of_order": "received behind a later one",
    "not_once": "given twice by a client that promises to give each once",
    "lost_durable": "handed out as durable, and the journal does not have it",
    "unconfirmed": "handed out provisionally or undurable, and neither in the journal nor named as a gap",
    "false_gap": "named as a gap, and the journal has it or the client received it as missing",
    "unnoticed_head": "a head names numbers that were neither received nor noticed as missing",
}


@dataclass
class Client:
    """What one client received. `streams`: the facilities it followed, None: all. `begins`: "oldest", "now" (its first item), or the (epoch, seq) it
    had already. `until`: "end": it was given the time to reach the journal's; "received": no further than it came; or the (epoch, seq) it must have
    reached. `once`: it promises to give each event once, as the clients below clients/ do."""
    name: str
    streams: frozenset = None
    begins: object = "now"
    until: object = "end"
    once: bool = True
    items: list = field(default_factory=list)

    def event(self, epoch, seq, stream, stream_seq, body, how="live", durable=True, provisional=False):
        self.items.append({"how": how, "epoch": epoch, "seq": seq, "stream": stream, "stream_seq": stream_seq, "body": body, "durable": durable,
                           "provisional": provisional})

    def gap(self, epoch, first, last, reason, streams=None):
        self.items.append({"how": "gap", "epoch": epoch, "first": first, "last": last, "reason": reason, "streams": streams or {}})

    def follows(self, stream):
        return self.streams is None or stream in self.streams


@dataclass
class Report:
    violations: list = field(default_factory=list)
    counts: dict = field(default_factory=dict)

    def kinds(self):
        return {violation.kind for violation in self.violations}

    def __str__(self):
        lines = [f"{len(self.violations)} violations; " + ", ".join(f"{name} {count}" for name, count in self.counts.items())]
        lines += [f"  {one.kind} at {one.where}: {KINDS[one.kind]}; {one.detail}" for one in self.violations[:30]]
        return "\n".join(lines + ["  ..."] * (len(self.violations) > 30))


class _Follow:
    """One client against the journal."""

    def __init__(self, journal, client, rewound):
        self.journal, self.client, self.rewound, self.violations = journal, client, rewound, []
        self.got, self.confirmed, self.duplicates = {}, set(), 0
        self.gaps = [item for item in client.items if item["how"] == "gap"]
        self.missed = [item for item in client.items if item["how"] == "missed"]

    def complain(self, kind, epoch, seq, detail=""):
        self.violations.append(Violation(kind, f"{self.client.name}, {epoch}:{seq}", detail))

    def run(self):
        self.receive()
        self.expect()
        self.open_ends()
        self.durability()
        self.false_gaps()
        self.heads()
        return self.violations

    def receive(self):
        """De-duplicates by id, and looks at the order."""
        newest, seen_epochs = None, []
        for item in self.client.items:
            if item["how"] == "commit":
                self.confirmed.add((item["epoch"], item["seq"]))
            if item["how"] not in ("live", "fetch"):
                continue
            key = (item["epoch"], item["seq"])
            if key in self.got:
                self.duplicates += 1
                if self.got[key]["body"] != item["body"]:
                    self.complain("two_contents", *key, "received twice")
                if self.client.once:
                    self.complain("not_once", *key)
                continue
            self.got[key] = item
            if item["epoch"] not in seen_epochs:
                seen_epochs.append(item["epoch"])
            place = (seen_epochs.index(item["epoch"]), item["seq"])
            if newest is not None and place < newest:
                self.complain("out_of_order", *key, f"behind {seen_epochs[newest[0]]}:{newest[1]}")
            newest = max(newest or place, place)
        ranks = [self.journal.rank[epoch] for epoch in seen_epochs if epoch in self.journal.rank]
        if ranks != sorted(ranks):
            self.complain("out_of_order", "epochs", seen_epochs)

    def named(self, epoch, seq, stream, stream_seq):
        """The client was told, or reckoned, that this one is missing."""
        for gap in self.gaps:
            if gap["epoch"] == epoch and gap["first"] <= seq <= gap["last"]:
                return True
            bounds = gap["streams"].get(stream)
            if gap["epoch"] == epoch and bounds and gap["last"] == 0 and bounds["from"] <= stream_seq <= bounds["to"]:
                return True
            if gap["epoch"] == epoch and gap["last"] == 0 and not gap["streams"] and seq >= gap["first"]:
                return True
        return any(self.reckoned(one, epoch, stream, stream_seq) for one in self.missed)

    def reckoned(self, one, epoch, stream, stream_seq):
        if one["stream"] != stream:
            return False
        if "before" not in one:
            return one["epoch"] == epoch and one["first"] <= stream_seq <= one["last"]
        if one["epoch"] == epoch:
            return stream_seq >= one["first"]
        rank = self.journal.rank
        return rank.get(one["epoch"], ENDLESS) < rank.get(epoch, -1) < rank.get(one["before"], -1)

    def expect(self):
        """Everything of its streams from where it began to where it ended."""
        order, place, begins = self.journal.order, self.journal.place, self.client.begins
        bases = {}
        if begins == "oldest":
            first = 0
        elif begins == "now":
            for item in self.client.items:  # of a client that says where each stream began
                if item.get("base"):
                    number = item["stream_seq"] - (0 if item["how"] == "head" else 1)
                    bases.setdefault(item["stream"], (self.journal.rank.get(item["epoch"], -1), number))
            first = 0 if bases else min((place[key] for key in self.got if key in place), default=len(order))
        else:
            first = next((index for index, key in enumerate(order) if (self.journal.rank[key[0]], key[1]) >
                          (self.journal.rank.get(begins[0], -1), begins[1])), len(order))
        last = max((place[key] for key in self.got if key in place), default=-1)
        if self.client.until != "received":
            last = len(order) - 1 if self.client.until == "end" else max(last, place.get(self.client.until, len(order) - 1))
        for key in order[first:last + 1]:
            entry = self.journal.events[key]
            if key in self.got or not self.client.follows(entry.stream):
                continue
            if bases and (entry.stream not in bases or (self.journal.rank[key[0]], entry.stream_seq) <= bases[entry.stream]):
                continue
            if not self.named(*key, entry.stream, entry.stream_seq):
                self.complain("lost", *key, f"{entry.stream} {entry.stream_seq}")

    def open_ends(self):
        """One that fetches and passes the end of an epoch where the journal cannot say how many there were is told so."""
        rank = self.journal.rank
        ranks = [rank[epoch] for epoch, _ in self.got if epoch in rank]
        if not self.client.once or not ranks:
            return
        first = {"oldest": 0, "now": min(ranks)}.get(self.client.begins, rank.get(self.client.begins[0], 0))
        for hole in self.journal.holes:
            if hole.why == "never_durable" and hole.last == ENDLESS and first <= rank[hole.epoch] < max(ranks) and \
                    not any(gap["epoch"] == hole.epoch and gap["last"] == 0 and gap["first"] <= hole.first for gap in self.gaps):
                self.complain("not_told", hole.epoch, hole.first)

    def durability(self):
        oldest = self.journal.order[0] if self.journal.order else None
        for key, item in self.got.items():
            entry = self.journal.events.get(key)
            if entry is not None:
                if entry.body != item["body"]:
                    self.complain("two_contents", *key, "not as in the journal")
                if item["stream"] != entry.stream or item["stream_seq"] not in (None, entry.stream_seq):
                    self.complain("two_places", *key, f"{item['stream']} {item['stream_seq']}, in the journal {entry.stream} {entry.stream_seq}")
                continue
            rank = self.journal.rank.get(key[0])
            durable = item["durable"] and not item["provisional"] or key in self.confirmed
            if self.journal.in_hole(*key, durable) or (oldest and rank is not None and (rank, key[1]) < (self.journal.rank[oldest[0]], oldest[1])):
                continue  # damaged, never written, or dropped since
            named = self.named(*key, item["stream"], item["stream_seq"])
            if durable:
                if not (self.rewound and (named or self.knows_it_gone(key[0]))):
                    self.complain("lost_durable", *key)
            elif not named:
                # One that does not fetch learns it from `previous` in the heads of the next epoch.
                learnt = rank is not None and key[1] > self.journal.ends.get(key[0], ENDLESS)
                if not learnt or (self.client.once and self.client.until != "received"):
                    self.complain("unconfirmed", *key)

    def knows_it_gone(self, epoch):
        """That the journal no longer has this epoch: by fetch, or because a head names another one as the previous."""
        return any(gap["epoch"] == epoch and gap["reason"] == "unknown_epoch" for gap in self.gaps) or \
            any(one["epoch"] == epoch and "before" in one for one in self.missed)

    def false_gaps(self):
        """A gap covers exactly what is missing: nothing that the journal has, and what is reckoned as missed did not come."""
        for gap in self.gaps:
            if gap["reason"] == "unknown_epoch" or (gap["reason"] == "retention" and gap["epoch"] not in self.journal.rank):
                continue
            for seq in range(gap["first"], gap["last"] + 1) if gap["last"] - gap["first"] < 10_000_000 else ():
                entry = self.journal.events.get((gap["epoch"], seq))
                if entry is not None and self.client.follows(entry.stream):
                    self.complain("false_gap", gap["epoch"], seq, f"{gap['reason']} {gap['first']}..{gap['last']}")
            if gap["last"] == 0 and not gap["streams"]:
                for epoch, seq in self.journal.order:
                    if epoch == gap["epoch"] and seq >= gap["first"] and self.client.follows(self.journal.events[epoch, seq].stream):
                        self.complain("false_gap", epoch, seq, f"{gap['reason']} from {gap['first']} on")
            if gap["last"] == 0:
                self._not_there(gap["epoch"], {stream: (bounds["from"], bounds["to"]) for stream, bounds in gap["streams"].items()}, gap["reason"])
        # A client that reckons and fetches later does not miss what it fetched: only what came live was never missing.
        # Across several epochs it cannot know which, so that those are no claim to be held against it.
        exact = collections.defaultdict(list)
        for one in self.missed:
            if "before" not in one:
                exact[one["epoch"], one["stream"]].append((one["first"], one["last"]))
        for key, item in self.got.items() if exact else ():
            if item["how"] == "live" and any(first <= item["stream_seq"] <= last for first, last in exact.get((key[0], item["stream"]), ())):
                self.complain("false_gap", *key, "reckoned as missed, and it came")

    def _not_there(self, epoch, bounds, reason):
        if not bounds:
            return
        for key, entry in self.journal.events.items():
            first, last = bounds.get(entry.stream, (1, 0))
            if key[0] == epoch and first <= entry.stream_seq <= last:
                self.complain("false_gap", *key, reason)

    def heads(self):
        """A head's numbers have come when it does, or come afterwards, or are known to be missing."""
        heads, bases = {}, {}
        for item in self.client.items:
            if item.get("base"):
                bases[item["epoch"], item["stream"]] = item["stream_seq"] - (0 if item["how"] == "head" else 1)
            if item["how"] == "head":
                key = (item["epoch"], item["stream"])
                heads[key] = max(heads.get(key, 0), item["stream_seq"])
        if not heads:
            return
        have = collections.defaultdict(set)
        for (epoch, _), item in self.got.items():
            have[epoch, item["stream"]].add(item["stream_seq"])
        for (epoch, stream), number in heads.items():
            for one in self.missed:
                if one["stream"] == stream:
                    have[epoch, stream].update(at for at in range(1, number + 1) if self.reckoned(one, epoch, stream, at))
            for gap in self.gaps:
                if gap["epoch"] == epoch and stream in gap["streams"]:
                    have[epoch, stream].update(range(gap["streams"][stream]["from"], gap["streams"][stream]["to"] + 1))
            unnoticed = [one for one in range(bases.get((epoch, stream), 0) + 1, number + 1) if one not in have[epoch, stream]]
            if unnoticed:
                self.complain("unnoticed_head", epoch, f"{stream} {unnoticed[0]}..{unnoticed[-1]}", f"{len(unnoticed)} below the head's {number}")


def check(journal, clients, rewound=False):
    """The report; `clients` may be a generator, for one history in memory at a time. `rewound`: an old copy of the journal was restored, so what was durable may be gone, if the client was told."""
    report = Report(list(journal.violations))
    ids, numbers, reasons = {}, {}, collections.Counter()
    for key, entry in journal.events.items():
        ids[key] = entry.body
        _number(report, numbers, key, entry.stream, entry.stream_seq, "journal")
    received = duplicates = told = count = 0
    for count, client in enumerate(clients, 1):
        follow = _Follow(journal, client, rewound)
        report.violations += follow.run()
        for key, item in follow.got.items():
            if ids.setdefault(key, item["body"]) != item["body"] and key not in journal.events:
                report.violations.append(Violation("two_contents", f"{client.name}, {key[0]}:{key[1]}", "other than another client's"))
            _number(report, numbers, key, item["stream"], item["stream_seq"], client.name)
        for item in follow.gaps + follow.missed:
            reasons[item.get("reason", "missed")] += 1
        received, duplicates, told = received + len(follow.got), duplicates + follow.duplicates, told + len(follow.gaps) + len(follow.missed)
    lost = sum(violation.kind in ("lost", "lost_durable", "unconfirmed", "unnoticed_head") for violation in report.violations)
    report.counts = {"epochs": len(journal.epochs), "events": len(journal.events), "clients": count, "received": received,
                     "duplicates": duplicates, "gaps": told, **reasons, "lost": lost}
    return report


def _number(report, numbers, key, stream, stream_seq, where):
    """Of one stream, one number belongs to one id."""
    if stream_seq is None:
        return
    other = numbers.setdefault((key[0], stream, stream_seq), key)
    if other != key:
        report.violations.append(Violation("two_places", f"{where}, {key[0]}:{key[1]}", f"{stream} {stream_seq} belongs to {other[1]}"))


def load(path):
    with open(path, encoding="utf-8") as lines:
        return Client(str(path), items=[json.loads(line) for line in lines if line.strip()], once=False)


def main(arguments):
    if not arguments:
        print(__doc__)
        return 2
    damaged = []
    report = check(Journal.read(arguments[0], damaged=damaged), [load(path) for path in arguments[1:]])
    print("\n".join([str(report), *(f"damaged: {place}" for place in damaged)]))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
