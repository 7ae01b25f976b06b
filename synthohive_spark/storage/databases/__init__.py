"""Databases through SQLAlchemy: what their tables are, their rows, and tables written back. An extra: nothing else of this package imports it at its start."""
