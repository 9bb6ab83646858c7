"""Sources of packages: what a trained model is saved as, and how it becomes ONNX.

`registries` fetches what is in a registry of models, by one module a registry. `detect` tells the
format by content. ONNX is copied (`onnx_model`). Everything else is loaded and converted in a
process of its own (`isolation` starts it, `worker` is it), by one module a format, which is
imported there alone: the process that was asked to package never unpickles anything.
"""
