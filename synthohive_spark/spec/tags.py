"""Tags of Unity Catalog: which ones it takes, as its documentation says."""

from __future__ import annotations

from collections.abc import Mapping

MOST_TAGS, LONGEST_KEY, LONGEST_VALUE = 50, 255, 1000
NOT_IN_KEYS = ".,-=/:"


def tag_faults(tags: Mapping[str, str]) -> list[str]:
    """Why a table cannot have these tags; empty where it can."""
    faults = [f"{len(tags)} tags, and a table takes {MOST_TAGS}"] if len(tags) > MOST_TAGS else []
    for key, value in tags.items():
        if not isinstance(key, str) or not isinstance(value, str):
            faults.append(f"the tag {key!r:.80}: key and value must be text; put quotes around them")
            continue
        letters = sorted({c for c in key if c in NOT_IN_KEYS or not c.isprintable()})
        if not key or len(key) > LONGEST_KEY or letters or key != key.strip():
            faults.append(f"the tag {key!r:.80}: a key has 1 to {LONGEST_KEY} letters, none of {NOT_IN_KEYS} and no space at its ends")
        if len(value) > LONGEST_VALUE or value != value.strip():
            faults.append(f"the tag {key!r:.80}: a value has at most {LONGEST_VALUE} letters and no space at its ends")
    return faults
