# SPDX-License-Identifier: MIT
"""What may not stand in the tree: words that mean unfinished work, and files too long to be read at once."""
import re

import tree

# Each spelled in two pieces, so that this file passes its own check.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK", "stu" "bs?", "not (yet )?imple" "mented")) + r")\b")

MOST_LINES = 400
MOST_HEADER_LINES = 150
# Longer on purpose, with the reason. Everything else is split by responsibility.
LONG = {
    "clients/cpp/kanhu_subscriber.hpp": "one file, to be copied",
    "config/config.hpp": "one tree of plain structs, read as one page",
    "tests/unit/pipelines/rules/rules_bench.hpp": "the bench all tests of the rules stand on",
}


def word_problems(path, text):
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        match = UNFINISHED.search(line)
        if match:
            found.append(f"{path}:{number}: '{match.group(0)}': finish it or leave it out")
        if path.endswith((".cpp", ".hpp")):
            match = re.search(r"\b(class|struct|namespace)\s+\w*?(Man" "ager|Hel" "per|Ut" r"ils?)\b", line)
            if match:
                found.append(f"{path}:{number}: '{match.group(0)}': name what it is")
    return found


# `for (... : f().items())`: the range is a member of what f gave, which is gone by then when f gave a value. These give references.
ITEMS = re.compile(r"\bfor\s*\(.*:.*?(\w+)\((?:[^()]|\([^()]*\))*\)\.items\(\)")
REFERENCES = ("at", "value_in", "member", "member_of", "list_of", "list_in", "part")


def lifetime_problems(path, text):
    found = []
    if not path.endswith((".cpp", ".hpp")):
        return found
    for number, line in enumerate(text.split("\n"), 1):
        match = ITEMS.search(line)
        if match and match.group(1) not in REFERENCES:
            found.append(f"{path}:{number}: items() of what {match.group(1)}() gives, which is gone before the loop begins: name it first")
    return found


def size_problems(path, text):
    lines = text.count("\n") - text.startswith("// SPDX")
    most = MOST_HEADER_LINES if path.endswith(".hpp") else MOST_LINES
    if lines > most and path not in LONG:
        return [f"{path}: {lines} lines, at most {most}: split it by responsibility"]
    if lines <= most and path in LONG:
        return [f"{path}: {lines} lines, no longer an exception: take it out of LONG"]
    return []


def main():
    texts = tree.files(".cpp", ".hpp", ".md", ".py", ".sh", ".txt", ".cmake", ".yaml", ".service", ".json")
    problems = []
    for path in texts:
        text = tree.read(path)
        problems += word_problems(path, text)
        problems += lifetime_problems(path, text)
        if path.endswith((".cpp", ".hpp")):
            problems += size_problems(path, text)
    missing = [path for path in LONG if path not in texts]
    tree.finish(problems + [f"{path}: in LONG but not in the tree" for path in missing], len(texts))


if __name__ == "__main__":
    main()
