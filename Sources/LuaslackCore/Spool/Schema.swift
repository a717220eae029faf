/// The database's tables, as steps from one version to the next. A step that was shipped is never
/// changed; a newer one is added.
enum Schema {
  /// The step that makes the table of bans, which is filled from what is there.
  static let bans = 6

  static let steps = [
    """
    CREATE TABLE event (
      id          INTEGER PRIMARY KEY,
      key         TEXT,               -- what makes a repeat recognisable; null: always new
      kind        TEXT NOT NULL,
      jail        TEXT NOT NULL,
      subject     TEXT NOT NULL,      -- fail2ban's id, usually the address
      accepted_at INTEGER NOT NULL,   -- microseconds since 1970, as all times here
      record      TEXT NOT NULL       -- the event as it was accepted, JSON
    ) STRICT;
    CREATE INDEX event_key ON event (key, accepted_at) WHERE key IS NOT NULL;

    -- Spool files that became an event or were recognised as a repeat of one: a file that outlives
    -- its commit is thus not read twice.
    CREATE TABLE arrival (
      name  TEXT PRIMARY KEY,
      event INTEGER NOT NULL REFERENCES event (id),
      at    INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE delivery (
      id              INTEGER PRIMARY KEY,
      event           INTEGER NOT NULL REFERENCES event (id),
      destination     TEXT NOT NULL,
      state           TEXT NOT NULL
        CHECK (state IN ('waiting', 'sending', 'delivered', 'folded', 'muted', 'dead')),
      payload         TEXT NOT NULL,  -- what is posted, JSON; what a muted one would have been: {}
      reason          TEXT,           -- the last error, or why it is muted
      attempts        INTEGER NOT NULL DEFAULT 0,
      next_attempt_at INTEGER NOT NULL,
      set_at          INTEGER NOT NULL,            -- when next_attempt_at was decided
      maybe_sent      INTEGER NOT NULL DEFAULT 0,  -- an attempt may have arrived without an answer
      is_plain        INTEGER NOT NULL DEFAULT 0,  -- the payload was refused and replaced
      finished_at     INTEGER,
      UNIQUE (event, destination)
    ) STRICT;
    CREATE INDEX delivery_pending ON delivery (destination, event)
      WHERE state IN ('waiting', 'sending');

    CREATE TABLE destination (
      name        TEXT PRIMARY KEY,
      state       TEXT NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'failing', 'dead')),
      failures    INTEGER NOT NULL DEFAULT 0,  -- in a row
      not_before  INTEGER NOT NULL DEFAULT 0,
      set_at      INTEGER NOT NULL DEFAULT 0,
      last_ok_at  INTEGER,
      last_error  TEXT,
      obeys_slack INTEGER NOT NULL DEFAULT 0   -- not_before is a Retry-After of Slack's
    ) STRICT, WITHOUT ROWID;

    -- What `status` has to say beside the queue: one row a subject, the last word on it.
    CREATE TABLE notice (
      subject TEXT PRIMARY KEY,
      text    TEXT NOT NULL,
      at      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- Formatters whose failure the channel was told of, each once per version of the script.
    CREATE TABLE told (
      file    TEXT PRIMARY KEY,
      version TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE event ADD COLUMN severity TEXT NOT NULL DEFAULT 'info';

    ALTER TABLE delivery ADD COLUMN folded_into INTEGER;                -- the digest's delivery
    ALTER TABLE delivery ADD COLUMN wants_digest INTEGER NOT NULL DEFAULT 0;  -- told in one only
    ALTER TABLE delivery ADD COLUMN held INTEGER NOT NULL DEFAULT 0;    -- by an admin, until released
    ALTER TABLE delivery ADD COLUMN is_reply INTEGER NOT NULL DEFAULT 0;  -- in its ban's thread
    ALTER TABLE delivery ADD COLUMN ts TEXT;                            -- where Slack put it
    ALTER TABLE delivery ADD COLUMN channel TEXT;
    CREATE INDEX delivery_folded ON delivery (folded_into) WHERE folded_into IS NOT NULL;
    CREATE INDEX event_subject ON event (jail, subject);

    -- What `trace` tells: each attempt with Slack's word, and what became of each formatter.
    CREATE TABLE attempt (
      delivery INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
      at       INTEGER NOT NULL,
      result   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX attempt_delivery ON attempt (delivery);
    CREATE TABLE formatting (
      event   INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
      file    TEXT NOT NULL,
      outcome TEXT NOT NULL,
      PRIMARY KEY (event, file)
    ) STRICT, WITHOUT ROWID;

    -- The token bucket of each real destination: a hash of the webhook's address, or of token and
    -- channel, so that two names for one channel share it.
    CREATE TABLE pace (
      target     TEXT PRIMARY KEY,
      tokens     REAL NOT NULL,
      at         INTEGER NOT NULL,            -- when `tokens` was reckoned
      not_before INTEGER NOT NULL DEFAULT 0   -- Slack's Retry-After
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- Answers to what an admin asked, by the request's file: a file that outlives its commit is not
    -- carried out twice, and the command can say what was done.
    CREATE TABLE request (
      name   TEXT PRIMARY KEY,
      at     INTEGER NOT NULL,
      answer TEXT NOT NULL            -- JSON
    ) STRICT, WITHOUT ROWID;

    -- When something was last done that is done from time to time.
    CREATE TABLE upkeep (
      task       TEXT PRIMARY KEY,
      at         INTEGER NOT NULL,
      was_enough INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    ALTER TABLE formatting ADD COLUMN position INTEGER NOT NULL DEFAULT 0;  -- in which it ran

    -- A held destination holds whatever is added to it.
    ALTER TABLE destination ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE delivery ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;  -- payload and record

    -- Deliveries by destination and state. Kept by triggers, whoever changes the rows: `status` must
    -- not count 100,000 of them, nor must each event, to know how much is pending.
    CREATE TABLE tally (
      destination TEXT NOT NULL,
      state       TEXT NOT NULL,
      count       INTEGER NOT NULL,
      bytes       INTEGER NOT NULL,
      PRIMARY KEY (destination, state)
    ) STRICT, WITHOUT ROWID;
    UPDATE delivery SET bytes = length(payload)
      + (SELECT length(record) FROM event WHERE event.id = delivery.event);
    INSERT INTO tally SELECT destination, state, count(*), sum(bytes) FROM delivery GROUP BY 1, 2;
    CREATE TRIGGER delivery_added AFTER INSERT ON delivery BEGIN
      UPDATE delivery SET
        bytes = length(NEW.payload) + (SELECT length(record) FROM event WHERE id = NEW.event),
        held = max(NEW.held, NEW.state = 'waiting' AND coalesce(
          (SELECT held FROM destination WHERE name = NEW.destination), 0))
        WHERE id = NEW.id;
      INSERT INTO tally SELECT destination, state, 1, bytes FROM delivery WHERE id = NEW.id
        ON CONFLICT DO UPDATE SET count = count + 1, bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER delivery_removed AFTER DELETE ON delivery BEGIN
      UPDATE tally SET count = count - 1, bytes = bytes - OLD.bytes
        WHERE destination = OLD.destination AND state = OLD.state;
    END;
    CREATE TRIGGER delivery_moved AFTER UPDATE OF state, destination ON delivery
      WHEN OLD.state <> NEW.state OR OLD.destination <> NEW.destination BEGIN
      UPDATE tally SET count = count - 1, bytes = bytes - OLD.bytes
        WHERE destination = OLD.destination AND state = OLD.state;
      INSERT INTO tally VALUES (NEW.destination, NEW.state, 1, NEW.bytes)
        ON CONFLICT DO UPDATE SET count = count + 1, bytes = bytes + excluded.bytes;
    END;

    CREATE INDEX delivery_due ON delivery (destination, next_attempt_at)
      WHERE state = 'waiting' AND held = 0;
    CREATE INDEX delivery_held ON delivery (destination, event) WHERE state = 'waiting' AND held = 1;
    CREATE INDEX delivery_dead ON delivery (finished_at) WHERE state = 'dead';
    -- What is found by its address, and what is old.
    CREATE INDEX event_address ON event (subject);
    CREATE INDEX event_ip ON event (json_extract(record, '$.ip'))
      WHERE json_extract(record, '$.ip') <> subject;
    CREATE INDEX event_accepted ON event (accepted_at);
    CREATE INDEX arrival_event ON arrival (event);
    """,
    """
    -- By what a message is paced: an event, a critical one, one that a formatter left to the next
    -- digest, a digest of others, or a word of luaslack's own.
    ALTER TABLE delivery ADD COLUMN class TEXT NOT NULL DEFAULT 'event'
      CHECK (class IN ('event', 'critical', 'for_digest', 'digest', 'notice'));
    UPDATE delivery SET class = 'notice'
      WHERE event IN (SELECT id FROM event WHERE kind = 'warning');
    ALTER TABLE delivery DROP COLUMN wants_digest;  -- never written; a class says it
    CREATE INDEX delivery_class ON delivery (destination, class, state, finished_at)
      WHERE class <> 'event';
    -- What goes out apart, or is folded, in order; of it what may stand in the channel already.
    CREATE INDEX delivery_apart ON delivery (destination, event)
      WHERE state = 'waiting' AND held = 0 AND class IN ('event', 'critical');
    CREATE INDEX delivery_ambiguous ON delivery (destination, event)
      WHERE state = 'waiting' AND maybe_sent = 1;
    -- Until when what waits is collected for the next digest.
    ALTER TABLE destination ADD COLUMN digest_at INTEGER NOT NULL DEFAULT 0;
    -- A held destination holds what comes back to it as well.
    CREATE TRIGGER delivery_back AFTER UPDATE OF state ON delivery
      WHEN NEW.state = 'waiting' AND OLD.state <> 'waiting' AND NEW.held = 0 BEGIN
      UPDATE delivery SET held = 1 WHERE id = NEW.id AND EXISTS (
        SELECT 1 FROM destination WHERE name = NEW.destination AND held = 1);
    END;
    -- Nothing is told by a delivery that is gone: its number may be another's one day.
    CREATE TRIGGER delivery_forgotten AFTER DELETE ON delivery BEGIN
      UPDATE delivery SET folded_into = NULL WHERE folded_into = OLD.id;
    END;
    CREATE INDEX delivery_place ON delivery (destination, finished_at) WHERE channel IS NOT NULL;
    """,
    """
    -- The jails that were heard of: what is known of one does not go with its oldest events.
    CREATE TABLE jail (
      name       TEXT PRIMARY KEY,
      heard_at   INTEGER NOT NULL,
      is_running INTEGER NOT NULL,
      has_lines  INTEGER NOT NULL DEFAULT 0   -- its bans come once more, with their log lines
    ) STRICT, WITHOUT ROWID;
    INSERT INTO jail (name, heard_at, is_running)
      SELECT jail, max(accepted_at), kind <> 'jail_stop' AND EXISTS (
        SELECT 1 FROM event AS start
        WHERE start.jail = event.jail AND start.subject = '' AND start.kind = 'jail_start')
      FROM event WHERE kind NOT IN ('digest', 'warning') AND jail <> '' GROUP BY jail;
    """,
    """
    -- Bans, as history counts them: a few bytes each, so that they can stay when their events and messages go.
    CREATE TABLE ban (
      event    INTEGER PRIMARY KEY,
      at       INTEGER NOT NULL,   -- seconds since 1970
      jail     TEXT NOT NULL,
      network  INTEGER,            -- of an address its /24 or /48 as a number
      base     BLOB,               -- and its 16 bytes, IPv4 at ::ffff:0:0/96
      prefix   INTEGER NOT NULL,   -- how many of the 128 bits count
      name     TEXT,               -- of what is no address, fail2ban's id
      failures INTEGER NOT NULL,
      user     TEXT,
      country  TEXT                -- of the address, two letters, as the database of addresses said then
    ) STRICT;
    CREATE INDEX ban_network ON ban (network, at, base, prefix, failures, jail)
      WHERE network IS NOT NULL;
    CREATE INDEX ban_name ON ban (name, at) WHERE name IS NOT NULL;
    CREATE INDEX ban_user ON ban (user, at, base, prefix) WHERE user IS NOT NULL;
    CREATE INDEX ban_at ON ban (at);

    -- Bans and failures of a jail in each five minutes (300) and each hour (3600): one jail may have all of them.
    CREATE TABLE pulse (
      jail     TEXT NOT NULL,
      length   INTEGER NOT NULL,   -- seconds
      start    INTEGER NOT NULL,   -- seconds since 1970
      bans     INTEGER NOT NULL,
      failures INTEGER NOT NULL,
      PRIMARY KEY (jail, length, start)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pulse_start ON pulse (start);

    -- `warning` is what a rule of the config makes.
    UPDATE event SET kind = 'notice' WHERE kind = 'warning';
    """,
    """
    -- What a report counts of a period: events that are no bans, deliveries by how they ended, attempts in vain.
    CREATE INDEX event_other ON event (kind, accepted_at) WHERE kind <> 'ban';
    CREATE INDEX delivery_finished ON delivery (destination, state, finished_at)
      WHERE finished_at IS NOT NULL;
    CREATE INDEX attempt_failed ON attempt (at, delivery) WHERE result <> '200 ok';
    -- What rules of the config count, as long as they may need it: its ban says the rest.
    CREATE TABLE counted (
      event  INTEGER PRIMARY KEY,
      at     INTEGER NOT NULL,   -- when it was accepted; moved with a clock that was set
      fields TEXT                -- those that rules ask for, JSON
    ) STRICT;
    -- What began and is not over.
    CREATE TABLE incident (
      rule        TEXT NOT NULL,     -- as it was then, JSON
      name        TEXT NOT NULL,     -- of what was counted together; empty: all
      since       INTEGER NOT NULL,
      first_event INTEGER NOT NULL,
      last        INTEGER NOT NULL,
      bans        INTEGER NOT NULL,
      failures    INTEGER NOT NULL,
      peak        INTEGER NOT NULL   -- microseconds that as many bans took at the least
    ) STRICT;
    CREATE UNIQUE INDEX incident_name ON incident (json_extract(rule, '$.name'), name);
    CREATE INDEX event_warning ON event (accepted_at) WHERE kind = 'warning';
    """,
  ]
}
