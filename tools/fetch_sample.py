# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch the sample clip: Sports2D's demo video, two people outdoors, from the pinned wheel."""

import argparse
import sys
from pathlib import Path
from typing import Final

from track_spine.tools.pinned_wheel import CACHE, FetchError, Member, PinnedWheel, fetch_members

WHEEL: Final = PinnedWheel(
    requirement="sports2d==0.8.34",
    sha256="733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d",
)
CLIP: Final = Member(
    path="Sports2D/Demo/demo.mp4",
    sha256="d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039",
)


def main() -> int:
    """Run the command line; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, default=CACHE / "sample" / "demo.mp4")
    path = parser.parse_args().path
    try:
        written = fetch_members(WHEEL, {CLIP: path})
    except (FetchError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path} fetched" if written else f"{path} is there already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
