# SPDX-License-Identifier: MIT
"""What the checks of the tree share: the files, and how a check ends."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(*endings):
    """Files of the project by path from the root; those git does not know yet count, those it ignores do not."""
    try:
        listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT, check=True,
                                capture_output=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # a source archive without .git
        listed = []
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [f for f in folders if f not in ("build", "run", "__pycache__", ".git")]
            listed += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(f for f in set(listed) if f.endswith(endings) and os.path.isfile(os.path.join(ROOT, f)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def finish(problems, checked):
    """Prints every problem and ends the program. A check that looked at nothing has failed too."""
    for problem in problems:
        print(problem)
    print(f"{checked} checked, {len(problems)} wrong")
    sys.exit(1 if problems or not checked else 0)


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)
