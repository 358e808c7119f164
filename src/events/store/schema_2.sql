-- Deliveries may be held until pictures are stored, and gathered for a digest. A CHECK cannot be changed, so the table is
-- made anew.

CREATE TABLE deliveries_2 (
    sink            TEXT NOT NULL,
    seq             INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
    camera          TEXT NOT NULL,                 -- the event's, so that choosing what is due reads one index
    state           TEXT NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'delivered', 'dead', 'gathered', 'digested')),
    attempts        INTEGER NOT NULL DEFAULT 0,    -- that failed
    next_attempt_at INTEGER NOT NULL DEFAULT 0,    -- 0: at once, in the order of seq
    held_until      INTEGER NOT NULL DEFAULT 0,    -- not told before; 0: it waits for no pictures (any more)
    bare            INTEGER NOT NULL DEFAULT 0 CHECK (bare IN (0, 1)), -- 1: given to the courier before its pictures came
    digest          INTEGER,                       -- seq of the digest that tells it
    last_error      TEXT,
    delivered_at    INTEGER,
    PRIMARY KEY (sink, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO deliveries_2 (sink, seq, camera, state, attempts, next_attempt_at, last_error, delivered_at)
    SELECT sink, seq, camera, state, attempts, next_attempt_at, last_error, delivered_at FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE deliveries_2 RENAME TO deliveries;

CREATE INDEX deliveries_pending ON deliveries (sink, next_attempt_at, seq, camera) WHERE state = 'pending';
CREATE INDEX deliveries_by_lane ON deliveries (sink, camera, next_attempt_at, seq) WHERE state = 'pending';
CREATE INDEX deliveries_held ON deliveries (sink, held_until, camera, seq) WHERE state = 'pending' AND held_until > 0;
CREATE INDEX deliveries_dead ON deliveries (sink, seq) WHERE state = 'dead';
CREATE INDEX deliveries_gathered ON deliveries (sink, seq) WHERE state = 'gathered';
CREATE INDEX deliveries_by_event ON deliveries (seq);
CREATE INDEX deliveries_by_camera ON deliveries (camera, seq);
CREATE INDEX deliveries_open ON deliveries (state, seq) WHERE state <> 'delivered' AND state <> 'digested';

CREATE TRIGGER delivery_added AFTER INSERT ON deliveries WHEN new.state IN ('pending', 'dead') BEGIN
    INSERT INTO tallies (sink, pending, dead) VALUES (new.sink, new.state = 'pending', new.state = 'dead')
    ON CONFLICT (sink) DO UPDATE SET pending = pending + excluded.pending, dead = dead + excluded.dead;
END;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON deliveries
WHEN old.state <> new.state AND (old.state IN ('pending', 'dead') OR new.state IN ('pending', 'dead')) BEGIN
    UPDATE tallies SET pending = pending + (new.state = 'pending') - (old.state = 'pending'),
                       dead = dead + (new.state = 'dead') - (old.state = 'dead')
    WHERE sink = new.sink;
END;
CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries WHEN old.state IN ('pending', 'dead') BEGIN
    UPDATE tallies SET pending = pending - (old.state = 'pending'), dead = dead - (old.state = 'dead')
    WHERE sink = old.sink;
END;
