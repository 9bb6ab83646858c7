"""Where prediction records go; one module for each kind of place."""
