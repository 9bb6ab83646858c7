"""Builders of the serving image, behind one interface.

Each takes an image's content and a place, declares resources, gives the image by digest. A builder
decides nothing about the image: its content does.
"""

from modelway.builders.declare import declare_image
from modelway.builders.place import BuildPlace, BuiltImage

__all__ = ["BuildPlace", "BuiltImage", "declare_image"]
