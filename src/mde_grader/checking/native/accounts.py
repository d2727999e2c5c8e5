"""`host.user` and `host.group`, from the service's own /etc/passwd and /etc/group, parsed with caps."""

from __future__ import annotations

from dataclasses import dataclass

from testinfra.modules.group import Group
from testinfra.modules.user import User

from mde_grader.checking.native.base import Native
from mde_grader.checking.native.view import FactMissingError, ServiceView
from mde_grader.model import Evidence

TABLE_LIMIT = 262_144
"""Bytes of /etc/passwd or /etc/group that are read."""
MAX_ROWS = 4096
_PASSWD_FIELDS = 7
_GROUP_FIELDS = 4
_MAX_ID_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Account:
    """One line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str


@dataclass(frozen=True, slots=True)
class Team:
    """One line of /etc/group."""

    name: str
    gid: int
    members: tuple[str, ...]


def _rows(text: str, fields: int) -> list[list[str]]:
    rows = [line.split(":") for line in text.splitlines()[:MAX_ROWS]]
    return [row for row in rows if len(row) == fields and row[0]]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS else None


def parse_passwd(text: str) -> list[Account]:
    """The lines that make sense."""
    return [
        Account(name, uid, gid, gecos, home, shell)
        for name, _, first, second, gecos, home, shell in _rows(text, _PASSWD_FIELDS)
        if (uid := _number(first)) is not None and (gid := _number(second)) is not None
    ]


def parse_group(text: str) -> list[Team]:
    """The lines that make sense."""
    return [
        Team(name, gid, tuple(member for member in members.split(",") if member))
        for name, _, number, members in _rows(text, _GROUP_FIELDS)
        if (gid := _number(number)) is not None
    ]


def accounts(view: ServiceView) -> list[Account]:
    """The service's users."""
    return parse_passwd(view.text("/etc/passwd", limit=TABLE_LIMIT))


def teams(view: ServiceView) -> list[Team]:
    """The service's groups."""
    return parse_group(view.text("/etc/group", limit=TABLE_LIMIT))


def user_name(view: ServiceView, uid: int) -> str:
    """The first name with that number, empty where there is none."""
    return next((account.name for account in accounts(view) if account.uid == uid), "")


def group_name(view: ServiceView, gid: int) -> str:
    """The first group with that number, empty where there is none."""
    return next((team.name for team in teams(view) if team.gid == gid), "")


class NativeUser(Native, User):  # type: ignore[misc]
    """See testinfra's `User`; without a name it is the user of the service's main process."""

    _name: str | None

    @property
    def name(self) -> str:
        """The user's name, or its number where it has none."""
        if self._name is None:
            main = self.view().ask("processes")["processes"][0]
            self._name = user_name(self.view(), int(main["uid"])) or str(main["uid"])
        return self._name

    @property
    def exists(self) -> bool:
        """Whether /etc/passwd has it."""
        return any(account.name == self.name for account in accounts(self.view()))

    def _account(self) -> Account:
        for account in accounts(self.view()):
            if account.name == self.name:
                return account
        expected = f"the service {self.view().name} has a user {self.name}"
        raise FactMissingError(Evidence(expected=expected, seen="/etc/passwd does not list it"))

    @property
    def uid(self) -> int:
        """The user's number."""
        return self._account().uid

    @property
    def gid(self) -> int:
        """The number of its first group."""
        return self._account().gid

    @property
    def gecos(self) -> str:
        """The comment."""
        return self._account().gecos

    @property
    def home(self) -> str:
        """The home folder."""
        return self._account().home

    @property
    def shell(self) -> str:
        """The login shell."""
        return self._account().shell

    @property
    def group(self) -> str:
        """The name of its first group."""
        return group_name(self.view(), self.gid) or str(self.gid)

    def _teams(self) -> list[Team]:
        account, known = self._account(), teams(self.view())
        first = [team for team in known if team.gid == account.gid][:1]
        return first + [team for team in known if account.name in team.members and team not in first]

    @property
    def groups(self) -> list[str]:
        """Names of all its groups, the first one first."""
        return [team.name for team in self._teams()]

    @property
    def gids(self) -> list[int]:
        """Numbers of all its groups."""
        return list(dict.fromkeys([self.gid, *(team.gid for team in self._teams())]))

    @property
    def get_all_users(self) -> list[str]:
        """Names of all users."""
        return [account.name for account in accounts(self.view())]

    get_local_users = get_all_users


class NativeGroup(Native, Group):  # type: ignore[misc]
    """See testinfra's `Group`."""

    name: str

    @property
    def exists(self) -> bool:
        """Whether /etc/group has it."""
        return any(team.name == self.name for team in teams(self.view()))

    def _team(self) -> Team:
        for team in teams(self.view()):
            if team.name == self.name:
                return team
        expected = f"the service {self.view().name} has a group {self.name}"
        raise FactMissingError(Evidence(expected=expected, seen="/etc/group does not list it"))

    @property
    def gid(self) -> int:
        """The group's number."""
        return self._team().gid

    @property
    def members(self) -> list[str]:
        """Names of its members."""
        return list(self._team().members)

    @property
    def get_all_groups(self) -> list[str]:
        """Names of all groups."""
        return [team.name for team in teams(self.view())]

    get_local_groups = get_all_groups
