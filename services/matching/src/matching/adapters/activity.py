"""When participants of a cohort were last active: searched, asked, answered, ranked or accepted."""

from __future__ import annotations

from sqlalchemy import text

LAST_ACTIVE = text(
    """
    SELECT participation_id, (max(at) AT TIME ZONE 'UTC')::date AS day
    FROM (
        SELECT participation_id, requested_at AS at FROM searches WHERE cohort_id = :cohort_id
        UNION ALL
        SELECT participation_id, changed_at FROM preferences WHERE cohort_id = :cohort_id
        UNION ALL
        SELECT CASE asker WHEN 'mentor' THEN mentor_participation_id ELSE mentee_participation_id END, asked_at
        FROM match_requests WHERE cohort_id = :cohort_id
        UNION ALL
        SELECT CASE asker WHEN 'mentor' THEN mentee_participation_id ELSE mentor_participation_id END, answered_at
        FROM match_requests WHERE cohort_id = :cohort_id AND state IN ('accepted', 'declined')
        UNION ALL
        SELECT mentor_participation_id, mentor_accepted_at FROM pairs WHERE cohort_id = :cohort_id
        UNION ALL
        SELECT mentee_participation_id, mentee_accepted_at FROM pairs WHERE cohort_id = :cohort_id
    ) AS activity
    WHERE at IS NOT NULL AND (CAST(:ids AS uuid[]) IS NULL OR participation_id = ANY (CAST(:ids AS uuid[])))
    GROUP BY participation_id
    """
)
"""Rows (participation_id, day) of a cohort, of all its participations or, with `ids`, of those."""
