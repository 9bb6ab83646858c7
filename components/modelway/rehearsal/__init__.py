"""Rehearsals: what a deployment goes through on the emulator before it meets AWS."""
