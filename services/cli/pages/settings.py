"""docs/settings.md, from the model."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.runtime.config import Settings

_HEAD = """# Settings

For whoever writes a settings file. This page is made from the code by `make docs`: every key, with its default.

One YAML file, named by `--config` or `SWITCHBOARD_CONFIG`. Any key can be set from the environment too; two underscores part the
levels: `SWITCHBOARD_KAFKA__BOOTSTRAP=broker:9092`. A `SWITCHBOARD_` variable that is no setting is an error, so a misspelt one cannot pass
unseen. Variables that Kubernetes makes of a service, and those that the file names by `{env: …}`, are none.

A secret is never written in the file: it is `{file: /run/secrets/x}` or `{env: NAME}`.

```sh
switchboard config check --config switchboard.yaml    # names the file, whom it calls, the tenants; each fault with its key
switchboard dev                                       # writes a first switchboard.yaml, with a comment on every key
```

"""
_RUNNING = """`switchboard ingress`, `processor`, `sender` and `simulator` run the services. Each but the simulator answers `/healthz`, `/readyz` (with
the reasons why not) and `/metrics`, on a port of its own where others reach the service (`ingress.operations_port` 9080,
`processor.operations_port` 9081; the sender's `port` 8082 is for that alone). Logs are JSON lines with phone numbers and addresses masked. They run as any user, write only to
their data and spool folders, and honour `HTTPS_PROXY`."""
_UNIONS = (Union, UnionType)
_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    Decimal: "number",
    bool: "true or false",
    Path: "path",
    AwareDatetime: "time",
}


def page() -> str:
    """The whole page."""
    sections = [_table("At the top", Settings, "")]
    for name, field in Settings.model_fields.items():
        if name == "tenants":
            sections += _sections("tenants.NAME", get_args(field.annotation)[1])
        elif (model := _model(field)) is not None:
            sections += _sections(name, model)
    example = Path(__file__).with_name("example.yaml").read_text(encoding="utf-8")
    return f"{_HEAD}## An example\n\n```yaml\n{example}```\n\n{_RUNNING}\n" + "\n".join(sections)


def _sections(path: str, model: type[BaseModel]) -> Iterator[str]:
    yield _table(f"`{path}`", model, path)
    for name, field in model.model_fields.items():
        inner = _model(field) or _model_of_values(field)
        if inner is not None:
            yield from _sections(f"{path}.{name}" if _model(field) else f"{path}.{name}.NAME", inner)


def _table(title: str, model: type[BaseModel], path: str) -> str:
    rows = [
        f"| `{name}` | {_cell(_type(field))} | {_default(field)} | {_cell(_what(field))} |"
        for name, field in model.model_fields.items()
        if _model(field) is None
    ]
    about = f"{_sentence(model)}\n\n" if path and _sentence(model) else ""
    head = "| key | type | default | |\n| --- | --- | --- | --- |\n"
    return f"## {title}\n\n{about}{head}" + "\n".join(rows) + "\n"


def _sentence(model: type[BaseModel]) -> str:
    text = model.__doc__ or ""
    return "" if text == BaseModel.__doc__ else re.sub(r"\s+", " ", text).strip()


def _model(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _model_of_values(field: FieldInfo) -> type[BaseModel] | None:
    if get_origin(field.annotation) is not dict:
        return None
    kind = get_args(field.annotation)[1]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _type(field: FieldInfo) -> str:
    return _named(field.annotation)


def _named(kind: Any) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _named(inside[0])
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inside)
    if origin in _UNIONS:
        return " or ".join(_named(one) for one in inside if one is not type(None))
    if origin in (list, tuple):
        return f"list of {_named(inside[0])}"
    if origin is dict:
        return f"{_named(inside[0])} → {_named(inside[1])}"
    if kind is SecretStr:
        return "secret"
    return _WORDS.get(kind, "section" if isinstance(kind, type) else "text")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ([], {}, ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | list):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{_cell(str(value))}`"


def _what(field: FieldInfo) -> str:
    return re.sub(r"\s+", " ", field.description or "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
