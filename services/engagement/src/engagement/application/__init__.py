"""What engagement does: one use case a file, upon the ports in `ports`."""
