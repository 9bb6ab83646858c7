"""Where a model's time goes on this machine, and which settings of the server follow from it.

`subject` finds model and rows, `run` starts `process`, which measures; `operators` reads
onnxruntime's own profile and `advice` decides, both pure.
"""
