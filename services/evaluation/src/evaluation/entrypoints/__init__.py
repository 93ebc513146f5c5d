"""The ways into evaluation: HTTP, events, time."""
