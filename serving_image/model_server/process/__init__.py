"""The processes of the server: one in front that watches, and those that serve.

`supervisor` is the process in front. It imports nothing heavy, so that it listens at once, forks
in a millisecond and never fails for a reason of the model. `channel`, `acceptor` and `measuring`
are the side of the processes that serve.
"""
