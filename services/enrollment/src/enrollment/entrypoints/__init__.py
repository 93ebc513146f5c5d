"""How enrollment is reached: HTTP, topics, the clock."""
