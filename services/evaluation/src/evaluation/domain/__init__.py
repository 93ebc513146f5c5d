"""Rules of evaluation: what is asked, when a wave closes, what may be shown, and what the figures can carry."""
