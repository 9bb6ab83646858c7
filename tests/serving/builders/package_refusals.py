"""Why a package is refused: by the server before it loads one, and by `modelway verify`."""

import pytest

from model_server.core.artifact import inspect
from model_server.core.errors import ModelUnusable
from modelway.errors import PackageError
from modelway.package.verify import verify_package


def refused_by_server(folder, trusted):
    """The reason, given before anything is loaded, and without paths."""
    with pytest.raises(ModelUnusable) as caught:
        inspect(folder, None if trusted is None else str(trusted))
    assert str(folder.parent) not in caught.value.message
    return caught.value.message


def refused_by_verify(folder, *trusted):
    """The reason, with the package that it is about."""
    with pytest.raises(PackageError) as caught:
        verify_package(folder, trusted)
    message = str(caught.value)
    assert message.startswith(f"the package {folder} is refused: ")
    return message
