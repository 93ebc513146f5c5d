"""Use cases and reads of enrollment."""
