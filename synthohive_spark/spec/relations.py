"""What a fitted schema knows of relations, in words."""

from __future__ import annotations

from collections.abc import Iterator

from .fitted import FittedSchema, FittedTable
from .identifiers import HIDDEN_PREFIX
from .joint import JointKey
from .program import TableProgram
from .steps import ParentKey


def described_relations(fitted: FittedSchema) -> list[str]:
    """One line per fact, table by table, parents first."""
    order = [name for name in fitted.graph.order if name in fitted.tables]
    told = [f"{name}: {fact}" for name in order if name not in fitted.inner for fact in _facts(fitted.tables[name])]
    return [*(f"{joint.table}: {_described(joint)}" for joint in fitted.joint), *told]


def _described(joint: JointKey) -> str:
    columns = ", ".join(joint.columns)
    return f"several rows for each ({columns})" if joint.made else f"each ({columns}) is one of {joint.parent}({', '.join(joint.parent_columns)})"


def _facts(table: FittedTable) -> Iterator[str]:
    program = table.program
    if program.driver is not None:
        yield f"driven by {program.driver}"
        parent = program.driver.parent_table
        if program.draw.ordered_by and (program.draw.stepwise or program.draw.ordered_by in program.given):
            yield f"rows of one {parent} are ordered by {program.draw.ordered_by}"
        if table.model is not None and table.model.siblings:
            yield f"rows of one {parent} see those before them"
    for match in program.matches:
        step = ", one step nearer to the top" if match.forest else ""
        never = "".join(f", never the one of ({', '.join(program.foreign_keys[key].columns)})" for key in match.never)
        suits = f", with one that suits in {', '.join(_words(trait.column) for trait in match.traits)}" if match.traits else ""
        agree = f", with the same {', '.join(theirs if own.startswith(HIDDEN_PREFIX) else own for own, theirs in match.agree)}" if match.agree else ""
        yield f"matched by {program.foreign_keys[match.key]}{step}{agree}{suits}{never}"
    some = {c for step in program.inherited for c in step.columns}
    for column, parent, above in inherited_columns(program):
        if above.startswith(HIDDEN_PREFIX):
            yield f"{column} is the same in all rows of one {parent}"
            continue
        yield f"{column} repeats {above} of its row in {parent}" + (", where a hidden column says so" if column in some else "")


def _words(column: str) -> str:
    """A column of a parent, or, where it is hidden, the one of its rows that it has the value of."""
    return f"the {column.partition(': ')[2]} of its rows" if column.startswith(HIDDEN_PREFIX) else column


def inherited_columns(program: TableProgram) -> Iterator[tuple[str, str, str]]:
    """Columns that repeat a column of the row that a key leads to: (column, parent's table, parent's column)."""
    driver = program.driver
    for phase in program.phases[-1:] if driver else ():
        for step in phase.steps:
            if isinstance(step, ParentKey) and driver:
                pairs = zip(step.columns, step.parent_columns, strict=True)
                yield from ((own, driver.parent_table, theirs) for own, theirs in pairs if own not in driver.columns)
    for repeated in program.inherited:
        if driver:
            yield from ((own, driver.parent_table, theirs) for own, theirs in zip(repeated.columns, repeated.parent_columns, strict=True))
    for match in program.matches:
        yield from ((own, program.foreign_keys[match.key].parent_table, theirs) for own, theirs in match.brings)
