# SPDX-License-Identifier: MIT
"""Who may include whom. A folder that is not in the table may include nothing: a new folder is a decision, written here."""
import os
import re

import tree

# Our folders: what each may include besides itself. `pipelines` alone is the vocabulary: pipelines/*.hpp.
STAGE = {"base", "config", "media", "pipelines"}
ALLOWED = {
    "base": set(),
    "media": {"base"},
    "pipelines": {"base", "media"},
    "config": {"base", "media"},
    "gallery": {"base", "media"},
    "models": {"base", "config", "media"},
    "evidence": {"base"},
    "bench": {"base", "clients", "config", "gallery", "media", "models", "pipelines", "pipelines/journal", "pipelines/publish", "pipelines/rules"},
    "clients": set(),  # to be copied: nothing of ours
    "pipelines/ingest": STAGE,
    "pipelines/analyze": STAGE | {"models"},
    "pipelines/rules": STAGE,
    "pipelines/journal": STAGE,
    "pipelines/publish": STAGE | {"pipelines/journal"},
    "pipelines/record": STAGE,
    "pipelines/relay": STAGE,
    "pipelines/identify": STAGE | {"gallery"},
    "pipelines/sense": STAGE,
    "daemon": {"base", "bench", "config", "evidence", "gallery", "media", "models", "pipelines", "pipelines/ingest", "pipelines/analyze", "pipelines/identify",
               "pipelines/rules", "pipelines/journal", "pipelines/publish", "pipelines/record", "pipelines/relay", "pipelines/sense"},
}

# Third-party headers by their first part: where each may stand. The tests may use what they test with.
LIBRARIES = {
    "fmt": set(ALLOWED) - {"clients"},
    "nlohmann": {"base", "clients"},
    "tl": {"base"},
    "spdlog": {"base"},
    "sodium.h": {"base", "gallery"},
    "openssl": {"base"},
    "systemd/sd-journal.h": {"base"},
    "yaml-cpp": {"config"},
    "opencv2": {"models", "bench"},  # bench: OpenCV's background subtraction is a peer
    "dlib": {"models"},
    "jpeglib.h": {"models"},
    "png.h": {"models"},
    "gst": {"bench", "pipelines/ingest", "pipelines/record"},  # bench: what an encoder does to a picture
    "gio": {"pipelines/ingest"},
    "glib.h": {"pipelines/ingest", "pipelines/record"},
    "zmq.hpp": {"bench", "clients", "pipelines/publish"},  # bench: a subscriber as a user would write it
    "sqlite3.h": {"pipelines/journal"},
    "mosquitto.h": {"pipelines/sense"},
    "mqtt_protocol.h": {"pipelines/sense"},
    "systemd/sd-daemon.h": {"daemon"},
    "microhttpd.h": {"daemon"},
    "seccomp.h": {"daemon"},
    "prometheus": {"daemon"},
    "CLI": {"daemon"},
}

# The C library and the kernel, beside the C++ headers that have no dot in their name.
SYSTEM = re.compile(r"^[a-z_0-9]+$|^(sys|arpa|net|netinet|linux)/[a-z_0-9]+\.h$|"
                    r"^(dirent|dlfcn|fcntl|link|netdb|poll|pthread|pwd|sched|signal|spawn|string|strings|sysexits|syslog|termios|time|unistd|ifaddrs)\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def folder_of(path):
    parts = path.split("/")
    if parts[0] == "pipelines" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0] if len(parts) > 1 else ""


def allowed_in(path, name):
    """Why a third-party header may not stand in this file, or None."""
    for key in (name, name.split("/")[0]):
        if key in LIBRARIES:
            if folder_of(path) in LIBRARIES[key]:
                return None
            return f"<{name}> stands only in {', '.join(sorted(LIBRARIES[key]))}"
    return f"<{name}> is in no list of tests/tree/includes.py"


def problems_of(path, text, exists):
    folder, found = folder_of(path), []
    in_tests = folder == "tests"
    if folder not in ALLOWED and not in_tests:
        return [f"{path}: {folder or 'the root'} is in no list of tests/tree/includes.py"]
    for match in INCLUDE.finditer(text):
        place = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        kind, name = match.groups()
        if kind == "<":
            reason = None if in_tests or SYSTEM.match(name) else allowed_in(path, name)
            if reason:
                found.append(f"{place}: {reason}")
            continue
        target = folder_of(name)
        if name == "models/manifest_text.hpp":  # generated from models/manifest.json
            continue
        if ".." in name.split("/") or not exists(name):
            found.append(f'{place}: "{name}" is no path from the root')
        elif not in_tests and target != folder and target not in ALLOWED[folder]:
            found.append(f'{place}: {folder} may not include "{name}"; only {", ".join(sorted(ALLOWED[folder])) or "itself"}')
    return found


def main():
    sources = tree.files(".cpp", ".hpp")
    exists = lambda name: os.path.isfile(os.path.join(tree.ROOT, name))
    tree.finish([problem for path in sources for problem in problems_of(path, tree.read(path), exists)], len(sources))


if __name__ == "__main__":
    main()
