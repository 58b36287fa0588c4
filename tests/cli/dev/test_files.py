"""Which files `switchboard dev` looks at: the settings, and the secrets that they name."""

from pathlib import Path

from services.cli.dev.files import Files


def test_a_change_of_the_settings_or_of_a_secret_is_seen_once(tmp_path: Path) -> None:
    settings, secret, other = (tmp_path / name for name in ("switchboard.yaml", "token", "other"))
    secret.write_text("one")
    settings.write_text(f"tenants: {{acme: {{auth_tokens: [{{file: '{secret}'}}]}}}}\n")
    files = Files(settings)
    other.write_text("nobody's")
    assert files.changed() is None
    secret.write_text("another")
    assert (files.changed(), files.changed()) == (secret, None)
    settings.write_text("[not: yaml")
    assert files.changed() == settings
    settings.unlink()
    assert (files.changed(), files.changed()) == (settings, None)
