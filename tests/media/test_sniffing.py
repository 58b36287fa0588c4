"""What a file is by its content, whatever it is called."""

import io
import zipfile

import pytest

from services.media.sniffing import sniff

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name in names:
            made.writestr(name, "<x/>")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "declared", "type_"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"p" * 90, "image/jpeg", "image/jpeg"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"p" * 90, "image/png", "image/jpeg"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"p" * 90, None, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 90, "application/octet-stream", "image/png"),
        (b"GIF89a" + b"\0" * 90, "image/gif", "image/gif"),
        (b"%PDF-1.7\n" + b"x" * 90, "application/pdf", "application/pdf"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 50, "video/mp4", "video/mp4"),
        (b"\0\0\0\x18ftyp3gp4\0\0\0\0" + b"\0" * 50, "video/3gpp", "video/3gpp"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0" + b"\0" * 50, "audio/mp4", "audio/mp4"),
        (b"OggS\0\x02" + b"\0" * 22 + b"\x01\x13OpusHead" + b"\0" * 50, "audio/ogg; codecs=opus", "audio/ogg"),
        (b"#!AMR\n" + b"\0" * 50, "audio/amr", "audio/amr"),
        (b"ID3\x03\0" + b"\0" * 50, "audio/mpeg", "audio/mpeg"),
        (b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 50, "image/webp", "image/webp"),
        (b"BEGIN:VCARD\nVERSION:3.0\nEND:VCARD\n", "text/x-vcard", "text/x-vcard"),
        (b"hello there", "text/plain; charset=utf-8", "text/plain"),
        (b"a,b\n1,2\n", "text/csv", "text/csv"),
        (b"hello there", "image/jpeg", "text/plain"),
        (archive("a.txt"), "image/jpeg", "application/zip"),
        (archive("[Content_Types].xml", "word/document.xml"), WORD, WORD),
        (archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), WORD, "application/zip"),
        (archive("a.exe"), WORD, "application/zip"),
        (b"PK\x03\x04 not an archive", "image/jpeg", "application/zip"),
        (b"\0\1\2\3\4\5\6", "image/jpeg", "application/octet-stream"),
        (b"", "image/jpeg", "text/plain"),
    ],
)
def test_what_it_is(content: bytes, declared: str | None, type_: str) -> None:
    assert sniff(content, declared) == type_


def test_a_zip_with_more_names_than_a_document_has_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    content = archive("[Content_Types].xml", "word/document.xml", *(f"word/{number}" for number in range(10_000)))
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert sniff(content, WORD) == "application/zip"


@pytest.mark.parametrize("declared", ["image/jpeg", "text/plain", "image/svg+xml"])
@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><script>alert(1)</script>",
        b"  <svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>",
        b"MZ\x90\0" + b"\0" * 100,
        b"\x7fELF" + b"\0" * 100,
    ],
)
def test_what_may_run_is_never_taken_for_a_picture_or_a_text(content: bytes, declared: str) -> None:
    found = sniff(content, declared)
    assert not found.startswith(("image/jpeg", "text/plain", "audio/", "video/", "application/pdf"))
