"""What engagement does because time passes; each job judges by the rules' clock."""

from __future__ import annotations

from chassis.schedule import Every

from engagement.application.complete_pairs import complete_pairs
from engagement.application.detect_missed_meetings import detect_missed_meetings
from engagement.application.detect_silent_pairs import detect_silent_pairs
from engagement.application.end_trials import end_trials
from engagement.application.remind_of_trials import remind_of_trials

SCHEDULE = (
    Every(seconds=1, job=detect_missed_meetings),
    Every(seconds=1, job=detect_silent_pairs),
    Every(seconds=1, job=end_trials),
    Every(seconds=1, job=remind_of_trials),
    Every(seconds=1, job=complete_pairs),
)
