from pathlib import Path

import pytest
from pydantic import ValidationError

from runtime.settings import Settings, settings_with


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EYES_CONFIG", raising=False)
    return tmp_path


def test_the_order_is_defaults_stack_file_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().mqtt.port == 11883
    stack = folder / "var" / "stack"
    stack.mkdir(parents=True)
    (stack / "client.toml").write_text('[mqtt]\nport = 1\nusername = "ingest"\n')
    assert Settings().mqtt.port == 1
    (folder / "eyes.toml").write_text("[mqtt]\nport = 2\n")
    assert Settings().mqtt.port == 2
    monkeypatch.setenv("EYES_MQTT__PORT", "3")
    assert Settings().mqtt.port == 3
    assert Settings().mqtt.username == "ingest", "what one source leaves out the next one says"


def test_the_file_is_found_from_a_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "eyes.toml").write_text('site = "yuzhou"\n')
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Settings().site == "yuzhou"


def test_a_key_that_does_not_exist_is_named(folder: Path) -> None:
    (folder / "eyes.toml").write_text("[mqtt]\nprot = 2\n")
    with pytest.raises(ValidationError, match=r"mqtt\.prot"):
        Settings()


def test_secrets_do_not_show(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYES_MQTT__PASSWORD", "hunter2")
    settings = Settings()
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings!r}{settings}{settings.model_dump_json()}"


@pytest.mark.parametrize("dsn", ["host=x password=hush", "postgresql://eyes:hush@x/eyes", "host=x  password = hush"])
def test_a_password_in_the_connection_string_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYES_DATABASE__DSN", dsn)
    with pytest.raises(ValidationError, match="EYES_DATABASE__PASSWORD"):
        Settings()


def test_servers_bind_to_an_address_that_clients_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYES_STACK__HOST", "0.0.0.0")
    with pytest.raises(ValidationError, match="one address"):
        Settings()


def test_metrics_on_every_address_are_reached_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().metrics.local_host == "127.0.0.1"
    monkeypatch.setenv("EYES_METRICS__HOST", "0.0.0.0")
    assert Settings().metrics.local_host == "127.0.0.1"
    monkeypatch.setenv("EYES_METRICS__HOST", "10.1.2.3")
    assert Settings().metrics.local_host == "10.1.2.3"


def test_another_environment_is_only_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYES_SITE", "here")
    assert settings_with({"EYES_SITE": "there"}).site == "there"
    assert Settings().site == "here"
    with pytest.raises(ValidationError):
        settings_with({"EYES_MQTT__PORT": "none"})
    assert Settings().mqtt.port == 11883
