"""ClamAV's protocol, spoken with the real daemon over TCP and a unix socket, and with what is none."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.media.scanning import Scanner, ScannerAway
from tests.media.servers import VIRUS, VIRUS_NAME, Server, scanning


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clamd-socket") / "clamd.ctl"


@pytest.fixture(scope="module")
def daemon(clamd: str, tmp_path_factory: pytest.TempPathFactory, socket: Path) -> Iterator[Server]:
    with scanning(clamd, tmp_path_factory.mktemp("clamd"), socket) as server:
        asyncio.run(server.answers())
        yield server


@pytest.fixture(params=["tcp", "unix"])
def scanner(request: pytest.FixtureRequest, daemon: Server, socket: Path) -> Scanner:
    return Scanner(f"127.0.0.1:{daemon.port}" if request.param == "tcp" else str(socket), 20.0)


async def test_what_is_clean_and_what_is_not(scanner: Scanner) -> None:
    assert (await scanner.scan(b"hello")).outcome == "clean"
    assert (await scanner.scan(b"")).outcome == "clean"
    found = await scanner.scan(b"x" * 200_000 + VIRUS + b"y" * 200_000)
    assert (found.outcome, found.virus) == ("infected", VIRUS_NAME)


async def test_what_is_too_large_for_it_is_not_clean(scanner: Scanner) -> None:
    # It hangs up on what it will not read; of what it said before, the connection's end may leave nothing to be read.
    try:
        told = await scanner.scan(b"x" * (2 << 20))
    except ScannerAway:
        return
    assert told.outcome == "unscannable"


async def test_what_it_looks_at_in_part_alone_is_not_clean(scanner: Scanner) -> None:
    found = await scanner.scan(b"x" * (900 << 10))
    assert found.outcome == "unscannable"
    assert "Heuristics.Limits.Exceeded.MaxFileSize" in (found.virus or "")


async def test_nobody_there() -> None:
    with pytest.raises(ScannerAway):
        await Scanner("127.0.0.1:1", 1.0).scan(b"hello")
    with pytest.raises(ScannerAway):
        await Scanner("/nowhere/clamd.ctl", 1.0).scan(b"hello")


@pytest.mark.parametrize("answer", [b"stream: OK", b"", b"UNKNOWN COMMAND\0", b"stream: FOUND\0"])
async def test_an_answer_that_is_none_is_no_clean_file(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        with pytest.raises(ScannerAway):
            await Scanner(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", 2.0).scan(b"hello")
    finally:
        server.close()
