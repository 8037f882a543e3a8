# SPDX-License-Identifier: MIT
"""The unit's exposure by systemd's own measure, and that systemd understands every line of it."""
import os
import re
import shutil
import subprocess
import tempfile

import tree

UNIT = os.path.join(tree.ROOT, "systemd/kanhu.service")
MOST_EXPOSURE = 12  # tenths: 1.2 of 10


def main():
    if not shutil.which("systemd-analyze"):
        tree.skip("systemd-analyze is not installed")
    problems = []
    score = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSURE}", UNIT],
                           capture_output=True, text=True)
    last = (score.stdout.strip().split("\n") or [""])[-1]
    print(last)
    if score.returncode != 0:
        problems.append(f"exposure above {MOST_EXPOSURE / 10}: {last} {score.stderr.strip()}")
    with tempfile.TemporaryDirectory() as folder:
        # The program need not be installed to check the unit that starts it.
        with open(UNIT, encoding="utf-8") as file:
            text = file.read().replace("ExecStart=/usr/bin/kanhu ", "ExecStart=/bin/true ")
        copy = os.path.join(folder, "kanhu.service")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(text)
        verify = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
        # Without a running systemd it also complains about other units of the machine; ours are the lines that count.
        problems += [line for line in (verify.stdout + verify.stderr).split("\n") if "kanhu" in line]
    # check-config compares what the cameras need with what the unit allows.
    with open(os.path.join(tree.ROOT, "daemon/admin/here.cpp"), encoding="utf-8") as file:
        known = re.search(r"kUnitTasks = (\d+);", file.read()).group(1)
    allowed = re.search(r"^TasksMax=(\d+)$", text, re.M).group(1)
    if known != allowed:
        problems.append(f"daemon/admin/here.cpp: kUnitTasks is {known}, TasksMax= of the unit is {allowed}")
    tree.finish(problems, 3)


if __name__ == "__main__":
    main()
