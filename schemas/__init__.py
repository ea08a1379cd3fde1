"""Shapes that cross a boundary; no input or output here."""
