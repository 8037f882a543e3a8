# SPDX-License-Identifier: MIT
"""A folder holds few enough units to be read at a glance; no file includes itself by a round about way, and no stage another that needs it."""
import collections
import os

import includes
import tree

MOST_UNITS = 22  # a unit: a header, its source, or both


def crowded(paths):
    units = collections.defaultdict(set)
    for path in paths:
        if includes.folder_of(path) in includes.ALLOWED:
            units[os.path.dirname(path)].add(os.path.splitext(os.path.basename(path))[0])
    return [f"{folder}/ has {len(names)} units, more than {MOST_UNITS}: divide it by responsibility"
            for folder, names in sorted(units.items()) if len(names) > MOST_UNITS]


def cycle_in(graph):
    """The nodes of one cycle in the order of its edges, or nothing. `graph`: node to the set of those it needs."""
    done, way = set(), []

    def visit(node):
        if node in way:
            return way[way.index(node):] + [node]
        if node in done:
            return []
        way.append(node)
        for needed in sorted(graph.get(node, ())):
            found = visit(needed)
            if found:
                return found
        way.pop()
        done.add(node)
        return []

    for node in sorted(graph):
        found = visit(node)
        if found:
            return found
    return []


def main():
    sources = tree.files(".cpp", ".hpp")
    graph = {path: {match[1] for match in includes.INCLUDE.findall(tree.read(path)) if match[0] == '"'} for path in sources}
    found = crowded(sources)
    for what, each in (("files", graph), ("folders", includes.ALLOWED)):
        round_about = cycle_in(each)
        if round_about:
            found.append(f"{what} that need each other: {' -> '.join(round_about)}")
    tree.finish(found, len(sources))


if __name__ == "__main__":
    main()
