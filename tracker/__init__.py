"""The tracking poller: one daemon, one database, many carriers."""
