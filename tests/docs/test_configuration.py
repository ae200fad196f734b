"""The reference of the configuration is the settings'."""

from __future__ import annotations

from api.settings import ApiSettings
from cli import reference_configuration
from controller.settings import ControllerSettings


def test_the_page_is_what_would_be_written():
    assert reference_configuration.check(), "run: make generate"


def test_every_setting_is_told_with_what_it_is():
    text = reference_configuration.generate()
    for settings in (ApiSettings, ControllerSettings):
        for name, field in settings.model_fields.items():
            assert f"| `BERTH_{name.upper()}` |" in text
            assert field.description


def test_a_stale_page_fails_the_check_and_generate_mends_it(tmp_path, monkeypatch, capsys):
    page = tmp_path / "reference" / "configuration.md"
    monkeypatch.setattr(reference_configuration, "PATH", page)
    assert reference_configuration.main(["check"]) == 1
    assert "generate" in capsys.readouterr().err
    assert reference_configuration.main(["generate"]) == 0
    assert reference_configuration.main(["check"]) == 0
