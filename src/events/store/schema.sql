-- Times are nanoseconds since 1970.

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of recording; never used twice
    id          TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    camera      TEXT NOT NULL,
    zone        TEXT,
    visit       TEXT,
    time        INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    body        TEXT NOT NULL                      -- the event as JSON
) STRICT;
CREATE INDEX events_by_time ON events (time);
CREATE INDEX events_by_camera ON events (camera, time);

CREATE TABLE deliveries (
    sink            TEXT NOT NULL,
    seq             INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
    camera          TEXT NOT NULL,                 -- the event's, so that choosing what is due reads one index
    state           TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts        INTEGER NOT NULL DEFAULT 0,    -- that failed
    next_attempt_at INTEGER NOT NULL DEFAULT 0,    -- 0: at once, in the order of seq
    last_error      TEXT,
    delivered_at    INTEGER,
    PRIMARY KEY (sink, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_pending ON deliveries (sink, next_attempt_at, seq, camera) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (sink, seq) WHERE state = 'dead';
CREATE INDEX deliveries_by_event ON deliveries (seq);

-- How many deliveries of a sink wait and how many were given up, kept by triggers: counting a long backlog at every
-- delivery would cost more than the delivery.
CREATE TABLE tallies (
    sink    TEXT NOT NULL PRIMARY KEY,
    pending INTEGER NOT NULL,
    dead    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER delivery_added AFTER INSERT ON deliveries BEGIN
    INSERT INTO tallies (sink, pending, dead) VALUES (new.sink, new.state = 'pending', new.state = 'dead')
    ON CONFLICT (sink) DO UPDATE SET pending = pending + excluded.pending, dead = dead + excluded.dead;
END;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON deliveries WHEN old.state <> new.state BEGIN
    UPDATE tallies SET pending = pending + (new.state = 'pending') - (old.state = 'pending'),
                       dead = dead + (new.state = 'dead') - (old.state = 'dead')
    WHERE sink = new.sink;
END;
CREATE TRIGGER delivery_removed AFTER DELETE ON deliveries BEGIN
    UPDATE tallies SET pending = pending - (old.state = 'pending'), dead = dead - (old.state = 'dead')
    WHERE sink = old.sink;
END;

-- What was begun and not finished, one row for each camera and zone: a table of its own, so that it outlives the events
-- that retention removes.
CREATE TABLE unfinished (
    camera TEXT NOT NULL,
    topic  TEXT NOT NULL CHECK (topic IN ('visit', 'down')),
    zone   TEXT NOT NULL,                          -- '' for the whole picture
    visit  TEXT,
    seq    INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (camera, topic, zone)
) STRICT;
CREATE INDEX unfinished_by_age ON unfinished (seq);
