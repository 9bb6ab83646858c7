"""The HTTP side: translates requests into tensors and tensors into answers, nothing more."""
