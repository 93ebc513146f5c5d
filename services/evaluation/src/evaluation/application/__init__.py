"""Use cases of evaluation, one a file, and what they need of the world."""
