"""Tags and properties of tables: what is refused, and the SQL that sets them."""

from __future__ import annotations

import pytest

from synthohive_spark.errors import GenerationError
from synthohive_spark.spec.identifiers import set_properties_sql, set_tags_sql
from synthohive_spark.spec.tags import tag_faults
from synthohive_spark.stages.tags import check_tags, set_tags
from synthohive_spark.storage.targets import Target


class Session:
    """Answers what Unity Catalog would; `refuses` are beginnings of statements that fail."""

    def __init__(self, *refuses: str) -> None:
        self.said: list[str] = []
        self._refuses = refuses

    def sql(self, text: str) -> Session:
        if any(text.startswith(refused) for refused in self._refuses):
            raise RuntimeError("no right")
        self.said.append(text)
        return self

    def collect(self) -> list[object]:
        return []


def test_tags_that_a_table_cannot_have_are_told_all_at_once() -> None:
    assert tag_faults({"synthetic": "true", "cost center": "", "größe": "x" * 1000}) == []
    bad = {"": "a", "a.b": "a", " a": "a", "k" * 256: "a", "ok": "x" * 1001, "n": 1, "line\n": "a"}
    assert len(tag_faults(bad)) == len(bad)
    assert tag_faults({str(i): "x" for i in range(51)}) == ["51 tags, and a table takes 50"]


def test_outputs_and_catalogs_without_tags_are_refused() -> None:
    check_tags(Session("SELECT"), Target.parse("./folder"), {})
    with pytest.raises(GenerationError, match="'a=b'.*a folder has none"):
        check_tags(Session(), Target.parse("./folder"), {"a=b": "c"})
    with pytest.raises(GenerationError, match="no Unity Catalog"):
        check_tags(Session("SELECT current_metastore()"), Target.parse("main.shop"), {"a": "b"})
    check_tags(Session(), Target.parse("main.shop"), {"a": "b"})


def test_tags_are_set_table_by_table_and_a_failure_is_told() -> None:
    session = Session("ALTER TABLE `main`.`shop`.`lines`")
    told = set_tags(session, Target.parse("main.shop"), ["orders", "lines"], {"synthetic": "true", "it's": "$x\\"})
    assert session.said == [r"ALTER TABLE `main`.`shop`.`orders` SET TAGS ('synthetic' = 'true', 'it\'s' = '\u0024x\\')"]
    assert len(told) == 1 and "lines is published without its tags" in told[0] and "APPLY TAG" in told[0]


def test_properties_are_quoted_as_tags_are() -> None:
    assert set_properties_sql("`t`", {"a.b": "c'"}) == r"ALTER TABLE `t` SET TBLPROPERTIES ('a.b' = 'c\'')"
    assert set_tags_sql("`t`", {"a": ""}) == "ALTER TABLE `t` SET TAGS ('a' = '')"
