# SPDX-License-Identifier: MIT
"""Every source names its licence in its first lines (https://spdx.dev/ids), and the licence stands at the root."""
import os

import tree

LINE = "SPDX-License-Identifier: MIT"
SOURCES = (".cpp", ".hpp", ".py", ".js", ".mjs", ".sh", ".cmake", "CMakeLists.txt")


def problems_of(path, text):
    is_source = path.endswith(SOURCES) or text.startswith("#!")
    return [f"{path}: no '{LINE}' in its first two lines"] if is_source and LINE not in "\n".join(text.split("\n", 2)[:2]) else []


def main():
    found, checked = [], 0
    for path in tree.files(""):
        try:
            text = tree.read(path)
        except UnicodeDecodeError:  # a picture
            continue
        found += problems_of(path, text)
        checked += 1
    if not os.path.isfile(os.path.join(tree.ROOT, "LICENSE")):
        found.append("LICENSE is missing")
    tree.finish(found, checked)


if __name__ == "__main__":
    main()
