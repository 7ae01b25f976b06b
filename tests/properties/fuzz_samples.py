"""What is damaged: descriptions of schemas, a saved model, and a learnt table to ask rows of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save

from synthohive_spark.kernels.models import model_class
from synthohive_spark.kernels.models.base import CodeLayout
from synthohive_spark.spec.dependencies import Unequal
from synthohive_spark.spec.encoding import AnyEncoding, CategoryEncoding, NumberEncoding, TableEncoding, TextEncoding
from synthohive_spark.spec.fitted import FittedSchema, FittedTable, ModelSpec
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.program import Linkage, Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Distinct, Draw, KeyPattern, NumberKey, ParentKey, Place, Position
from synthohive_spark.storage.artifacts import save_artifact

METADATA: dict[str, Any] = {
    "orphans": "error",
    "tables": {
        "zones": {"pk": "zone", "role": "reference"},
        "users": {
            "pk": ["id"],
            "constraints": {"age": {"min": 0, "max": 120.5, "dtype": "int"}},
            "pii_cols": {"mail": "email", "memo": None},
            "order_by": "day",
        },
        "orders": {
            "pk": ["user_id", "line"],
            "fk": {"user_id": "users.id"},
            "orphans": {"user_id": "null"},
            "foreign_keys": [{"columns": ["zone"], "parent_table": "zones", "parent_columns": ["zone"], "orphans": "drop"}],
            "parent_context_cols": ["age"],
            "high_cardinality_cols": ["flag"],
            "linkage_method": "negbinom",
            "duplicates": "drop",
            "unsupported": "null",
        },
    },
}
RUN: dict[str, Any] = {
    **METADATA,
    "source": {
        "zones": "lake.zones",
        "users": "data/users",
        "orders": {"path": "o.csv", "format": "csv", "schema": "user_id int, line int", "types": {"line": "int"}},
    },
    "fit": {"model": {"users": "tvae"}, "seed": 1, "epochs": 2, "encoding": {"bins": 9}, "training": {"settings": {"tvae": {"hidden": 8}}}, "output": "m"},
    "sample": {"scale": 2.0, "num_rows": {"users": 5}, "conditions": [{"table": "users", "values": {"age": 3}, "rows": 2}], "tags": {"a": "b"}},
    "validate": {"output": "r.html", "seed": 3},
}
SDV: dict[str, Any] = {
    "METADATA_SPEC_VERSION": "V1",
    "tables": {
        "users": {
            "columns": {"id": {"sdtype": "id", "regex_format": "U-[0-9]{3}"}, "mail": {"sdtype": "email", "pii": True}, "age": {"sdtype": "numerical"}},
            "primary_key": "id",
            "alternate_keys": ["mail"],
        },
        "orders": {
            "columns": {"id": {"sdtype": "id"}, "user": {"sdtype": "id"}, "kind": {"sdtype": "categorical", "order": ["a"]}, "at": {"sdtype": "datetime"}},
            "primary_key": ["id"],
            "sequence_key": "user",
            "sequence_index": "at",
            "column_relationships": [{"type": "address", "column_names": ["kind"]}],
        },
    },
    "relationships": [{"parent_table_name": "users", "parent_primary_key": "id", "child_table_name": "orders", "child_foreign_key": "user"}],
}
DDL = """
CREATE TABLE IF NOT EXISTS shop.users (id BIGINT NOT NULL PRIMARY KEY, mail VARCHAR(80) UNIQUE DEFAULT 'a@b', CHECK (id > 0));
CREATE TABLE "orders" (id INT, line INT, user_id BIGINT REFERENCES shop.users (id) ON DELETE CASCADE, CONSTRAINT pk PRIMARY KEY (id, line));
ALTER TABLE ONLY orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id);
CREATE UNIQUE INDEX u ON orders (line);
CREATE TABLE parts PARTITION OF orders FOR VALUES IN (1);
COMMENT ON TABLE users IS 'people'; INSERT INTO users VALUES (1, 'x');
"""
OPTIONS = {"model": "models/shop", "table": "orders", "seed": "7", "rows": "40", "partitions": "3", "strict": "true"}
KNOTS = (1.0, 9.0, 40.0, 99.0)
NAMES = ("age", "flag", "day", "memo", "code")


def user_encodings() -> tuple[AnyEncoding, ...]:
    """A column of each kind."""
    return (
        NumberEncoding(name="age", spark_type="int", has_null=True, weights=(0.1, 0.3, 0.6), tokens=(0.0,), knots=KNOTS, knots_per_bin=3, step=1.0),
        CategoryEncoding(name="flag", spark_type="string", has_null=False, weights=(0.5, 0.5), values=("ü", "b", "c"), counts=(4, 2, 2), starts=(0, 1)),
        NumberEncoding(
            name="day",
            spark_type="date",
            has_null=False,
            weights=(0.2, 0.8),
            tokens=(17000.0,),
            knots=(17001.0, 17100.0, 17500.0, 17900.0),
            knots_per_bin=3,
            step=1.0,
        ),
        TextEncoding(name="memo", spark_type="string", has_null=True, weights=(0.4, 0.6), shapes=("Aa 9", "a-99"), shape_counts=(3, 5)),
        NumberEncoding(name="code", spark_type="decimal(12,2)", has_null=False, weights=(1.0,), knots=(0.01, 2.0, 7.25, 12.5), knots_per_bin=3, step=0.01),
    )


def _model(name: str, encoding: TableEncoding, names: tuple[str, ...], context: tuple[int, ...], siblings: bool, **settings: Any) -> tuple[ModelSpec, bytes]:
    columns = [encoding.column(n) for n in names if encoding.column(n).cardinality > 1]
    row = tuple(c.cardinality for c in columns)
    torch.manual_seed(0)
    layout = CodeLayout(row=row, context=context, weights=tuple(np.asarray(c.weights) for c in columns), siblings=siblings)
    return ModelSpec(name=name, settings=settings, row=row, context=context, siblings=siblings), save(model_class(name)(layout, settings).state())


def fitted_shop(reference: Path) -> FittedSchema:
    """Two learnt tables and a copied one."""
    reference.mkdir(parents=True)
    pq.write_table(pa.table({"zone": ["n", "s"]}), reference / "part-00000.parquet")
    metadata = Metadata.from_dict(METADATA)
    users = TableEncoding(table="users", rows=10, columns=user_encodings())
    spec, weights = _model("tvae", users, NAMES, (), False, hidden=8, latent=4)
    program = TableProgram(
        table="users",
        columns=(
            ("id", "string", False),
            ("age", "int", True),
            ("flag", "string", True),
            ("day", "date", True),
            ("memo", "string", True),
            ("code", "decimal(12,2)", True),
        ),
        primary_key=("id",),
        phases=(
            Phase(
                steps=(
                    NumberKey(column="id", pattern=KeyPattern(form="text", prefix="U-", width=6)),
                    Draw(columns=NAMES),
                    Distinct(columns=("day",)),
                    Derive(dependencies=(Unequal(target="age", determinants=("code",)),)),
                )
            ),
        ),
        rows=10,
    )
    items = TableEncoding(table="orders", rows=30, columns=user_encodings()[:2])
    told = users.select(("age",))
    item_spec, item_weights = _model("autoregressive", items, ("age", "flag"), (4,), True, state=8, head=8)
    order_program = TableProgram(
        table="orders",
        columns=(("user_id", "string", False), ("line", "int", False), ("zone", "string", True), ("age", "int", True), ("flag", "string", True)),
        primary_key=("user_id", "line"),
        foreign_keys=metadata.tables["orders"].foreign_keys,
        phases=(
            Phase(steps=(ParentKey(columns=("user_id",), parent_columns=("id",)), Position(column="line", start=1), Place(), Draw(columns=("age", "flag")))),
        ),
        driving=0,
        context=("age",),
        linkages={0: Linkage(values=(0, 3), weights=(0.25, 0.75), mean=2.25, variance=1.0)},
        rows=30,
    )
    return FittedSchema(
        metadata=metadata,
        graph=SchemaGraph.from_metadata(metadata),
        tables={"users": FittedTable(program, users, None, spec, weights), "orders": FittedTable(order_program, items, told, item_spec, item_weights)},
        references={"zones": str(reference)},
        reference_rows={"zones": 2},
        seed=7,
        version="0",
    )


def saved_shop(folder: Path) -> Path:
    """The artifact of it."""
    save_artifact(fitted_shop(folder / "zones"), folder / "model")
    return folder / "model"
