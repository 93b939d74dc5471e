/**
 * What is journaled of the event stream, in a database that stands in for another store.
 * @module
 */

/** What the journal calls events; the key is the number. */
export const JOURNALED_EVENTS = "event";

/** The DDL of the triggers. No event is ever changed, and of one that was dropped nothing is told. */
export const EVENT_JOURNAL = `
CREATE TRIGGER journal_events_insert AFTER INSERT ON events BEGIN
  INSERT INTO journal (kind, key) VALUES ('${JOURNALED_EVENTS}', NEW.seq) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER journal_events_delete AFTER DELETE ON events BEGIN
  DELETE FROM journal WHERE kind = '${JOURNALED_EVENTS}' AND key = OLD.seq;
END;
`;
