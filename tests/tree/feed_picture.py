# SPDX-License-Identifier: MIT
"""docs/feed.svg, the picture of README.md, is what docs/make-feed-svg makes of docs/feed.txt."""
import os
import subprocess
import sys

import tree


def main():
    made = subprocess.run([sys.executable, os.path.join(tree.ROOT, "docs/make-feed-svg"), "--print"], check=True, capture_output=True, text=True).stdout
    found = [] if made == tree.read("docs/feed.svg") else ["docs/feed.svg: is not what docs/make-feed-svg makes of docs/feed.txt; run it"]
    if "docs/feed.svg" not in tree.read("README.md"):
        found.append("README.md: does not show docs/feed.svg")
    tree.finish(found, 2)


if __name__ == "__main__":
    main()
