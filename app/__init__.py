"""Settings, wiring, services and the command line."""
