"""TEMPORARY shim with the interface of the coming RunWriter."""
from __future__ import annotations
from dataclasses import dataclass
from .tables import TableWriter

@dataclass(frozen=True)
class RunInfo:
    run: str
    model: str
    seed: int

class RunWriter:
    def __init__(self, spark, target, *, info, never=None, on_failure="raise", work_dir=None):
        self.spark, self.target, self.work_dir, self.info = spark, target, work_dir, info
        self.w = TableWriter(spark, target, on_failure)
        self.staged = {}
    def __enter__(self):
        self.w.__enter__(); return self
    def __exit__(self, *a):
        return self.w.__exit__(*a)
    def prepare(self, tables): pass
    def stage(self, table, rows):
        p = f"{self.work_dir}/stagedtables_{self.info.run}/{table}"
        rows.write.mode("overwrite").parquet(p)
        self.staged[table] = self.spark.read.schema(rows.schema).parquet(p)
        self._schema = rows.schema
        self.staged[table] = (self.staged[table], rows.schema)
        return self.staged[table][0]
    def rows(self, table):
        return self.staged[table][0].count()
    def publish(self, warnings=()):
        out = {}
        for t, (f, schema) in self.staged.items():
            # nullability is lost in this shim
            out[t] = self.w.write(t, f)
        return out
