"""Where the world reaches matching: HTTP, events, time."""
