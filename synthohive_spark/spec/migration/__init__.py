"""Metadata from what other tools and databases say of a schema."""
