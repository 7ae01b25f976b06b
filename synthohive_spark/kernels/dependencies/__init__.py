"""Exact dependencies between columns: finding them in a sample, counting how often they hold, and deriving columns by them."""
