# SPDX-License-Identifier: MIT
"""docs/kanhu.schema.json is up to date, and every config/*.yaml is valid by it.

usage: config_schema.py <program that prints it> [--write]
"""
import json
import os
import subprocess
import sys

import tree

SCHEMA = "docs/kanhu.schema.json"


def loaded(text):
    """The text as the loader and editors read it (YAML 1.2): `on` and `yes` are words."""
    import re
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {first: [(tag, form) for tag, form in rules if tag != "tag:yaml.org,2002:bool"]
                                   for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
    return yaml.load(text, Loader)


def problems_of(schema, path):
    import jsonschema
    return [f"{path}: {'.'.join(map(str, fault.absolute_path))}: {fault.message}"
            for fault in jsonschema.Draft7Validator(schema).iter_errors(loaded(tree.read(path)))]


def main():
    text = subprocess.run([sys.argv[1], "schema"], check=True, capture_output=True, text=True).stdout
    if "--write" in sys.argv:
        with open(os.path.join(tree.ROOT, SCHEMA), "w", encoding="utf-8") as file:
            file.write(text)
    if tree.read(SCHEMA) != text:
        tree.finish([f"{SCHEMA} is out of date: python3 tests/tree/config_schema.py {sys.argv[1]} --write"], 1)
    try:
        import jsonschema  # noqa: F401
        import yaml  # noqa: F401
    except ImportError:
        tree.skip("python3-jsonschema or python3-yaml is not installed")
    paths = [path for path in tree.files(".yaml") if path.startswith("config/")]
    tree.finish([fault for path in paths for fault in problems_of(json.loads(text), path)], len(paths))


if __name__ == "__main__":
    main()
