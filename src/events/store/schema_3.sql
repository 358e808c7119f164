-- Listings of one kind of event walk along an index, however rare that kind is.

CREATE INDEX events_by_kind ON events (kind, time);
CREATE INDEX events_by_camera_and_kind ON events (camera, kind, time);
