"""What all native modules share: no command of theirs ever runs in the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from mde_grader.checking.native.view import ServiceView

if TYPE_CHECKING:
    from testinfra.host import Host


class NotNativeError(NotImplementedError):
    """A fact that testinfra has from a program of the image, which is not believed here; the check's mistake."""


class Native:
    """Mixed in before a testinfra module; whatever would run a command says so instead."""

    _host: Host

    @classmethod
    def view(cls) -> ServiceView:
        """The service that the host stands for."""
        view: ServiceView = cls._host.backend.view
        return view

    @classmethod
    def get_module_class(cls, host: object) -> type:
        """Testinfra's hook; there is one class for every image."""
        del host
        return cls

    @classmethod
    def run(cls, *_: Any, **__: Any) -> NoReturn:  # noqa: ANN401
        """Refuse.

        Raises:
            NotNativeError: Always.
        """
        raise NotNativeError(f"this fact of {cls.__name__} comes from programs of the image, which are not believed")

    run_test = run_expect = check_output = find_command = run
