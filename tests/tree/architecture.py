# SPDX-License-Identifier: MIT
"""The table of folders in docs/architecture.md says what includes.py allows, for every folder."""
import re

import includes
import tree

PAGE = "docs/architecture.md"
WORDS = "pipelines"  # the page calls pipelines/*.hpp the words the stages share
ROW = re.compile(r"^\| `([a-z/]+?)/(?:\*\.hpp)?` \| .* \| ([^|]+) \|$", re.M)


def allowed_of(cell, folders):
    if cell == "nothing of ours":
        return set()
    if cell.startswith("everything but "):
        return folders - set(cell.removeprefix("everything but ").split(", "))
    return {WORDS if name == "words" else f"pipelines/{name}" if f"pipelines/{name}" in folders else name for name in cell.split(", ")}


def problems_of(page, table):
    folders = set(table)
    told = {folder: allowed_of(cell.strip(), folders) - {folder} for folder, cell in ROW.findall(page.split("`daemon/` has a folder")[0])}
    found = [f"{PAGE}: {folder}/ has no row" for folder in sorted(folders - set(told))]
    found += [f"{PAGE}: {folder}/ is no folder of tests/tree/includes.py" for folder in sorted(set(told) - folders)]
    for folder in sorted(folders & set(told)):
        for name in sorted(told[folder] ^ table[folder]):
            where = "the page only" if name in told[folder] else "tests/tree/includes.py only"
            found.append(f"{PAGE}: {folder}/ may include {name}/: by {where}")
    return found


def main():
    tree.finish(problems_of(tree.read(PAGE), includes.ALLOWED), len(includes.ALLOWED))


if __name__ == "__main__":
    main()
