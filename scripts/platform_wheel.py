"""A wheel for platforms that bring Spark and Delta themselves: `platform_wheel.py WHEEL FOLDER` writes a copy that does not ask pip for them.

Where pip puts pyspark of PyPI in the place of a platform's own, sessions break. The copy has the local version `+platform`, so that they are told apart.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import zipfile
from pathlib import Path

BROUGHT = ("pyspark", "delta-spark")
LOCAL = "+platform"
_NEEDED = re.compile(rf"^Requires-Dist: (?:{'|'.join(BROUGHT)})(?![\w.-])(?!.*extra ==).*\n", re.MULTILINE)


def rewritten(wheel: Path, folder: Path) -> Path:
    """The path of the copy.

    Raises:
        ValueError: the file is no wheel of a released version.
    """
    match = re.fullmatch(r"([\w.]+)-([\w.]+)-(.+)\.whl", wheel.name)
    if match is None:
        raise ValueError(f"{wheel.name} is no wheel; build one: make wheel")
    name, version, tags = match.groups()
    before, after = f"{name}-{version}.dist-info", f"{name}-{version}{LOCAL}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}-{version}{LOCAL}-{tags}.whl"
    records = []
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for entry in source.namelist():
            if entry == f"{before}/RECORD":
                continue
            data, place = source.read(entry), entry.replace(f"{before}/", f"{after}/", 1)
            if entry == f"{before}/METADATA":
                data = _without_brought(data.decode(), version).encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append(f"{place},sha256={digest},{len(data)}")
            copy.writestr(place, data)
        copy.writestr(f"{after}/RECORD", "\n".join([*records, f"{after}/RECORD,,", ""]))
    return target


def _without_brought(metadata: str, version: str) -> str:
    head, blank, body = metadata.partition("\n\n")  # what follows is the README
    head = _NEEDED.sub("", head + "\n").rstrip("\n")
    return head.replace(f"\nVersion: {version}\n", f"\nVersion: {version}{LOCAL}\n", 1) + blank + body


def main(arguments: list[str]) -> int:
    """Write the copy; its path goes to stdout, a fault to stderr."""
    try:
        wheel, folder = arguments
        sys.stdout.write(f"{rewritten(Path(wheel), Path(folder))}\n")
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n{__doc__}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
