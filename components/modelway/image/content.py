"""What one image is made of: the model server's sources, its base, and what a spec adds.

Takes an `ImagePlan`, gives the content hash, the tag, and the files of the build context. The same
content has the same hash on every machine; base image, platform, variant and every added byte are
part of it, the builder is not: whoever builds it, it is the same image. Must not build anything.
"""

import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from modelway import naming
from modelway.image.context import (
    REQUIREMENTS,
    content_hash,
    context_files,
    default_base_image,
    is_executable,
)
from modelway.plan.model import Extras, ImagePlan

FORMAT = 1
"""Of the content that is hashed; another number makes every image another one."""

EXTRA_REQUIREMENTS = "extra/requirements.txt"
"""Where the Dockerfile finds added packages."""

EXTRA_CODE = "extra/code"
"""Where the Dockerfile finds added code."""

_NOTHING = "# What a spec adds to the server's own packages; see README.md.\n"
"""What the file of added packages holds where there are none."""

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can say."""


@dataclass(frozen=True)
class ImageContent:
    """One image's content."""

    variant: str = "cpu"
    platform: str = "linux/amd64"
    base: str | None = None
    """None: the Dockerfile's own."""
    extras: Extras = field(default_factory=Extras)

    @classmethod
    def of(cls, plan: ImagePlan | None) -> "ImageContent":
        """Give the content that a plan wants; without a plan the plain model server's."""
        if plan is None:
            return cls()
        return cls(plan.variant, plan.platform, plan.base, plan.extras)

    @property
    def hash(self) -> str:
        """64 hexadecimal digits. The plain model server's is the hash of its sources alone."""
        if self == ImageContent():
            return content_hash()
        return naming.content_hash(
            {
                "format": FORMAT,
                "variant": self.variant,
                "platform": self.platform,
                "base": self.base_image,
                "sources": content_hash(),
                "requirements": self.extras.requirements,
                "code": dict(self.extras.code),
            }
        )

    @property
    def tag(self) -> str:
        """The image's tag: immutable, since it names the content."""
        return f"{self.variant}-{self.hash}"

    @property
    def base_image(self) -> str:
        """The base image."""
        return default_base_image() if self.base is None else self.base

    @property
    def build_arguments(self) -> dict[str, str]:
        """What the Dockerfile is told."""
        return {
            "BASE_IMAGE": self.base_image,
            "REQUIREMENTS": REQUIREMENTS[self.variant],
            "EXECUTION_PROVIDERS": self.variant,
        }

    def files(self) -> Iterator[tuple[str, bytes, bool]]:
        """Give relative path, bytes and the executable bit of each file, sorted by path."""
        own = {
            name: (path.read_bytes(), is_executable(path)) for name, path in context_files().items()
        }
        if self.extras.requirements:
            own[EXTRA_REQUIREMENTS] = (self.extras.requirements.encode(), False)
        for name, text in self.extras.code.items():
            own[f"{EXTRA_CODE}/{name}"] = (text.encode(), False)
        for name, (content, executable) in sorted(own.items()):
            yield name, content, executable

    def archive(self) -> bytes:
        """Give the build context as a zip file; the same content gives the same bytes.

        Stored, not compressed: what zlib makes differs between its versions.
        """
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, content, executable in self.files():
                entry = zipfile.ZipInfo(name, _ZIP_TIME)
                entry.create_system = 3  # Unix, whose modes follow
                entry.external_attr = (0o755 if executable else 0o644) << 16
                archive.writestr(entry, content)
        return buffer.getvalue()

    def is_in(self, folder: Path) -> bool:
        """Tell whether a folder is this build context: the same paths, bytes and modes."""
        wanted = {
            name: (content, 0o755 if executable else 0o644)
            for name, content, executable in self.files()
        }
        paths = (path for path in folder.rglob("*") if not path.is_dir())
        return wanted == {
            path.relative_to(folder).as_posix(): (
                path.read_bytes(),
                stat.S_IMODE(path.stat().st_mode),
            )
            for path in paths
        }

    def write(self, folder: Path) -> None:
        """Write the build context into a folder, unless it is there; it appears whole."""
        if folder.is_dir():
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as made:
            partial = Path(made) / folder.name
            for name, content, executable in self.files():
                path = partial / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(0o755 if executable else 0o644)
            try:
                partial.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was quicker with the same content
                    raise


def extras_in(files: Mapping[str, bytes]) -> Extras:
    """Give what a spec has added to a build context.

    Args:
        files: of the context, by relative path.
    """
    code = {
        name.removeprefix(f"{EXTRA_CODE}/"): content.decode()
        for name, content in files.items()
        if name.startswith(f"{EXTRA_CODE}/")
    }
    requirements = files.get(EXTRA_REQUIREMENTS, b"").decode()
    return Extras("" if requirements == _NOTHING else requirements, code)
