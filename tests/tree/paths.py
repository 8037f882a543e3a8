# SPDX-License-Identifier: MIT
"""README's map of the tree against the real folders, and every path that a text names against the real files."""
import glob
import os
import re

import tree

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\s]+)`")
MENTION = re.compile(r"(?<![\w./-])(docs/[\w./-]+\.(?:md|json))\b")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
MAP_LINE = re.compile(r"^( *)([\w.-]+/)(?:  +\S.*)$")
# Made by building or running, so not in the tree.
MADE = ("build/", "run/")


def top_folders(listed):
    return {path.split("/")[0] for path in listed if "/" in path}


def map_problems(readme, listed):
    """Every folder at the top and below pipelines/ stands in the map, with a word on it; everything in the map exists."""
    real = {f + "/" for f in top_folders(listed) if not f.startswith(".")}
    real |= {"/".join(path.split("/")[:2]) + "/" for path in listed if path.startswith("pipelines/") and path.count("/") > 1}
    folders = {path[: at + 1] for path in listed for at in range(len(path)) if path[at] == "/"}
    blocks = [block for block in FENCE.findall(readme) if re.search(r"^base/ ", block, re.M)]
    if len(blocks) != 1:
        return [f"README.md: {len(blocks)} maps of the tree (a fenced block with a line 'base/  what it is'), expected one"]
    named, above = set(), []
    for line in blocks[0].split("\n"):
        match = MAP_LINE.match(line)
        if not match:
            continue
        depth, name = len(match.group(1)), match.group(2)
        above = [(d, n) for d, n in above if d < depth] + [(depth, name)]
        named.add("".join(n for _, n in above))
    return ([f"README.md: the map lacks {path}" for path in sorted(real - named)] +
            [f"README.md: the map has {path}, the tree has not" for path in sorted(named - folders)])


def looks_like_path(text, tops):
    """A name in code font that can only mean a file of ours: below a top folder."""
    return text.split("/")[0] in tops and "/" in text and not re.search(r"[<>$|=:(),;]|\.\.\.", text)


def path_problems(path, text, tops, exists):
    """exists(name) says whether a path or pattern from the root is there."""
    names = []  # (name, position)
    if path.endswith(".md"):
        names += [(m.group(1).split("#")[0], m.start()) for m in LINK.finditer(text) if not re.match(r"[a-z]+:|#", m.group(1))]
        names += [(m.group(1), m.start()) for m in CODE.finditer(text) if looks_like_path(m.group(1), tops)]
    names += [(m.group(1), m.start()) for m in MENTION.finditer(text)]
    found = []
    for name, at in names:
        from_here = os.path.normpath(os.path.join(os.path.dirname(path), name))
        variants = [re.sub(r"\{[^}]*\}", "*", n) for n in (name, from_here)]
        variants += [n + ".hpp" for n in variants]  # a header and its source are named together without ending
        if not name.startswith(MADE) and not any(exists(n) for n in variants):
            found.append(f"{path}:{text.count(chr(10), 0, at) + 1}: {name} is not there")
    return sorted(set(found))


def main():
    listed = tree.files("")
    tops = top_folders(listed)
    exists = lambda name: bool(glob.glob(os.path.join(tree.ROOT, name)))
    texts = [f for f in listed if f.endswith((".md", ".cpp", ".hpp", ".yaml", ".json", ".txt", ".service", ".py", ".in")) or f == "Makefile"]
    problems = [p for path in texts if path != "tests/tree/checks_test.py" for p in path_problems(path, tree.read(path), tops, exists)]
    if "README.md" in listed:
        problems += map_problems(tree.read("README.md"), listed)
    else:
        problems.append("README.md is not there")
    tree.finish(problems, len(texts))


if __name__ == "__main__":
    main()
