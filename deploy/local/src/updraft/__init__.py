"""The single-machine deployment of Updraft and its command."""
