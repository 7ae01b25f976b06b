"""Generated columns and check constraints in the metadata of a Delta table. Pure: metadata as JSON in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import GenerationError
from ..spec.form import TableRules

Json = dict[str, Any]

CONSTRAINT, GENERATED = "delta.constraints.", "delta.generationExpression"
OURS = "synthohive_spark.rules"  # the table property that tells which rules a run has given the table: others are somebody else's, and stay
_FEATURES = {"generated": "generatedColumns", "checks": "checkConstraints"}


def rules_in(metadata: Json) -> TableRules:
    """Those of a table."""
    columns = json.loads(metadata["schemaString"])["fields"]
    generated = {column["name"]: column["metadata"][GENERATED] for column in columns if GENERATED in column.get("metadata", {})}
    return TableRules(generated=generated, checks=_checks(metadata.get("configuration") or {}))


def foreign_checks(configuration: Mapping[str, str]) -> dict[str, str]:
    """The check constraints in the properties of a table that no run has given it."""
    ours = given_rules(configuration).checks
    return {name: text for name, text in _checks(configuration).items() if ours.get(name) != text}


def given_rules(configuration: Mapping[str, str]) -> TableRules:
    """The rules that a run has given a table, by its properties."""
    try:
        return TableRules.model_validate_json(configuration.get(OURS, "{}"))
    except ValueError:  # somebody has changed the property
        return TableRules()


def has_rules(configuration: Mapping[str, str], rules: TableRules) -> bool:
    """Whether a table has these rules of ours and no others, by its properties: somebody can have dropped, or changed, a check constraint of ours."""
    checks = _checks(configuration)
    return given_rules(configuration) == rules and all(checks.get(name) == text for name, text in rules.checks.items())


def with_generated(schema: Json, rules: TableRules) -> Json:
    """A clean schema with the expressions of its columns."""
    fields = [
        {**column, "metadata": {**column["metadata"], GENERATED: rules.generated[column["name"]]}} if column["name"] in rules.generated else column
        for column in schema["fields"]
    ]
    return {**schema, "fields": fields}


def configured(configuration: Mapping[str, str], rules: TableRules) -> dict[str, str]:
    """The properties of a table with new rules of ours in the place of the old ones.

    Raises:
        GenerationError: somebody else has given the table a check constraint with the name of one of ours and other text.
    """
    foreign = foreign_checks(configuration)
    ours = {name.casefold(): text for name, text in rules.checks.items()}
    taken = sorted(name for name, text in foreign.items() if ours.get(name.casefold(), text) != text)
    if taken:
        raise GenerationError(
            f"the table has check constraints of somebody else under names of the real table's, with other text ({', '.join(map(repr, taken))}); "
            "drop them, or choose another output"
        )
    kept = {key: value for key, value in configuration.items() if key != OURS and not key.startswith(CONSTRAINT)}
    told = {OURS: rules.model_dump_json()} if rules else {}
    return {**kept, **{CONSTRAINT + name: text for name, text in {**foreign, **rules.checks}.items()}, **told}


def rule_features(rules: TableRules) -> frozenset[str]:
    """The features that writers need for them; readers need none."""
    return frozenset(feature for kind, feature in _FEATURES.items() if getattr(rules, kind))


def _checks(configuration: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(CONSTRAINT): configuration[key] for key in sorted(configuration) if key.startswith(CONSTRAINT)}
