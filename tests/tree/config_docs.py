# SPDX-License-Identifier: MIT
"""The part of docs/configuration.md that is made from the table of keys is up to date.

usage: config_docs.py <program that prints it> [--write]
"""
import os
import subprocess
import sys

import tree

PAGE = "docs/configuration.md"
BEGIN, END = "<!-- every key: made by tests/tree/config_docs.py --write -->\n", "<!-- end of every key -->\n"


def with_tables(page, tables):
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + tables + END + rest.split(END)[1]


def main():
    tables = subprocess.run([sys.argv[1], "docs"], check=True, capture_output=True, text=True).stdout
    page = tree.read(PAGE)
    wanted = with_tables(page, tables)
    if "--write" in sys.argv:
        with open(os.path.join(tree.ROOT, PAGE), "w", encoding="utf-8") as file:
            file.write(wanted)
        page = wanted
    tree.finish([] if page == wanted else [f"{PAGE}: every key is out of date: python3 tests/tree/config_docs.py {sys.argv[1]} --write"],
                tables.count("\n"))


if __name__ == "__main__":
    main()
