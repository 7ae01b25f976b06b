"""Metadata from the DDL of a schema, as databases and modelling tools write it: CREATE TABLE and ALTER TABLE, parsed by sqlglot (the extra `ddl`).

Types, nullability and comments are not carried over: they are read from the data, or by `Database` from the database itself.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ...errors import MissingDependencyError, SchemaError
from .draft import Draft, hint

try:
    import sqlglot
    from sqlglot import exp

    from .partitions import partition_of, whole_table
except ModuleNotFoundError as error:
    if error.name != "sqlglot":
        raise
    raise MissingDependencyError('Metadata.from_ddl needs sqlglot: pip install "synthohive_spark[ddl]"') from None


_BETWEEN = {"OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "EXTERNAL", "UNIQUE", "CONSTRAINT"}  # words before that of what is made
_OF_KEYS = re.compile(r"\b(PRIMARY|FOREIGN|REFERENCES|UNIQUE)\b", re.IGNORECASE)


@dataclass
class _Key:
    columns: list[str]
    parent: str
    parent_columns: list[str]


@dataclass
class _Table:
    columns: list[str] = field(default_factory=list)
    primary: list[str] = field(default_factory=list)
    uniques: list[list[str]] = field(default_factory=list)
    required: set[str] = field(default_factory=set)
    keys: list[_Key] = field(default_factory=list)
    checks: int = 0


def read_ddl(text: str, dialect: str | None) -> Draft:
    """A draft of the metadata.

    Args:
        text: statements, each ended by a semicolon.
        dialect: of sqlglot (`postgres`, `mysql`, `tsql`, `oracle`, `sqlite`, `snowflake`, `databricks`, ...); None for what most have in common.

    Raises:
        SchemaError: the dialect is not known.
    """
    draft, tables = Draft(), dict[str, _Table]()
    homes: dict[str, str] = {}
    partitions: dict[str, str] = {}  # each with its table
    others: Counter[str] = Counter()
    for statement in _statements(text, dialect, draft):
        try:
            _take(statement, tables, homes, partitions, others, draft)
        except (AttributeError, TypeError):  # the parser lets half of a statement pass
            draft.faults.append(f"a statement ({statement.key.upper()}) cannot be read as {dialect or 'SQL'}: is it cut off, or of another dialect?")
    others.pop("", None)
    if others:
        draft.left.append(f"statements that describe no table: {', '.join(f'{n} x {kind}' for kind, n in sorted(others.items()))}")
    if not tables and not draft.faults:
        draft.faults.append("there is no CREATE TABLE with columns in it")
    _without_partitions(tables, partitions, draft)
    for name, read in tables.items():
        draft.tables[name] = _fields(name, read, tables, draft)
    return draft


def _take(statement: exp.Expr, tables: dict[str, _Table], homes: dict[str, str], partitions: dict[str, str], others: Counter[str], draft: Draft) -> None:
    """What one statement says, into `tables`, `partitions` or the count of `others`."""
    if (pair := partition_of(statement)) is not None:
        part = _known(tables, pair[0])
        partitions[part] = pair[1]
        tables.setdefault(part, _Table())  # what comes may say something of it
        homes.setdefault(part, part)
        return
    table = _described(statement)
    if table is None:
        others[_kind(statement, draft)] += 1
        return
    name = _known(tables, table.name)
    if isinstance(statement, exp.Create) and str(statement.kind).upper() == "TABLE":
        if name in tables:
            draft.faults.append(f"the table {name!r} is created twice ({homes[name]} and {table.sql()}); leave one of them out")
            return
        tables[name], homes[name] = _Table(), table.sql()
        _read(statement.this.expressions, tables[name], draft, name)
    elif name not in tables:
        draft.faults.append(f"ALTER TABLE or an index names {name!r}, which no CREATE TABLE before it describes; {hint(name, tables)}")
    else:
        _read(_added(statement), tables[name], draft, name)


def _without_partitions(tables: dict[str, _Table], partitions: dict[str, str], draft: Draft) -> None:
    """Leave the partitions out; keys that lead to one lead to its table."""
    if not partitions:
        return
    wholes = {part: _known(tables, whole) for part, whole in partitions.items()}
    missing = sorted({whole for whole in wholes.values() if whole not in tables})
    draft.faults += [f"partitions of {whole!r}, which no CREATE TABLE describes; {hint(whole, tables)}" for whole in missing]
    for part in wholes:
        del tables[part]
    for table in tables.values():
        for key in table.keys:
            key.parent = whole_table(_known([*tables, *wholes], key.parent), wholes)
    draft.left.append(
        f"{len(wholes)} partitions of {', '.join(sorted({repr(whole_table(part, wholes)) for part in wholes}))}: their rows are those of the table"
    )


def _statements(text: str, dialect: str | None, draft: Draft) -> Iterator[exp.Expr]:
    """All statements that can be parsed; what is wrong with the others goes to the faults."""
    if not isinstance(text, str):
        raise SchemaError(f"DDL is text, not a {type(text).__name__}")
    try:
        chosen = sqlglot.Dialect.get_or_raise(dialect)
    except (ValueError, TypeError):
        raise SchemaError(f"dialect {dialect!r} is not known; there are {', '.join(sorted(d for d in sqlglot.Dialects.__members__.values() if d))}") from None
    try:
        tokens = chosen.tokenize(text)
    except sqlglot.errors.TokenError:
        draft.faults.append(f"the text cannot be read as {dialect or 'SQL'}: a quote or comment does not end, or another dialect is meant")
        return
    tokens = list(_without_only(tokens))
    # With IGNORE the parser goes on behind a fault and keeps it; its own messages would show the text around it, defaults and all.
    parser = chosen.parser(error_level=sqlglot.ErrorLevel.IGNORE)
    with _quiet():
        try:
            parsed = parser.parse(tokens, text)
        except Exception:  # noqa: BLE001 - with IGNORE it goes on with half of a statement, which it is not made for; it fails in any way then
            draft.faults.append(f"the text cannot be read as {dialect or 'SQL'}: a statement is cut off, nested too deeply, or of another dialect")
            return
    for error in parser.errors:
        for told in error.errors:
            draft.faults.append(f"line {told['line']}, column {told['col']}: {told['description']}; is the dialect another one?")
    yield from (statement for statement in parsed if statement is not None)


def _without_only(tokens: Sequence[Any]) -> Iterator[Any]:
    """The tokens without the ONLY of `CREATE INDEX ... ON ONLY table (...)`, of a table with partitions: a form that the parser does not know."""
    for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        is_word = token.text.upper() == "ONLY" and token.token_type != sqlglot.TokenType.IDENTIFIER and after is not None and after.text != "("
        if not (is_word and before is not None and before.text.upper() == "ON"):
            yield token


@contextmanager
def _quiet() -> Iterator[None]:
    """Without sqlglot's warnings, which show the text of statements; what they tell is told in ours."""
    log, refuse = logging.getLogger("sqlglot"), lambda record: False
    log.addFilter(refuse)
    try:
        yield
    finally:
        log.removeFilter(refuse)


def _described(statement: exp.Expr) -> exp.Table | None:
    """The table that a statement says something of."""
    if isinstance(statement, exp.Create):
        if str(statement.kind).upper() == "TABLE" and isinstance(statement.this, exp.Schema):
            return statement.this.this
        if str(statement.kind).upper() == "INDEX" and statement.args.get("unique"):
            return statement.this.args.get("table")
    if isinstance(statement, exp.Alter) and str(statement.args.get("kind")).upper() == "TABLE":
        return statement.this
    return None


def _kind(statement: exp.Expr, draft: Draft) -> str:
    """The words a statement begins with. A table that the parser did not understand is a fault: nothing else would tell that it is missing."""
    if isinstance(statement, exp.Command):
        word, rest = str(statement.this).upper(), str(statement.args.get("expression") or "").split()
        what = next((w.upper() for w in rest if w.upper() not in _BETWEEN), "") if word in ("CREATE", "ALTER", "DROP") else ""
        if what == "TABLE" and (word == "CREATE" or _OF_KEYS.search(" ".join(rest))):
            name = _name_after_table(rest)
            draft.faults.append(f"{word} TABLE {name}: a form that the parser does not know; name the dialect, or write it in a simpler form")
            return ""
        return f"{word} {what}".strip()
    if isinstance(statement, exp.Create):
        kind = str(statement.kind).upper()
        return f"CREATE {kind}" + ("" if kind != "TABLE" else " AS SELECT" if statement.expression else " without columns")
    if isinstance(statement, exp.Semicolon | exp.Column) or statement.key == "endstatement":
        return ""  # what clients understand, not servers
    return statement.key.upper()


def _name_after_table(words: list[str]) -> str:
    """The name alone: what follows it can hold values."""
    after = words[next(i for i, w in enumerate(words) if w.upper() == "TABLE") + 1 :]
    name = next((w for w in after if w.upper() not in ("IF", "NOT", "EXISTS", "ONLY")), "")
    return name.split("(")[0].split("'")[0][:80]


def _added(statement: exp.Expr) -> Iterator[exp.Expr]:
    """What ALTER TABLE adds, or a unique index says."""
    if isinstance(statement, exp.Create):
        params = statement.this.args.get("params")
        columns = [c.name for c in (params.args.get("columns") or ())] if params else []
        plain = columns and not (params and params.args.get("where")) and all(columns)
        if plain:
            yield exp.UniqueColumnConstraint(this=exp.Schema(expressions=[exp.to_identifier(c) for c in columns]))
        return
    for action in statement.args.get("actions") or ():
        yield from action.expressions if isinstance(action, exp.AddConstraint | exp.Schema) else [action]


def _read(parts: Iterable[exp.Expr], table: _Table, draft: Draft, name: str) -> None:
    """Columns and constraints, into `table`."""
    for part in parts:
        if isinstance(part, exp.ColumnDef):
            table.columns.append(part.name)
            for constraint in part.args.get("constraints") or ():
                _constrain(constraint.args.get("kind"), [part.name], table)
        elif isinstance(part, exp.Constraint):
            clustered = [c for c in part.expressions if isinstance(c, exp.ClusteredColumnConstraint | exp.NonClusteredColumnConstraint)]
            ordered = [c.name for c in clustered[0].this] if clustered else []
            for inner in part.expressions:
                _constrain(inner, ordered, table)
        elif isinstance(part, exp.AlterColumn):  # of its type or default, which the data tells
            table.required |= {part.name} if part.args.get("allow_null") is False else set()
        elif isinstance(part, exp.Drop | exp.AlterRename | exp.RenameColumn):
            draft.left.append(f"table {name!r}: ALTER TABLE that drops or renames; write it into the CREATE TABLE")
        else:
            _constrain(part, [], table)


def _constrain(what: exp.Expr | None, own: list[str], table: _Table) -> None:
    """One constraint; `own` are the columns of one that names none."""
    if isinstance(what, exp.PrimaryKey | exp.PrimaryKeyColumnConstraint):
        table.primary = _columns(what) or own
        table.required |= set(table.primary)
    elif isinstance(what, exp.NotNullColumnConstraint) and not what.args.get("allow_null"):
        table.required |= set(own)
    elif isinstance(what, exp.UniqueColumnConstraint):
        table.uniques.append(_columns(what.this) if isinstance(what.this, exp.Schema) else own)
    elif isinstance(what, exp.CheckColumnConstraint):
        table.checks += 1
    elif isinstance(what, exp.ForeignKey | exp.Reference):
        reference = what.args.get("reference") if isinstance(what, exp.ForeignKey) else what
        if isinstance(reference, exp.Reference):
            target = reference.this
            parent = target.this if isinstance(target, exp.Schema) else target
            table.keys.append(_Key((_columns(what) if isinstance(what, exp.ForeignKey) else []) or own, parent.name, _columns(target)))


def _columns(part: Any) -> list[str]:
    return [c.name for c in part.expressions] if isinstance(part, exp.Expr) and not isinstance(part, exp.Table) else []


def _known(tables: Iterable[str], name: str) -> str:
    """The table as it was created: names without quotes differ in capitals only."""
    names = list(tables)
    return name if name in names else next((n for n in names if n.casefold() == name.casefold()), name)


def _fields(name: str, table: _Table, tables: dict[str, _Table], draft: Draft) -> dict[str, Any]:
    where, primary = f"table {name!r}", _spelt(table.primary, table)
    uniques = [_spelt(u, table) for u in table.uniques]
    if not primary:  # a candidate key is as good
        primary = next((u for u in uniques if u and set(u) <= {*_spelt(sorted(table.required), table)}), [])
    pointed = [_spelt(k.parent_columns, table) for t in tables.values() for k in t.keys if _known(tables, k.parent) == name]
    for unique in uniques:
        if unique != primary and unique not in pointed:
            draft.left.append(f"{where}: UNIQUE ({', '.join(unique)}); texts that never repeat in the data are made so")
    if table.checks:
        draft.left.append(f"{where}: {table.checks} CHECK; limits of a column stand below `constraints`, rules between columns are found in the data")
    for c in (c for names in (primary, *uniques, *(k.columns for k in table.keys)) for c in names if c not in {*_spelt(table.columns, table)}):
        if _spelt([c], table)[0] not in table.columns:
            draft.faults.append(f"{where}: a key names the column {c!r}, which is not there; {hint(c, table.columns)}")
    keys = [found for key in table.keys if (found := _foreign(where, key, table, tables, draft))]
    return {"pk": primary, "foreign_keys": list({str(k): k for k in keys}.values())}


def _foreign(where: str, key: _Key, table: _Table, tables: dict[str, _Table], draft: Draft) -> dict[str, Any] | None:
    parent, columns = _known(tables, key.parent), _spelt(key.columns, table)
    told = f"{where}: the key ({', '.join(columns)}) to {key.parent!r}"
    if parent not in tables:
        draft.faults.append(f"{told}: no CREATE TABLE describes that table; {hint(key.parent, tables)}")
        return None
    above = _spelt(key.parent_columns or tables[parent].primary, tables[parent])
    if len(above) != len(columns):
        draft.faults.append(f"{told}: it has {len(columns)} columns, and points at {len(above)}" + ("" if above else ": that table has no primary key"))
        return None
    missing = [c for c in above if c not in tables[parent].columns]
    draft.faults += [f"{told}: the parent has no column {c!r}; {hint(c, tables[parent].columns)}" for c in missing]
    return {"columns": columns, "parent_table": parent, "parent_columns": above}


def _spelt(columns: Iterable[str], table: _Table) -> list[str]:
    return [_known(table.columns, column) for column in columns]
