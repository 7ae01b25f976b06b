"""Metadata from data: facts in, proposals out. Pure: `stages/detection/` gathers the facts."""
