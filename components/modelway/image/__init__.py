"""The serving image: its build context, its content hash, and a way to run it without Docker."""
