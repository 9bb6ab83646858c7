"""AWS CodeBuild in the emulator: the operations, one build, and what carries builds out."""
