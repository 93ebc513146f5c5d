"""The mechanism every Updraft service shares: outbox, relay, inbox, HTTP, identity, telemetry."""
