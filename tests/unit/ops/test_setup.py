"""Set-up's decisions: where packages come from, what a step costs, when it is done, what a kill leaves."""

import os
import sys
from importlib.util import cache_from_source
from pathlib import Path

import kafka
import pydantic
import pytest

from ops.setup import aptsource, java, layout, prefix, steps, tool
from ops.setup.console import SetupError
from ops.setup.packages import JRE, MAVEN, SERVERS

MIRROR = "http://mirror.test/debian"
DISABLED = "Types: deb\nEnabled: no\nURIs: http://off.test/debian\nSuites: trixie\nComponents: main"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", f"deb {MIRROR} bookworm main contrib\n"),
        (
            "sources.list",
            f"# deb http://old.test/debian sid main\ndeb [arch=amd64 signed-by=/k.gpg] {MIRROR} trixie main\n",
        ),
        ("sources.list", f"deb http://s.test/debian-security bookworm-security main\ndeb {MIRROR} stable main # why\n"),
        ("debian.sources", f"Types: deb\n# comment\nURIs: {MIRROR}\nSuites: trixie trixie-updates\nComponents: main\n"),
        ("debian.sources", f"Types: deb\nURIs:\n {MIRROR}\nSuites: bookworm\nComponents:\n main\n non-free\n"),
        ("x.sources", f"{DISABLED}\n\n\nTypes: deb deb-src\nURIs: {MIRROR}\nSuites: trixie\nComponents: main\n"),
    ],
)
def test_mirror_is_found_in_sources(name: str, text: str) -> None:
    assert aptsource.mirror_in([(name, text)]) == MIRROR


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.list", "deb https://packages.test/apt cloud-sdk-bookworm main\n"),
        ("x.list", "deb http://s.test/debian-security bookworm-security main\n"),
        ("x.list", "deb http://u.test/ubuntu noble main\n"),
        ("x.list", "deb-src http://mirror.test/debian trixie main\n"),
        ("x.sources", "Types: deb\nURIs: https://node.test/node\nSuites: nodistro\nComponents: main\n"),
        ("x.sources", ""),
    ],
)
def test_other_sources_are_not_taken_for_the_archive(name: str, text: str) -> None:
    assert aptsource.mirror_in([(name, text)]) is None


def test_mirror_in_apts_own_answer() -> None:
    lines = [
        "Debian|Debian-Security|bookworm-security|http://mirror.test/debian-security/",
        "Debian|Debian|bookworm-updates|http://updates.test/debian/",
        "cloud|cloud|x|https://packages.test/apt/",
        "",
        f"Debian|Debian|bookworm|{MIRROR}/",
    ]
    assert aptsource.mirror_in_targets(lines) == f"{MIRROR}/"
    assert aptsource.mirror_in_targets(lines[:-1]) is None


def test_mirror_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(aptsource.OVERRIDE, MIRROR)
    assert aptsource.find_mirror() == MIRROR


def test_no_mirror_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(aptsource.OVERRIDE, raising=False)
    monkeypatch.setattr(aptsource, "_from_apt", lambda: None)
    monkeypatch.setattr(aptsource, "APT_ETC", tmp_path)
    with pytest.raises(SetupError, match=aptsource.OVERRIDE):
        aptsource.find_mirror()


def test_apt_gets_a_state_of_its_own_and_none_of_the_hosts_hooks() -> None:
    text = prefix.apt_config(Path("/work"), "arm64")
    assert 'Dir::State "/work/state";' in text
    assert "#clear APT::Update::Post-Invoke;" in text
    assert "#clear DPkg::Post-Invoke;" in text
    assert 'APT::Architectures:: "arm64";' in text
    assert "Dir::Etc::parts" not in text  # the host's proxies apply


def test_apt_believes_that_what_is_left_out_is_there() -> None:
    text = prefix.status_file(("perl", "libllvm19"), "amd64")
    assert text.count("Status: install ok installed") == 2
    assert (
        "Package: perl\nStatus: install ok installed\nVersion: 999:0\nArchitecture: amd64\nMulti-Arch: allowed" in text
    )


def test_estimate_adds_up_only_what_is_missing() -> None:
    everything = steps.estimate(steps.ALL_STEPS)
    assert everything.download_mb > steps.estimate(steps.CHECK_STEPS).download_mb > 100
    assert 1 <= everything.minutes <= 5
    assert steps.estimate(()).minutes == 1


def test_keys_depend_on_every_input(tmp_path: Path) -> None:
    assert layout.content_key("a", "b") != layout.content_key("ab")
    assert layout.content_key("a", "b") == layout.content_key("a", "b")
    here = layout.Layout(tmp_path)
    names = {here.servers.name, here.jre.name, here.maven.name, here.kafka.name}
    assert len(names) == 4
    assert SERVERS.identity != JRE.identity != MAVEN.identity


def test_cache_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert layout.cache_dir() == Path("/somewhere/digital-eyes")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/invalid")
    assert layout.cache_dir() == Path.home() / ".cache" / "digital-eyes"


def test_unknown_machines_are_explained() -> None:
    assert layout.architecture("aarch64").debian == "arm64"
    with pytest.raises(SetupError, match="riscv64"):
        layout.architecture("riscv64")


def test_a_killed_step_leaves_the_old_state_and_the_next_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "thing"

    def make(text: str, *, die: bool) -> None:
        with tool.replacing(target) as temporary:
            (temporary / "file").write_text(text)
            if die:
                raise KeyboardInterrupt
            layout.mark_complete(temporary)

    with pytest.raises(KeyboardInterrupt):
        make("half", die=True)
    assert not layout.is_complete(target)
    make("whole", die=False)
    assert layout.is_complete(target)
    with pytest.raises(KeyboardInterrupt):
        make("half", die=True)
    assert (target / "file").read_text() == "whole"


def test_a_failing_tool_is_quoted_with_what_to_do() -> None:
    with pytest.raises(SetupError, match=r"(?s)fetching failed \(status 3\):\nE: no route\nIs it up\?"):
        tool.run([sys.executable, "-c", "print('E: no route'); exit(3)"], what="fetching", hint="Is it up?")
    with pytest.raises(SetupError, match="cannot start /nonexistent"):
        tool.run(["/nonexistent"], what="x", hint="y")


def test_absolute_links_are_turned_into_the_prefix(tmp_path: Path) -> None:
    tree, target = tmp_path / "tree", tmp_path / "target"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "conf").touch()
    (tree / "inside").symlink_to("/etc/conf")
    (tree / "outside").symlink_to("/proc/version")
    (tree / "relative").symlink_to("etc/conf")
    prefix.localise_links(tree, target)
    assert (tree / "inside").readlink() == target / "etc" / "conf"
    assert (tree / "outside").readlink() == Path("/proc/version")
    assert (tree / "relative").readlink() == Path("etc/conf")


def test_programs_are_told_from_other_files(tmp_path: Path) -> None:
    assert prefix.has_interpreter(Path("/bin/sh").resolve())
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert list(prefix.elf_files(tmp_path, ".")) == []


@pytest.mark.parametrize(("text", "major"), [('JAVA_VERSION="17.0.15"', 17), ('JAVA_VERSION="1.8.0_392"', 8), ("", 0)])
def test_java_version_is_read_from_its_release_file(tmp_path: Path, text: str, major: int) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.touch()
    (tmp_path / "release").write_text(text)
    assert java.java_major(program) == major


def test_no_registry_is_named_in_set_up() -> None:
    here = Path(layout.__file__).parent
    registries = [
        ".".join(parts) for parts in (("deb", "debian"), ("repo", "maven"), ("pypi", "org"), ("central", "sonatype"))
    ]
    for path in (*here.glob("*.py"), *here.glob("*.xml"), layout.CHECKOUT / "Makefile"):
        text = path.read_text()
        assert [name for name in registries if name in text] == [], path


def test_an_old_java_on_the_path_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "release").write_text('JAVA_VERSION="11.0.2"\n')
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}")
    assert java.host_java() is None
    (tmp_path / "release").write_text('JAVA_VERSION="21"\n')
    assert java.host_java() == program


def test_what_every_process_reads_is_compiled() -> None:
    for module in (pydantic, kafka):
        assert module.__file__ is not None
        assert Path(cache_from_source(module.__file__)).exists()
