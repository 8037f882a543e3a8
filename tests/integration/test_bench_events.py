#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`kanhu bench events` at its smallest: every figure that is promised is there, and nothing was lost."""
import json

from harness import Case, main


class EventsBench(Case):
    def test_every_figure_is_printed_and_nothing_is_lost(self):
        found = json.loads(self.kanhu("bench", "events", "--json", "--seconds", "0.5", "--events", "5000", "--kills", "2", "--peer", "none",
                                      "--store-hours", "0.02", "--dir", self.folder).stdout)
        self.assertEqual((found["lost"], found["misordered"]), (0, 0))
        for member in ("accept_per_second", "accept_ratio_to_raw_append", "catch_up_per_second", "event_bytes"):
            self.assertGreater(found[member], 0, member)
        self.assertEqual(found["catch_up"]["scanned"]["events"], 5000)
        self.assertEqual(found["catch_up"]["parsed"]["events"], 5000)
        self.assertEqual(found["store"]["caught_up"]["events"], 3600)
        self.assertEqual(found["kill"]["kills"], 2)
        self.assertGreater(found["kill"]["events"], 0)
        self.assertEqual(set(found["burdens"]), {"stalled", "flooding"})
        self.assertEqual(found["peers"], {})
        self.assertEqual([path.name for path in self.folder.glob("kanhu-bench-events-*")], [])


if __name__ == "__main__":
    main()
