"""The emulator's live page: what runs, in a browser, for as long as somebody looks."""
