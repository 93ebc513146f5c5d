"""Where the world reaches engagement: HTTP, events, time."""
