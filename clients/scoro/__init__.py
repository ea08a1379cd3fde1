"""Scoro's API v2: a client and its errors."""
