"""Survey waves, anonymous answers and cohort reports."""
