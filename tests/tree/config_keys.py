# SPDX-License-Identifier: MIT
"""Every key the loader knows stands in config/kanhu.example.yaml with a comment, and nothing else stands there.

usage: config_keys.py <program that prints the keys>
"""
import subprocess
import sys

import tree

EXAMPLE = "config/kanhu.example.yaml"


def keys_of(node, prefix=""):
    """(path, line from 0) of every key of a composed YAML document; a list of maps is written name[]."""
    import yaml
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = f"{prefix}.{key.value}" if prefix else key.value
            yield path, key.start_mark.line
            yield from keys_of(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if isinstance(item, yaml.MappingNode):
                yield from keys_of(item, prefix + "[]")


def commented(lines, line):
    """A comment on the line of the key or right above it."""
    above = lines[line - 1].strip() if line else ""
    return " #" in lines[line] or above.startswith("#")


def problems_of(known, text):
    import yaml
    lines = text.split("\n")
    places = {}
    for path, line in keys_of(yaml.compose(text)):
        places.setdefault(path, []).append(line)
    found = [f"{EXAMPLE}: {key} is missing" for key in known if key not in places]
    # A key may stand several times (two cameras); one comment explains it. A group is explained by its keys.
    groups = {key.rsplit(".", 1)[0].removesuffix("[]") for key in known if "." in key}
    found += [f"{EXAMPLE}:{at[0] + 1}: {key} has no comment" for key, at in places.items()
              if key in known and key not in groups and not any(commented(lines, line) for line in at)]
    found += [f"{EXAMPLE}:{at[0] + 1}: {key} is not known to the loader" for key, at in places.items() if key not in known]
    return found


def main():
    try:
        import yaml  # noqa: F401
    except ImportError:
        tree.skip("python3-yaml is not installed")
    known = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout.split()
    tree.finish(problems_of(known, tree.read(EXAMPLE)), len(known))


if __name__ == "__main__":
    main()
