"""A rig for tests over the wire: the smallest two services that the chassis can carry, run as real processes.

`engagement` counts up versions of meetings behind an HTTP API; `evaluation` applies the events, once as a projection and once
as an effect that would show if it happened twice.
"""
