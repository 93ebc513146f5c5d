"""The demonstration: a whole year of one cohort on the real system, told so that a program manager understands it."""

from updraft.demo.play import Options, play, run

__all__ = ["Options", "play", "run"]
