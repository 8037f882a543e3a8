# SPDX-License-Identifier: MIT
"""How many files an addition touches (CONTRIBUTING.md, Recipes): counted at one that is there, by the files that name it."""
import re

import tree

# What tells of the past or is made by a command is not touched by hand.
NOT_COUNTED = ("CHANGELOG.md", "docs/benchmarks.md", "docs/configuration.md", "docs/design/", "docs/kanhu.schema.json", "docs/roadmap.md")
# Title in CONTRIBUTING.md, files at most, what names the one that is there, its files, the code that uses it. Other tests may speak of it.
RECIPES = (
    ("A detector", 6, r"yunet",
     ("config/detectors.def", "config/kanhu.example.yaml", "models/faces/yunet.cpp", "models/faces/yunet.hpp", "models/manifest.json",
      "tests/unit/models/faces/faces_test.cpp"), ()),
    ("An event type", 6, r"ir\.degraded",
     ("docs/event.schema.json", "docs/events.md", "docs/infrared.md", "pipelines/rules/event_types.hpp", "pipelines/rules/infrared.cpp",
      "tests/unit/pipelines/rules/infrared_test.cpp"), ()),
    ("A sub-command", 3, r"\(simulate\)|\bsimulate\.cpp\b|\badd_simulate\b",
     ("daemon/CMakeLists.txt", "daemon/commands/commands.def", "daemon/commands/simulate.cpp"), ()),
    ("A configuration key", 3, r"\bdark_below\b", ("config/config.hpp", "config/kanhu.example.yaml", "config/table/keys.cpp"),
     ("pipelines/analyze/picture_watch.cpp",)),
)


def counted(path):
    return not path.startswith(NOT_COUNTED) and path != "tests/tree/recipes.py"


def problems_of(recipes, texts, page):
    found = []
    for title, most, pattern, listed, users in recipes:
        naming = {path for path, text in texts.items() if counted(path) and re.search(pattern, text, re.I)}
        product = {path for path in naming if not path.startswith("tests/")}
        found += [f"{path}: names {pattern}, and the recipe '{title}' does not list it" for path in sorted(product - set(listed) - set(users))]
        found += [f"{path}: the recipe '{title}' lists it, and it does not name {pattern}" for path in sorted(set(listed) - naming)]
        if len(listed) > most:
            found.append(f"recipe '{title}': {len(listed)} files, more than {most}")
        if f"### {title}\n" not in page:
            found.append(f"CONTRIBUTING.md: has no recipe '### {title}'")
    return found


def main():
    texts = {path: tree.read(path) for path in tree.files(".cpp", ".hpp", ".def", ".json", ".yaml", ".md", ".py", ".txt")}
    tree.finish(problems_of(RECIPES, texts, texts["CONTRIBUTING.md"]), len(RECIPES))


if __name__ == "__main__":
    main()
