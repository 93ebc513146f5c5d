"""Business units, people, programs, cohorts and participations."""
