"""The use cases of matching, one a file, and what they need of the world."""
