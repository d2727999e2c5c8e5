"""`host.package`, from the databases of dpkg (also distroless images' status.d) and apk."""

from __future__ import annotations

from collections.abc import Iterator

from testinfra.modules.package import Package

from mde_grader.checking.native.base import Native
from mde_grader.checking.native.view import FactMissingError, ServiceView
from mde_grader.model import Evidence

DATABASE_LIMIT = 4 * 1024 * 1024
"""Bytes of a package database that are read; a large image's has about 1.5 MiB."""
_DPKG = "/var/lib/dpkg/status"
_DPKG_FOLDER = "/var/lib/dpkg/status.d"
_APK = "/lib/apk/db/installed"
_MAX_PARTS = 512


def parse_dpkg(text: str, *, always_installed: bool = False) -> dict[str, str]:
    """Installed packages and their versions.

    Args:
        text: Paragraphs of a status file.
        always_installed: The paragraphs have no Status field, as in distroless images.
    """
    found = {}
    for paragraph in text.split("\n\n"):
        fields = {name: value.strip() for name, _, value in (line.partition(":") for line in paragraph.splitlines())}
        words = fields.get("Status", "install ok installed" if always_installed else "").split()
        if fields.get("Package") and words[1:3] == ["ok", "installed"] and words[0] in ("install", "hold"):
            found[fields["Package"]] = fields.get("Version", "")
    return found


def parse_apk(text: str) -> dict[str, str]:
    """Installed packages and their versions, the release included (`1.2.3-r0`)."""
    found = {}
    for paragraph in text.split("\n\n"):
        fields = {line[:1]: line[2:] for line in paragraph.splitlines() if line[1:2] == ":"}
        if fields.get("P"):
            found[fields["P"]] = fields.get("V", "")
    return found


def installed(view: ServiceView) -> dict[str, str]:
    """Every installed package of a service, and its version."""
    found = parse_dpkg(view.text(_DPKG, limit=DATABASE_LIMIT))
    for text in _status_parts(view):
        found |= parse_dpkg(text, always_installed=True)
    return found | parse_apk(view.text(_APK, limit=DATABASE_LIMIT))


def _status_parts(view: ServiceView) -> Iterator[str]:
    if view.ask("stat", path=_DPKG_FOLDER)["kind"] != "directory":
        return
    for entry in view.ask("list", path=_DPKG_FOLDER, limit=_MAX_PARTS)["entries"]:
        if entry["kind"] == "file" and not entry["name"].endswith(".md5sums"):
            yield view.text(f"{_DPKG_FOLDER}/{entry['name']}")


class NativePackage(Native, Package):  # type: ignore[misc]
    """See testinfra's `Package`."""

    name: str

    @property
    def is_installed(self) -> bool:
        """Whether the image's package database lists it as installed."""
        return str(self.name) in installed(self.view())

    @property
    def version(self) -> str:
        """Its version, without apk's release as testinfra has it."""
        return self._full().partition("-r")[0] if self._is_apk() else self._full()

    @property
    def release(self) -> str:
        """The release of an apk package."""
        return self._full().rpartition("-")[2]

    def _is_apk(self) -> bool:
        return bool(self.view().ask("stat", path=_APK)["kind"] == "file")

    def _full(self) -> str:
        packages = installed(self.view())
        if self.name not in packages:
            expected = f"the package {self.name} in the service {self.view().name}"
            raise FactMissingError(Evidence(expected=expected, seen="it is not installed"))
        return packages[self.name]
