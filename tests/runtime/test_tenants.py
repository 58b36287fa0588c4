"""Tenants out of their files: all or nothing each, what was wrong changes nothing, what never changes is refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.cli.main import app
from services.domain.clock import later
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.section import ConfigError
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.files import Found, Refused, Said, TenantFiles
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.watching import AGES, Watch
from tests.waiting import eventually


class Folder:
    """A folder of tenants as a ConfigMap mounts it, with secrets as a Secret does: `..data` is swapped."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.tenants = Tenants()
        self.path = home / "tenants"
        self.path.mkdir()
        self.files = TenantFiles(dict, None, self.path)
        self.told: list[set[str]] = []
        self.tenants.listen(lambda names: self.told.append(set(names)))
        self._mounts = 0

    def secret(self, name: str, text: str) -> dict[str, str]:
        (self.home / name).write_text(text, encoding="utf-8")
        return {"file": str(self.home / name)}

    def tenant(self, account: str = "1", **more: Any) -> dict[str, Any]:
        secrets = {"auth_tokens": [self.secret("token", "first")], "contact_secret": self.secret("contacts", "c")}
        return {"account_sid": "AC" + account * 32, **secrets, **more}

    def mount(self, **tenants: dict[str, Any] | str) -> None:
        """All of them at once, as the kubelet does it."""
        self._mounts += 1
        revision = self.path / f"..rev_{self._mounts}"
        revision.mkdir()
        for name, content in tenants.items():
            text = content if isinstance(content, str) else yaml.safe_dump(content)
            (revision / f"{name}.yaml").write_text(text, encoding="utf-8")
            if not (link := self.path / f"{name}.yaml").is_symlink():
                link.symlink_to(Path("..data") / f"{name}.yaml")
        (self.path / "..next").symlink_to(revision.name)
        (self.path / "..next").rename(self.path / "..data")
        for link in self.path.glob("*.yaml"):
            if link.stem not in tenants:
                link.unlink()

    def look(self, afresh: bool = False) -> set[str]:
        return set(self.tenants.take(self.files.look(afresh)))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_tenants_come_change_and_go(folder: Folder) -> None:
    folder.mount(acme=folder.tenant())
    assert folder.look() == {"acme"}
    folder.mount(acme=folder.tenant(dry_run=True), zeta=folder.tenant("2"))
    assert folder.look() == {"acme", "zeta"}
    assert folder.tenants["acme"].dry_run
    folder.mount(acme=folder.tenant(dry_run=True), zeta=folder.tenant("2", state="closed"))
    assert folder.look() == {"zeta"}
    folder.mount(acme=folder.tenant(dry_run=True))
    assert folder.look() == {"zeta"}
    assert list(folder.tenants) == ["acme"]
    assert folder.look() == set()
    assert folder.told == [{"acme"}, {"acme", "zeta"}, {"zeta"}, {"zeta"}]
    assert folder.tenants.troubles() == []


def test_what_has_not_changed_is_the_same_object(folder: Folder) -> None:
    folder.mount(acme=folder.tenant(), zeta=folder.tenant("2"))
    folder.look()
    made: list[str] = []

    def make(name: str, _: Any) -> str:
        made.append(name)
        return name

    derived = Derived(folder.tenants, make)
    assert [derived["acme"], derived.get("nobody"), derived["acme"]] == ["acme", None, "acme"]
    folder.mount(acme=folder.tenant(), zeta=folder.tenant("2", dry_run=True))
    folder.look(afresh=True)
    assert [derived["acme"], derived["zeta"]] == ["acme", "zeta"]
    assert made == ["acme", "zeta"]
    folder.mount(acme=folder.tenant(rate_limits={"each": 3}), zeta=folder.tenant("2", dry_run=True))
    folder.look()
    assert [derived["acme"], made] == ["acme", ["acme", "zeta", "acme"]]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("]", "is not YAML"),
        ("a: &x [*x]", "account_sid: Field required"),
        ("", "account_sid: Field required"),
        ("- a", "settings: Input should be"),
        ("\x00", "is not YAML"),
        ({"account_sid": "AC" + "1" * 32, "colour": "red"}, "colour: no such key"),
        (
            {"auth_tokens": [{"file": "nowhere/at/all"}]},
            f"No such file or directory in {Path.cwd()}; write its whole path",
        ),
        ({"auth_tokens": [{"file": "/nowhere/at/all"}]}, "cannot read the secret file /nowhere/at/all"),
        ({"auth_tokens": ["in the file"]}, "never in the file itself"),
    ],
)
def test_a_wrong_file_changes_nothing_and_is_told(folder: Folder, wrong: Any, told: str) -> None:
    folder.mount(acme=folder.tenant())
    folder.look()
    as_it_was = folder.tenants["acme"]
    folder.mount(acme=wrong, zeta=folder.tenant("2"), new=wrong)
    assert folder.look() == {"zeta"}
    assert folder.tenants["acme"] is as_it_was
    assert [told in trouble for trouble in folder.tenants.troubles()] == [True, True]
    assert [str(folder.path / "acme.yaml") in trouble for trouble in folder.tenants.troubles()] == [True, False]
    # One that was never usable is waited for: its webhooks are not told that there is no such tenant.
    assert [folder.tenants.awaited(name) for name in ("acme", "zeta", "new", "nobody")] == [False, False, True, False]
    folder.mount(acme=folder.tenant(), zeta=folder.tenant("2"), new=folder.tenant("3"))
    assert folder.look() == {"new"}
    assert not folder.tenants.troubles()
    assert not folder.tenants.awaited("new")


def test_one_that_is_awaited_may_have_the_accounts_that_its_file_names_or_any(folder: Folder) -> None:
    folder.mount(acme=folder.tenant("1") | {"subaccounts": {"AC" + "2" * 32: []}, "contact_secret": {"file": "gone"}})
    folder.look()
    assert [folder.tenants.await_one_of("AC" + one * 32) for one in "123"] == [True, True, False]
    folder.mount(acme="account_sid: [")
    folder.look()
    assert folder.tenants.await_one_of("AC" + "3" * 32)
    folder.mount(acme=folder.tenant("1"))
    folder.look()
    assert not folder.tenants.await_one_of("AC" + "1" * 32)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: folder.tenant("2"), "account_sid never changes, and was AC1111"),
        (
            lambda folder: folder.tenant(contact_secret=folder.secret("another", "other")),
            "contact_secret never changes",
        ),
    ],
)
def test_what_never_changes_is_refused(folder: Folder, change: Callable[[Folder], Any], told: str) -> None:
    folder.mount(acme=folder.tenant())
    folder.look()
    folder.mount(acme=change(folder) | {"dry_run": True})
    assert folder.look() == set()
    assert not folder.tenants["acme"].dry_run, "all or nothing"
    assert [told in trouble for trouble in folder.tenants.troubles()] == [True]
    # Nor by a detour.
    folder.mount(acme=folder.tenant(state="closed"))
    folder.look()
    folder.mount()
    folder.look()
    assert "acme" not in folder.tenants
    folder.mount(acme=change(folder))
    assert folder.look() == set()
    assert folder.tenants.awaited("acme")


def test_a_tenant_is_closed_before_it_is_removed(folder: Folder) -> None:
    folder.mount(acme=folder.tenant(), zeta=folder.tenant("2"))
    folder.look()
    folder.mount()
    assert folder.look() == set()
    assert sorted(folder.tenants) == ["acme", "zeta"]
    assert all("was not closed" in trouble for trouble in folder.tenants.troubles())


def test_a_folder_that_cannot_be_read_proves_nothing(folder: Folder) -> None:
    folder.mount(acme=folder.tenant(), zeta=folder.tenant("2", state="closed"))
    folder.look()
    gone = folder.path.rename(folder.home / "elsewhere")
    assert folder.look() == set()
    assert sorted(folder.tenants) == ["acme", "zeta"]
    assert "cannot be read" in folder.tenants.troubles()[0]
    gone.rename(folder.path)
    assert folder.look() == set()
    assert folder.tenants.troubles() == []


def test_a_secret_is_read_again_when_its_file_changes(folder: Folder) -> None:
    folder.mount(acme=folder.tenant())
    folder.look()
    # In place, of the same length, within one tick of the file system's clock; and swapped.
    folder.secret("token", "secnd")
    assert folder.look() == {"acme"}
    assert folder.tenants["acme"].auth_tokens[0].get_secret_value() == "secnd"
    (folder.home / "next").write_text("third")
    os.rename(folder.home / "next", folder.home / "token")
    assert folder.look() == {"acme"}
    assert folder.tenants["acme"].credentials[1] == "third"
    (folder.home / "token").unlink()
    assert folder.look() == set()
    assert folder.tenants["acme"].credentials[1] == "third"
    assert "cannot read the secret file" in folder.tenants.troubles()[0]


def test_a_settled_folder_is_not_read_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mount(acme=folder.tenant())
    for file in folder.home.rglob("*"):
        os.utime(file, (1, 1))
    folder.look()
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read again"))
    assert folder.look() == set()


def test_the_settings_file_may_hold_tenants_too(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder.home / "switchboard.yaml"
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    folder.mount(zeta=folder.tenant("2"), twice=folder.tenant("3"))
    content = {"tenants_dir": str(folder.path), "tenants": {"acme": folder.tenant(), "twice": folder.tenant("3")}}
    file.write_text(yaml.safe_dump(content))
    tenants = tenants_of(Settings())
    assert sorted(tenants) == ["acme", "zeta"]
    assert "twice stands in the settings file's tenants too" in tenants.troubles()[0]


def test_a_trouble_of_several_tenants_is_told_once() -> None:
    """A settings file that is broken says the same of each tenant in it, and one that is the same is one."""
    same, own = "switchboard.yaml is not YAML; correct it there", "own.yaml: no such key"
    tenants = Tenants()
    tenants.take(Found({name: Said(Refused(said)) for name, said in (("acme", same), ("zeta", same), ("own", own))}))
    assert tenants.troubles() == [same, own]


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    with pytest.raises(ConfigError, match=r"tenants_dir: .* cannot be read"):
        tenants_of(Settings(tenants_dir=tmp_path / "nowhere"))


def test_settings_that_cannot_be_read_again_change_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder.home / "switchboard.yaml"
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    file.write_text(yaml.safe_dump({"tenants": {"acme": folder.tenant()}}))
    from services.runtime.tenants.opening import opened

    tenants, watch = opened(Settings(), None)
    watch.take(watch._files.look())
    file.write_text("tenants: {acme: {}}")
    watch.take(watch._files.look())
    assert tenants["acme"].account_sid == "AC" + "1" * 32
    assert "account_sid: Field required" in tenants.troubles()[0]
    file.write_text(yaml.safe_dump({"tenants": {"acme": folder.tenant(dry_run=True)}}))
    watch.take(watch._files.look())
    assert tenants["acme"].dry_run
    assert tenants.troubles() == []


def test_a_comparison_says_what_changes_for_whom_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old, new = Folder(tmp_path / "old"), Folder(tmp_path / "new")
    old.mount(acme=old.tenant(), zeta=old.tenant("2"), gone=old.tenant("3"), shut=old.tenant("4", state="closed"))
    changed = {"auth_tokens": [new.secret("other", "0therSecret")], "consent": {"stop_words": ["basta"]}}
    new.mount(acme=new.tenant(**changed), zeta=new.tenant("5"), more=new.tenant("6"))
    told = CliRunner().invoke(app, ["config", "diff", str(old.path), str(new.path)])
    assert told.exit_code == 1
    assert "acme: consent.stop_words: [] → [basta]\n    messages that come from now on" in told.output
    assert "acme: auth_tokens: [a secret] → [a secret]" in told.output
    assert "more: added" in told.output
    assert "shut: removed" in told.output
    assert "refused: zeta: account_sid never changes" in told.output
    assert "refused: gone: its file is gone, and it was not closed" in told.output
    assert "0therSecret" not in told.output
    same = CliRunner().invoke(app, ["config", "diff", str(old.path), str(old.path)])
    assert (same.exit_code, same.output) == (0, "Nothing changes.\n")


def test_a_comparison_says_what_would_do_harm_to_callbacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("token").write_text("t")

    def write(folder: Path, keys: dict[int, str]) -> None:
        signers = {}
        for minutes, secret in keys.items():
            Path(secret).write_text(secret)
            signers[later(now(), minutes * 60.0)] = {"file": secret}
        secrets = {"auth_tokens": [{"file": "token"}], "contact_secret": {"file": "token"}}
        folder.mkdir(exist_ok=True)
        content = {"account_sid": "AC" + "1" * 32, **secrets, "callback_keys": signers}
        (folder / "acme.yaml").write_text(yaml.safe_dump(content))

    def diff(old: dict[int, str], new: dict[int, str]) -> tuple[int, str]:
        """Of keys that sign from so many minutes from now on."""
        write(Path("old"), old)
        write(Path("new"), new)
        told = CliRunner().invoke(app, ["config", "diff", "old", "new"])
        return told.exit_code, told.output

    day = 24 * 60
    assert diff({}, {30: "one"})[0] == 0
    # It signs once each ingress must have read it.
    assert diff({}, {5: "one"})[0] == 0
    code, told = diff({}, {-31 * day: "one"})
    assert (code, "harmful: acme: callback_keys: a new key is dated a month back" in told) == (1, True)
    code, told = diff({-90 * day: "one", -59 * day: "two"}, {-59 * day: "two"})
    assert (code, "harmful: acme: callback_keys: a key is taken off" in told) == (1, True)
    assert diff({-90 * day: "one", -61 * day: "two"}, {-61 * day: "two"})[0] == 0


def test_the_age_of_each_secret_is_shown(folder: Folder) -> None:
    folder.mount(acme=folder.tenant())
    os.utime(folder.home / "token", (1000, 1000))
    folder.look()
    watch = Watch(folder.tenants, folder.files)
    found = {tuple(one.labels.values()): one.value for metric in AGES.collect() for one in metric.samples}
    assert found["acme", "auth_tokens", str(folder.home / "token")] == 1000
    assert found["acme", "contact_secret", str(folder.home / "contacts")] > 1000
    del watch


async def test_a_watch_sees_a_change_by_itself_and_at_once_where_it_is_asked(folder: Folder) -> None:
    folder.mount(acme=folder.tenant())
    async with Watch(folder.tenants, folder.files, every_s=0.02).running():
        folder.mount(acme=folder.tenant(dry_run=True))
        await eventually(lambda: folder.tenants["acme"].dry_run, what="it is seen")
    patient = Watch(folder.tenants, folder.files, every_s=3600)
    async with patient.running():
        folder.mount(acme=folder.tenant())
        patient.again()
        await eventually(lambda: not folder.tenants["acme"].dry_run, what="it is seen on SIGHUP")
