-- A delivery may wait behind another of the same sink: the pictures of an event are told after the event itself.

ALTER TABLE deliveries ADD COLUMN behind INTEGER NOT NULL DEFAULT 0; -- seq of what is told before; 0: nothing
DROP INDEX deliveries_pending;
DROP INDEX deliveries_by_lane;
CREATE INDEX deliveries_pending ON deliveries (sink, next_attempt_at, seq, camera, behind) WHERE state = 'pending';
CREATE INDEX deliveries_by_lane ON deliveries (sink, camera, next_attempt_at, seq, behind) WHERE state = 'pending';
