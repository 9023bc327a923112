"""Which files of a suite are taken for snapshots that a run has made."""

from pathlib import Path

from bellrock.runner.executors.playwright.snapshots import made_anew, snapshots_before


def put(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_links_and_packages_are_no_snapshots(tmp_path: Path) -> None:
    root, outside = tmp_path / "suite", put(tmp_path / "outside.png", "secret")
    put(root / "package.json", "{}")
    before = snapshots_before(root)
    put(root / "node_modules/a-snapshots/a.png", "of a package")
    kept_apart = root / "a.spec.js-snapshots"
    put(kept_apart / "real.png", "made")
    (kept_apart / "link.png").symlink_to(outside)
    (kept_apart / "folder").symlink_to(tmp_path)
    assert [each.name for each in made_anew(root, root, before)] == ["snapshots/a.spec.js-snapshots/real.png"]


def test_a_folder_that_a_suite_put_a_link_in_place_of_has_none(tmp_path: Path) -> None:
    root = tmp_path / "suite"
    put(root / "web/package.json", "{}")
    before = snapshots_before(root / "web")
    put(tmp_path / "elsewhere/b-snapshots/b.png", "of somebody else")
    (root / "web").rename(root / "gone")
    (root / "web").symlink_to(tmp_path / "elsewhere")
    assert list(made_anew(root / "web", root, before)) == []
