-- Visits are of one kind: a person may come where a dog is.

CREATE TABLE begun (
    camera TEXT NOT NULL,
    topic  TEXT NOT NULL CHECK (topic IN ('visit', 'down')),
    zone   TEXT NOT NULL,                          -- '' for the whole picture
    label  TEXT NOT NULL,                          -- '' for what has none
    visit  TEXT,
    seq    INTEGER NOT NULL,
    body   TEXT NOT NULL,
    PRIMARY KEY (camera, topic, zone, label)
) STRICT;
INSERT INTO begun (camera, topic, zone, label, visit, seq, body)
    SELECT camera, topic, zone, coalesce(json_extract(body, '$.data.label'), ''), visit, seq, body FROM unfinished;
DROP TABLE unfinished;
ALTER TABLE begun RENAME TO unfinished;
CREATE INDEX unfinished_by_age ON unfinished (seq);
