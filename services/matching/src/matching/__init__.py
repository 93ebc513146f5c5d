"""Match runs, proposals and the forming of pairs."""
