"""The programs that a built engine starts: a language host and the dynamic-resource provider.

Each module is run with `python -m` by a launcher (`modelway.engine.launchers`) under the
interpreter that has modelway installed. They must import nothing of modelway outside this
package, so that the engine does not wait for imports that it has no use for.
"""
