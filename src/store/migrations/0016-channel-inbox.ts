import type { Migration } from "../migrate.ts";

/**
 * Events that came by the webhooks of channels, in the order in which they came. `event` is null once the channel has taken
 * it over; the row stays for a while, so that the same event is known again.
 */
export const channelInbox: Migration = {
  version: 16,
  name: "channel-inbox",
  up: (db) => {
    db.exec(`
      CREATE TABLE channel_inbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        channel TEXT NOT NULL,
        account TEXT NOT NULL,
        event_key TEXT NOT NULL,
        event TEXT,
        received_at INTEGER NOT NULL,
        UNIQUE (channel, account, event_key)
      ) STRICT;
      CREATE INDEX channel_inbox_waiting ON channel_inbox (channel, account, seq) WHERE event IS NOT NULL;
      CREATE INDEX channel_inbox_age ON channel_inbox (received_at);
    `);
  },
};
