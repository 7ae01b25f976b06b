"""Text by shape: what is not common to many texts of a column is drawn at random, letter by letter and digit by digit, so that no real text can come out."""

from __future__ import annotations

from .draw import Letters, code_points, text_from_shapes
from .shapes import MAX_LENGTH, TextShapes, fit_shapes, shapes_of, share_of_outlines

__all__ = ["MAX_LENGTH", "Letters", "TextShapes", "code_points", "fit_shapes", "shapes_of", "share_of_outlines", "text_from_shapes"]
