"""Rules of code bundles: what is refused, by name, and that nothing is ever written outside."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bellrock.domain.errors import Invalid, TooLarge
from bellrock.wire.bundles import BundleLimits, unpack_bundle, validate_bundle

Add = Callable[[tarfile.TarFile], None]


def file(name: str, content: bytes = b"x", mode: int = 0o644) -> Add:
    def add(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), mode
        archive.addfile(info, io.BytesIO(content))

    return add


def entry(name: str, kind: bytes, to: str = "", size: int = 0) -> Add:
    def add(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, to, size
        archive.addfile(info)

    return add


def symlink(name: str, to: str) -> Add:
    return entry(name, tarfile.SYMTYPE, to)


def pack(*adds: Add) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for add in adds:
            add(archive)
    packed.seek(0)
    return packed


def test_files_folders_and_inner_links_are_unpacked(tmp_path: Path) -> None:
    bundle = pack(
        entry("./", tarfile.DIRTYPE),
        file("./package.json", b"{}"),
        file("bin/run.sh", b"#!", mode=0o755),
        symlink("tests/shared/data", "../../fixtures"),
        symlink("a/up", ".."),
        file("fixtures/one.txt", b"1"),
        entry("copy.txt", tarfile.LNKTYPE, "fixtures/one.txt"),
    )
    facts = unpack_bundle(bundle, tmp_path)
    assert (facts.entries, facts.unpacked_bytes) == (7, 5)
    assert (tmp_path / "package.json").read_bytes() == b"{}"
    assert (tmp_path / "tests/shared/data/one.txt").read_bytes() == b"1"
    assert (tmp_path / "a/up/copy.txt").read_bytes() == b"1"
    assert os.access(tmp_path / "bin/run.sh", os.X_OK)
    assert not os.access(tmp_path / "package.json", os.X_OK)


def test_validation_alone_finds_the_same_facts_as_unpacking(tmp_path: Path) -> None:
    adds = (file("package.json", b"{}"), file("deep/er/spec.ts", b"y" * 70_000), symlink("l", "deep"))
    assert validate_bundle(pack(*adds)) == unpack_bundle(pack(*adds), tmp_path)


@pytest.mark.parametrize(
    ("adds", "named", "rule"),
    [
        ((file("../evil"),), "'../evil'", "'..'"),
        ((file("a/../../evil"),), "'a/../../evil'", "'..'"),
        ((file("/etc/cron.d/evil"),), "/etc/cron.d/evil", "absolute"),
        ((symlink("out", "/etc"),), "'out'", "relative links"),
        ((symlink("a/out", "../../etc"),), "'a/out'", "out of the bundle"),
        (
            (symlink("deep/er/up", "../.."), symlink("deep/er/x", "up/../y")),
            "'deep/er/x'",
            "out of the bundle",
        ),
        ((symlink("d", "sub"), file("d/evil")), "'d/evil'", "no folder"),
        ((symlink("d", "sub"), symlink("d", "other")), "'d'", "another entry"),
        ((symlink("x", "y"), symlink("y", "x")), "'x'", "nowhere"),
        ((file("f"), file("f/below")), "'f/below'", "no folder"),
        ((entry("hard", tarfile.LNKTYPE, "../../etc/passwd"),), "'../../etc/passwd'", "'..'"),
        ((entry("hard", tarfile.LNKTYPE, "later"), file("later")), "'hard'", "came before"),
        ((entry("dev", tarfile.CHRTYPE),), "'dev'", "only files"),
        ((entry("pipe", tarfile.FIFOTYPE),), "'pipe'", "only files"),
        ((file("su", mode=0o4755),), "'su'", "set-user-id"),
        ((file("a/" + "n" * 300),), "nnn", "255 bytes"),
        ((file("new\nline"),), "new", "control characters"),
    ],
)
def test_a_bad_entry_is_refused_by_name_and_rule_and_writes_nothing_outside(
    tmp_path: Path, adds: tuple[Add, ...], named: str, rule: str
) -> None:
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    with pytest.raises(Invalid) as refused:
        unpack_bundle(pack(*adds), target)
    assert refused.value.code == "UNSAFE_BUNDLE"
    assert named in refused.value.message
    assert rule in refused.value.message
    assert {path.name for path in tmp_path.rglob("*") if target not in path.parents} == {"deep", "target"}
    with pytest.raises(Invalid):
        validate_bundle(pack(*adds))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        gzip.compress(b"not a tar at all" * 100),
        pack(file("a", b"z" * 99_999)).getvalue()[:-40],
    ],
    ids=["empty", "text", "gzip of text", "cut off"],
)
def test_what_is_no_tar_gz_is_not_a_bundle(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        validate_bundle(io.BytesIO(content))
    assert refused.value.code == "NOT_A_BUNDLE"


def test_an_archive_without_entries_may_be_uploaded_and_is_no_suite(tmp_path: Path) -> None:
    nothing = gzip.compress(bytes(1024))
    assert validate_bundle(io.BytesIO(nothing)).entries == 0
    with pytest.raises(Invalid, match="The bundle is empty") as refused:
        unpack_bundle(io.BytesIO(nothing), tmp_path / "suite")
    assert refused.value.code == "NOT_A_BUNDLE"


def test_the_digest_is_of_what_a_bundle_unpacks_to_in_whatever_order_it_was_packed(tmp_path: Path) -> None:
    one, two = file("a/one", b"1"), file("b", b"2")
    digest = validate_bundle(pack(one, two)).digest
    assert validate_bundle(pack(two, one)).digest == digest
    assert unpack_bundle(pack(two, one), tmp_path / "suite").digest == digest
    others = [(one,), (one, file("b", b"3")), (one, file("c", b"2"))]
    assert digest not in {validate_bundle(pack(*each)).digest for each in others}


def test_a_flipped_byte_is_not_a_bundle() -> None:
    packed = bytearray(pack(file("a", os.urandom(50_000))).getvalue())
    packed[30_000] ^= 0xFF
    with pytest.raises(Invalid) as refused:
        validate_bundle(io.BytesIO(bytes(packed)))
    assert refused.value.code == "NOT_A_BUNDLE"


@pytest.mark.parametrize(
    "limits",
    [
        BundleLimits(packed_bytes=100),
        BundleLimits(unpacked_bytes=50_000),
        BundleLimits(entries=1),
    ],
)
def test_a_bundle_over_a_limit_is_too_large(limits: BundleLimits) -> None:
    with pytest.raises(TooLarge) as refused:
        validate_bundle(pack(file("a", os.urandom(60_000)), file("b")), limits)
    assert refused.value.code == "BUNDLE_TOO_LARGE"


def test_a_million_files_are_refused_at_the_first_that_is_too_many(tmp_path: Path) -> None:
    header = tarfile.TarInfo("f" * 8).tobuf()
    packed = io.BytesIO(gzip.compress(header * 1_000_000, compresslevel=1))
    with pytest.raises(TooLarge) as refused:
        unpack_bundle(packed, tmp_path)
    assert "more than 50000 entries" in refused.value.message
    assert packed.tell() < len(packed.getvalue()) / 10


def test_a_bomb_is_refused_at_its_header_and_not_unpacked(tmp_path: Path) -> None:
    info = tarfile.TarInfo("zeros")
    info.size = 10 * 1024**3
    packed = io.BytesIO(gzip.compress(info.tobuf() + bytes(10 * 1024**2)))
    with pytest.raises(TooLarge) as refused:
        unpack_bundle(packed, tmp_path)
    assert "unpacks to more than" in refused.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_header_that_claims_gigabytes_is_refused_before_it_is_read() -> None:
    def huge_header(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("pax")
        info.type, info.size = tarfile.XHDTYPE, 8 * 1024**3
        assert archive.fileobj is not None
        archive.fileobj.write(info.tobuf())

    with pytest.raises(Invalid) as refused:
        validate_bundle(pack(huge_header))
    assert "header" in refused.value.message


def test_a_later_file_of_the_same_name_replaces_the_earlier_one(tmp_path: Path) -> None:
    unpack_bundle(pack(file("a", b"old"), file("a", b"new")), tmp_path)
    assert (tmp_path / "a").read_bytes() == b"new"
