"""Which outputs would take the place of real tables."""

from __future__ import annotations

import pytest

from synthohive_spark.spec.sources import Source, Sources

SOURCES = Sources(tables={"t": Source(roots=("/lake/t", "s3://b/raw/t.csv"), ids=("1-2",)), "u": Source(roots=("/lake/u",)), "none": Source()})


@pytest.mark.parametrize(
    ("location", "delta_id", "met"),
    [
        ("/lake/t", None, ["t"]),
        ("/lake/t/inside", None, ["t"]),
        ("/lake", None, ["t", "u"]),
        ("/", None, ["t", "u"]),
        ("/lake/tt", None, []),
        ("/lake/synthetic/t", None, []),
        ("s3://b/raw/t.csv", None, ["t"]),
        ("s3://b/raw", None, ["t"]),
        ("s3://b/raw/synthetic", None, []),
        ("/moved/t", "1-2", ["t"]),
        ("/moved/t", "1-3", []),
        (None, "1-2", ["t"]),
        (None, None, []),
    ],
)
def test_places_that_meet_a_source(location, delta_id, met):
    assert SOURCES.meeting(location, delta_id) == met


def test_they_come_back_from_json():
    assert Sources.model_validate_json(SOURCES.model_dump_json()) == SOURCES
