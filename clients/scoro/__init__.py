"""Scoro API v2."""
