"""`make demo`: one spec through the real engine to an endpoint that answers real predictions."""
