# SPDX-License-Identifier: MIT
"""Validates every event and state the rules can make against docs/*.schema.json.

usage: schema_test.py <test program> <docs folder> <scratch folder>
"""
import json
import os
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

program, docs, scratch = sys.argv[1:4]
os.makedirs(scratch, exist_ok=True)
case = "a corpus of events and states is written for the schema test"
subprocess.run([program, case], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "KANHU_EVENT_CORPUS": scratch})

failures = 0
for kind in ("event", "state"):
    with open(os.path.join(docs, kind + ".schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    count, types = 0, set()
    with open(os.path.join(scratch, kind + "s.jsonl"), encoding="utf-8") as file:
        for line in file:
            value = json.loads(line)
            count += 1
            types.add(value.get("type"))
            for error in validator.iter_errors(value):
                failures += 1
                if failures <= 20:
                    print(f"{kind} {count} at {list(error.absolute_path)}: {error.message[:300]}\n  {line[:400]}")
    print(f"{kind}: {count} checked, {len(types)} types")
    if kind == "event":
        said = {t.removeprefix("kanhu.") for t in types}
        known = {t.removeprefix("kanhu.") for t in schema["properties"]["type"]["enum"]}
        for missing in sorted(known - said):
            print(f"the corpus has no {missing}: it proves nothing about it")
            failures += 1
        # A schema that accepts anything would prove nothing either.
        for spoil in ({"time": "yesterday"}, {"type": "kanhu.nonsense"}, {"subject": "short"}, {"data": {}}):
            if validator.is_valid({**value, **spoil}):
                print(f"the schema accepts {spoil}")
                failures += 1
sys.exit(1 if failures else 0)
