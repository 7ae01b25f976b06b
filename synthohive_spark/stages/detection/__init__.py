"""Looks at tables that nobody has described: what `spec/detection/` decides by."""
