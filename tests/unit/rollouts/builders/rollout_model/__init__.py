"""An emulator without sockets, processes or real time, and deployers that run against it."""
