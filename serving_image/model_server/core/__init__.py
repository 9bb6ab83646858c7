"""What the server knows of models, tensors and errors; nothing here knows HTTP."""
