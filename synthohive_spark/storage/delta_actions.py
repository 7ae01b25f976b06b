"""The actions of the commits that we write: all rows of a table replaced, or an older version brought back."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from ..spec.form import TableRules
from .delta_log import Action, TableState
from .delta_protocol import (
    MAPPING,
    MAPPING_LAST,
    MAPPING_MODE,
    Json,
    clean_schema,
    keeps_form,
    mapped_schema,
    named_as_in_files,
    needed_features,
    protocol_for,
    raised_protocol,
    schema_of,
)
from .delta_rules import configured, has_rules, rule_features, rules_in, with_generated
from .footers import StagedFile
from .manifest import package_version

MARK = "synthohive_spark.run"  # the table property of tables that we wrote; without it a table is somebody else's
_ENGINE = "synthohive_spark/"


def replace_rows(
    state: TableState | None,
    *,
    columns: Json,
    files: Iterable[StagedFile],
    folder: str,
    run: str,
    notes: Mapping[str, object],
    partitions: Sequence[str] = (),
    comment: str | None = None,
    rules: TableRules | None = None,
    marks: Mapping[str, str] | None = None,
) -> list[Action]:
    """Replace all rows of a table, or make it.

    Args:
        state: the table now, with its files; None for a new one.
        columns: Spark's JSON of the new schema; its types must be known (`needed_features`).
        files: the new rows.
        folder: where they lie, relative to the table.
        run: the run's id.
        notes: what goes into the commit's `userMetadata`.
        partitions: columns by whose values the files are apart.
        comment: on the table; None leaves what it has.
        rules: that the new rows keep, in the place of those of an earlier run.
        marks: properties that tell what the rows are.
    """
    rules, marks = rules or TableRules(), dict(marks or {})
    files = [f for f in files if f.rows]
    features = (needed_features(columns) or frozenset()) | rule_features(rules)
    actions: list[Action] = [_commit_info(state, files, run, "Overwrite", notes, partitions)]
    if state is None:
        actions += [{"protocol": protocol_for(features)}, {"metaData": _new_metadata(columns, {MARK: run, **marks}, partitions, comment, rules)}]
    else:
        protocol = raised_protocol(state.protocol, features)
        actions += [{"protocol": protocol}] if protocol else []
        now = schema_of(state.metadata)
        apart = list(state.metadata.get("partitionColumns") or ()) == list(partitions)
        said = comment is None or state.metadata.get("description") == comment
        ruled = rules_in(state.metadata).generated == rules.generated and has_rules(state.configuration, rules)
        if not (apart and said and ruled and keeps_form(now, columns) and named_as_in_files(now)):
            actions.append({"metaData": _changed_metadata(state.metadata, columns, {MARK: run, **marks}, partitions, comment, rules)})
        elif not marks.items() <= state.configuration.items():
            actions.append({"metaData": {**state.metadata, "configuration": {**state.configuration, **marks}}})
        actions += [_remove(add) for add in state.files.values()]
    return actions + [_add(f, folder) for f in files]


def restore(now: TableState, then: TableState, *, run: str) -> list[Action]:
    """Bring back the rows and the schema of an older version, as one commit on top."""
    actions = [_commit_info(now, [], run, "Restore", {"run": run, "restored": then.version}, then.metadata.get("partitionColumns") or ())]
    if now.metadata != then.metadata:
        actions.append({"metaData": _restored(now, then)})
    actions += [_remove(add) for path, add in now.files.items() if path not in then.files]
    return actions + [{"add": {**add, "dataChange": True}} for path, add in then.files.items() if path not in now.files]


def render(actions: Iterable[Action]) -> bytes:
    """The bytes of a commit."""
    return "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions).encode()


def run_of(actions: Iterable[Action]) -> str | None:
    """The run that wrote a commit; None where it was none of ours."""
    for action in actions:
        if "commitInfo" in action:
            info = action["commitInfo"]
            return str(info.get("txnId")) if str(info.get("engineInfo", "")).startswith(_ENGINE) else None
    return None


def _now() -> int:
    return time.time_ns() // 1_000_000


def _commit_info(state: TableState | None, files: list[StagedFile], run: str, mode: str, notes: Mapping[str, object], partitions: Sequence[str]) -> Action:
    metrics = {"numFiles": len(files), "numOutputRows": sum(f.rows for f in files), "numOutputBytes": sum(f.size for f in files)}
    info = {
        "timestamp": _now(),
        "operation": "WRITE",
        "operationParameters": {"mode": mode, "partitionBy": json.dumps(list(partitions))},
        **({} if state is None else {"readVersion": state.version}),
        "isolationLevel": "Serializable",
        "isBlindAppend": False,
        "operationMetrics": {name: str(value) for name, value in metrics.items()},
        "engineInfo": _ENGINE + package_version(),
        "txnId": run,
        "userMetadata": json.dumps(notes),
    }
    return {"commitInfo": info}


def _new_metadata(columns: Json, properties: Mapping[str, str], partitions: Sequence[str], comment: str | None, rules: TableRules) -> Action:
    return {
        "id": str(uuid.uuid4()),
        **({} if comment is None else {"description": comment}),
        "format": {"provider": "parquet", "options": {}},
        "partitionColumns": list(partitions),
        "createdTime": _now(),
        **_described(columns, dict(properties), rules),
    }


def _changed_metadata(
    metadata: Action, columns: Json, properties: Mapping[str, str], partitions: Sequence[str], comment: str | None, rules: TableRules
) -> Action:
    said = {} if comment is None else {"description": comment}
    return {**metadata, **said, "partitionColumns": list(partitions), **_described(columns, {**(metadata.get("configuration") or {}), **properties}, rules)}


def _restored(now: TableState, then: TableState) -> Action:
    """The metadata of an older version. Column mapping that came since stays: the greatest number of a column must never shrink, nor be lost."""
    had, has = then.configuration, now.configuration
    if has.get(MAPPING_MODE, "none") == "none" and MAPPING_LAST not in has:
        return then.metadata
    last = max(int(had.get(MAPPING_LAST, 0)), int(has.get(MAPPING_LAST, 0)))
    if had.get(MAPPING_MODE, "none") != "none":
        return {**then.metadata, "configuration": {**had, MAPPING_LAST: str(last)}}
    schema, numbers = mapped_schema(schema_of(then.metadata))
    configuration = {**had, MAPPING_MODE: "name", MAPPING_LAST: str(max(last, numbers))}
    return {**then.metadata, "schemaString": json.dumps(schema), "configuration": configuration}


def _described(columns: Json, configuration: dict[str, str], rules: TableRules) -> Action:
    """The schema and the properties; a table that has column mapping keeps it."""
    configuration = configured(configuration, rules)
    if MAPPING not in (needed_features(columns) or ()) and configuration.get(MAPPING_MODE, "none") == "none":
        return {"schemaString": json.dumps(with_generated(clean_schema(columns), rules)), "configuration": configuration}
    schema, last = mapped_schema(columns)
    last = max(last, int(configuration.get(MAPPING_LAST, 0)))  # readers refuse a table whose greatest number has shrunk
    return {"schemaString": json.dumps(with_generated(schema, rules)), "configuration": {**configuration, MAPPING_MODE: "name", MAPPING_LAST: str(last)}}


def _remove(add: Action) -> Action:
    # The path as it stands in the log: readers compare the text.
    known = {key: add[key] for key in ("partitionValues", "size") if key in add}
    return {"remove": {"path": add["path"], "deletionTimestamp": _now(), "dataChange": True, "extendedFileMetadata": True, **known}}


def _add(file: StagedFile, folder: str) -> Action:
    path = quote(f"{folder}/{file.path}", safe="/=")
    return {
        "add": {
            "path": path,
            # By the names that the columns have in the files, which `_described` makes the same.
            "partitionValues": file.partition,
            "size": file.size,
            "modificationTime": _now(),
            "dataChange": True,
            "stats": file.stats,
        },
    }
