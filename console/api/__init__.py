"""The JSON API: the same reads and actions as the pages, for programs with a token."""
