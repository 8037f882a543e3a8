# SPDX-License-Identifier: MIT
"""The form of JSON in which bytes can be compared."""
import json
import math


def canonical(value):
    """RFC 8785 for what events hold: members by UTF-16 code units, numbers as ECMAScript prints them."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("not a number")
        return str(int(value)) if value == int(value) and abs(value) < 1e21 else repr(value)
    return json.dumps(value, ensure_ascii=False)
