"""Makes a private prefix out of Debian packages: fetched by apt with a state of its own, unpacked, relinked.

Nothing is installed: the packages are only fetched (apt checks their signatures and hashes), unpacked into
a directory, and their programs are told to use the C library and the libraries next to them.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ops.setup import aptsource
from ops.setup.console import Progress, SetupError
from ops.setup.layout import Architecture, Layout, is_complete, mark_complete
from ops.setup.packages import DISCARDED, SUITE, PackageSet
from ops.setup.tool import remove_tree, replacing, run

NETWORK_HINT = (
    "Is the network up? apt's own settings (/etc/apt/apt.conf.d, proxies included) apply here. Run again: "
    "what has been fetched is kept."
)
ELF = b"\x7fELF"
PROGRAM_FOLDERS = ("usr/bin", "usr/sbin", "usr/lib/postgresql/17/bin")
DLSTATUS = re.compile(r"dlstatus:\d+:(?P<percent>[\d.]+):")


def make_prefix(layout: Layout, packages: PackageSet, progress: Progress) -> None:
    """Fetch, unpack and relink a set of packages.

    Raises:
        SetupError: No mirror, no network, or a tool failed; the next run continues.
    """
    target = layout.prefix(packages)
    if is_complete(target):
        return
    work = layout.cache / f"apt-{packages.name}"
    archives = fetch(work, packages, layout.architecture, progress)
    with replacing(target) as temporary:
        for number, archive in enumerate(archives, 1):
            progress.update(f"unpacking {number}/{len(archives)}")
            run(["dpkg", "-x", archive, temporary], what=f"unpacking {archive.name}", hint="Is the disk full?")
        for folder in DISCARDED:
            remove_tree(temporary / folder)
        progress.update("relinking")
        localise_links(temporary, target)
        relink(temporary, target, layout.architecture, layout.venv / "bin" / "patchelf")
        mark_complete(temporary, "\n".join(archive.name for archive in archives))
    remove_tree(work)


def fetch(work: Path, packages: PackageSet, arch: Architecture, progress: Progress) -> list[Path]:
    """Let apt fetch the packages and what they need into ``work``; a repeated call continues."""
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    (work / "status").write_text(status_file(packages.provided, arch.debian), encoding="utf-8")
    (work / "sources.list").write_text(
        f"deb [target=Packages arch={arch.debian} signed-by={aptsource.find_keyring()}] "
        f"{aptsource.find_mirror()} {SUITE} main\n",
        encoding="utf-8",
    )
    (work / "apt.conf").write_text(apt_config(work, arch.debian), encoding="utf-8")
    apt: list[str | Path] = ["apt-get", "-c", work / "apt.conf", "-q", "-y", "-o", "APT::Status-Fd=1"]
    progress.update("fetching the package list (10 MB)")
    run([*apt, "update", "--error-on=any"], what="fetching Debian's package list", hint=NETWORK_HINT)

    def show(line: str) -> None:
        if match := DLSTATUS.match(line):
            done = float(match["percent"]) / 100 * packages.download_mb
            progress.update(f"fetched {done:.0f} of about {packages.download_mb} MB")

    run(
        [*apt, "--download-only", "install", *packages.packages],
        what=f"fetching {', '.join(packages.packages)}",
        hint=NETWORK_HINT,
        on_line=show,
    )
    archives = sorted((work / "cache" / "archives").glob("*.deb"))
    if not archives:
        raise SetupError(f"apt fetched nothing for {', '.join(packages.packages)}. {NETWORK_HINT}")
    return archives


def apt_config(work: Path, arch: str) -> str:
    """An apt configuration with a state of its own.

    It is read after the host's, whose proxies and certificates therefore apply; the host's hooks are
    cleared, as they act on the host (container images delete the host's package cache in one of them).
    """
    hooks = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success")
    cleared = (*hooks, "DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs", "APT::Architectures")
    options = {
        "Dir::State": work / "state",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "Dir::Log": work / "log",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Architecture": arch,
        "APT::Architectures::": arch,
        "APT::Default-Release": "",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",  # root's cache is not readable by apt's own user, and needs not be
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Acquire::GzipIndexes": "true",
    }
    return "".join(f"#clear {name};\n" for name in cleared) + "".join(
        f'{name} "{value}";\n' for name, value in options.items()
    )


def status_file(provided: tuple[str, ...], arch: str) -> str:
    """A dpkg status file that says ``provided`` are installed, so that apt leaves them out."""
    return "\n".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 999:0\nArchitecture: {arch}\n"
        f"Multi-Arch: {'allowed' if name == 'perl' else 'foreign'}\n"
        "Maintainer: nobody <nobody@localhost>\nDescription: left out of the private prefix\n"
        for name in provided
    )


def localise_links(tree: Path, target: Path) -> None:
    """Make absolute symbolic links point into the prefix where it has what they name."""
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            link = Path(folder) / name
            if link.is_symlink() and (named := link.readlink()).is_absolute():
                inside = tree / named.relative_to("/")
                if inside.exists() or inside.is_symlink():
                    link.unlink()
                    link.symlink_to(target / named.relative_to("/"))


def relink(tree: Path, target: Path, arch: Architecture, patchelf: Path) -> None:
    """Give the programs in ``tree`` the loader and libraries that they will find in ``target``.

    Raises:
        SetupError: The C library's loader is not where the architecture keeps it.
    """
    if not (tree / arch.loader).exists() and not (tree / arch.loader).is_symlink():
        return  # a prefix without a C library has no programs of its own (Maven)
    libraries = target / arch.libraries
    for program in elf_files(tree, *PROGRAM_FOLDERS):
        if has_interpreter(program):
            _patch(patchelf, program, "--set-interpreter", str(target / arch.loader), rpath=str(libraries))
    for runtime in tree.glob("usr/lib/jvm/java-*"):
        if runtime.is_symlink():
            continue
        own = target / runtime.relative_to(tree) / "lib"
        for file in elf_files(runtime, "bin", "lib", "lib/server"):
            loader = ("--set-interpreter", str(target / arch.loader)) if has_interpreter(file) else ()
            _patch(patchelf, file, *loader, rpath=f"{own}:{own}/server:{libraries}")


def elf_files(tree: Path, *folders: str) -> Iterator[Path]:
    """The ELF files right in the folders, each once, symbolic links left out."""
    for folder in folders:
        for path in sorted((tree / folder).glob("*")):
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    if file.read(4) == ELF:
                        yield path


def has_interpreter(path: Path) -> bool:
    """Whether an ELF file (64 bit, little endian) is a dynamically linked program: has a PT_INTERP header."""
    with path.open("rb") as file:
        header = file.read(64)
        offset = int.from_bytes(header[32:40], "little")
        size, count = int.from_bytes(header[54:56], "little"), int.from_bytes(header[56:58], "little")
        file.seek(offset)
        table = file.read(size * count)
    pt_interp = 3
    return any(int.from_bytes(table[at : at + 4], "little") == pt_interp for at in range(0, len(table), size or 1))


def _patch(patchelf: Path, file: Path, *arguments: str, rpath: str) -> None:
    if not os.access(file, os.W_OK):
        file.chmod(0o755)
    # RPATH rather than RUNPATH: it holds for the libraries of libraries too.
    run(
        [patchelf, *arguments, "--force-rpath", "--set-rpath", rpath, file],
        what=f"relinking {file.name}",
        hint="Run `make clean-all setup`.",
    )
