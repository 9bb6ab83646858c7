"""Going back to a version that served before, as a file that git tracks.

`modelway rollback` writes the file and runs `pulumi up`; the program hands it to its
`ModelDeployment`. What it means is in `modelway.sagemaker.rollback`.
"""

from modelway.rollback.file import load_rollback

__all__ = ["load_rollback"]
