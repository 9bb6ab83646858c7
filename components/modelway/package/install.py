"""Put a package that was made where it was wanted, whole or not at all.

Takes a finished folder and a destination on the same file system. A package that is there is never
overwritten, unless it is the same or the user asked for it; anything else that is there is never
touched. Must not look into a package.
"""

import contextlib
from pathlib import Path

from modelway.errors import PackageError
from modelway.package.contents import check_package
from modelway.package.manifest import MANIFEST_NAME


def check_destination(destination: Path, *, replace: bool) -> None:
    """Refuse a destination that no package can take, before any work is done.

    Raises:
        PackageError: something that is no package is there.
    """
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise PackageError(
            f"the package cannot be written to {destination}, which is no folder; choose another "
            "with --out"
        )
    if destination.is_dir() and any(destination.iterdir()):
        if (destination / MANIFEST_NAME).is_file():
            return
        what = "; --force replaces packages alone" if replace else ""
        raise PackageError(
            f"the package cannot be written to {destination}, which has other files in it{what}; "
            "choose another folder with --out"
        )


def install(made: Path, destination: Path, digest: str, *, replace: bool) -> bool:
    """Give a finished package its name.

    Args:
        made: the package, beside the destination.
        destination: where it is wanted.
        digest: of the package.
        replace: whether another package may be there, which goes then.

    Returns:
        Whether the same package was there already and was left, with its evidence and signature.

    Raises:
        PackageError: another package is there.
    """
    if destination.is_dir() and any(destination.iterdir()):
        there = _digest(destination)
        if there == digest:
            return True
        if not replace:
            what = (
                "one that was changed since it was made" if there is None else f"another, {there}"
            )
            raise PackageError(
                f"the package {digest} is not written: in {destination} is {what}. Choose another "
                "folder with --out, or replace that package with --force"
            )
        # Within the temporary folder, which goes: the name is free for a moment only.
        destination.rename(made.parent / "replaced")
        try:
            made.rename(destination)
        except OSError:
            with contextlib.suppress(OSError):
                (made.parent / "replaced").rename(destination)
            raise
        return False
    if destination.is_dir():
        destination.rmdir()
    made.rename(destination)
    return False


def _digest(folder: Path) -> str | None:
    """Give the digest of a package that is as it was made; None for another."""
    with contextlib.suppress(PackageError):
        return check_package(folder).digest
    return None
