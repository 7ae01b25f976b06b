"""The base of every spec: frozen, JSON in and out, unknown fields refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Plain frozen data."""

    model_config = ConfigDict(frozen=True, extra="forbid")
