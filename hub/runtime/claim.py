"""Owns the statement by which workers share out what is due."""

from sqlalchemy import Boolean, Integer, bindparam, text

CLAIM = text("""
WITH RECURSIVE waiting(target) AS (
    (SELECT target FROM steps WHERE state = 'open' ORDER BY target LIMIT 1)
    UNION ALL
    SELECT (SELECT s.target FROM steps s WHERE s.state = 'open' AND s.target > w.target ORDER BY s.target LIMIT 1)
    FROM waiting w WHERE w.target IS NOT NULL
), due AS (
    SELECT claimed.id FROM waiting w
    CROSS JOIN LATERAL (
        SELECT s.id FROM steps s
        WHERE s.state = 'open' AND s.target = w.target AND s.due_at <= now() AND NOT s.waiting
        ORDER BY s.due_at LIMIT :per_target FOR UPDATE SKIP LOCKED
    ) claimed
    WHERE :sending AND w.target <> '@hub'
), own AS (
    SELECT s.id FROM steps s
    WHERE s.state = 'open' AND s.target = '@hub' AND s.due_at <= now() AND NOT s.waiting
    ORDER BY s.due_at LIMIT :own FOR UPDATE SKIP LOCKED
)
UPDATE steps SET
    attempt = attempt + 1,
    sent_at = now(),
    deadline = CASE WHEN attempt = 0 AND target <> '@hub' THEN now() + (deadline - created_at) ELSE deadline END,
    due_at = now() + make_interval(
        secs => (0.9 + 0.2 * random())
            * least(CASE target WHEN '@hub' THEN 300 ELSE 21600 END, redrive_seconds * power(2, least(attempt, 10)))
    )
FROM (SELECT id FROM due UNION ALL SELECT id FROM own) claimed WHERE steps.id = claimed.id
RETURNING steps.id, saga_id, subject_id, target, kind, payload, undoes, state, verdict, attempt, waiting, deadline,
    correlation_id, traceparent
""").bindparams(bindparam("per_target", type_=Integer), bindparam("sending", type_=Boolean), bindparam("own", type_=Integer))
"""Due steps, each leased by moving its `due_at` ahead: at most `per_target` of each vendor, if `sending`, and `own` of the hub."""
