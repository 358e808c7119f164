-- A delivery may wait behind another of the same sink: the pictures of an event are told after the event itself. What waits
-- so is in no index of what is due, so that however much of it there is, nobody walks through it.

ALTER TABLE deliveries ADD COLUMN behind INTEGER NOT NULL DEFAULT 0; -- seq of what is told before; 0: nothing
DROP INDEX deliveries_pending;
DROP INDEX deliveries_by_lane;
CREATE INDEX deliveries_pending ON deliveries (sink, next_attempt_at, seq, camera) WHERE state = 'pending' AND behind = 0;
CREATE INDEX deliveries_by_lane ON deliveries (sink, camera, next_attempt_at, seq) WHERE state = 'pending' AND behind = 0;
CREATE INDEX deliveries_behind ON deliveries (sink, behind) WHERE behind > 0;

-- Pictures are told by themselves only behind what was given to a courier without them.
CREATE TRIGGER delivery_settled AFTER UPDATE OF state ON deliveries
WHEN old.bare = 1 AND old.state = 'pending' AND new.state <> 'pending' BEGIN
    UPDATE deliveries SET behind = 0 WHERE sink = new.sink AND behind = new.seq AND behind > 0;
END;
CREATE TRIGGER delivery_gone AFTER DELETE ON deliveries WHEN old.bare = 1 BEGIN
    UPDATE deliveries SET behind = 0 WHERE sink = old.sink AND behind = old.seq AND behind > 0;
END;
