"""The demonstration: a whole year of one cohort on the real system, told so that a program manager understands it."""

from updraft.demo.play import UNCHECKED, Options, play, run, run_on
from updraft.demo.remote import RemoteDeployment

__all__ = ["UNCHECKED", "Options", "RemoteDeployment", "play", "run", "run_on"]
