"""PostgreSQL refuses to run as root; finds a way to run it that it accepts."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ops.stack.errors import StackError

USERNS = ("unshare", "--user", "--map-user=1000")
UNPRIVILEGED_USERS = ("postgres", "nobody")


@dataclass(frozen=True)
class Identity:
    """How to run a program that refuses root.

    ``wrapper`` goes before everything, ``prefix`` right before the program. ``owner`` must own what the
    program keeps, where that is not this process's own user.
    """

    wrapper: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    owner: int | None = None

    def argv(self, *command: str) -> tuple[str, ...]:
        """A complete command for a run of its own, outside the supervisor."""
        return (*self.wrapper, *self.prefix, *command)

    def give(self, tree: Path) -> None:
        """Make ``tree`` belong to the program's user."""
        if self.owner is None:
            return
        os.chown(tree, self.owner, -1)
        for folder, folders, files in os.walk(tree):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, self.owner, -1, follow_symlinks=False)


@lru_cache(maxsize=4)
def identity_for(program: Path, stack_root: Path) -> Identity:
    """The way that works here: as we are, in a user namespace (root's files appear as somebody's), or as another user.

    Raises:
        StackError: This is root, and neither a user namespace nor another user will do.
    """
    if os.geteuid() != 0:
        return Identity()
    if _succeeds((*USERNS, "test", "-x", str(program))):
        return Identity(wrapper=USERNS)
    tried = []
    for name in UNPRIVILEGED_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        become = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
        tried.append(name)
        if _succeeds((*become, "test", "-x", str(program))) and _succeeds((*become, "test", "-x", str(stack_root))):
            # The parent-death signal is cleared by the change of user, so setpriv asks for it again.
            return Identity(prefix=(*become, "--pdeathsig=QUIT"), owner=user.pw_uid)
    raise StackError(
        "PostgreSQL does not run as root. Here root may not make user namespaces (unshare --user), and "
        f"{' and '.join(tried) or 'no other user'} cannot reach both {program} and {stack_root}. "
        "Run as an ordinary user; or set XDG_CACHE_HOME and EYES_STACK__DIR to places that every user may enter "
        "and run `make setup` again."
    )


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
