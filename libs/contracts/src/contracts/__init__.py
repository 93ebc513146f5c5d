"""The published language of Updraft: every event, its envelope and its topic."""
