# SPDX-License-Identifier: MIT
"""tools/mkboot: the boot archive is the same bytes for the same input."""
import os
import tarfile


def make(tool, folder, entries, name="boot.tar"):
    listing = folder / "list"
    listing.write_text("".join(f"{path}={file}\n" for path, file in entries))
    status = tool.main([str(folder / name), str(listing)])
    return status, folder / name


def test_archive_has_folders_first_and_fixed_metadata(load_tool, tmp_path):
    tool = load_tool("mkboot")
    for name in ("shell", "motd"):
        (tmp_path / name).write_text(name)
    entries = [("etc/motd", tmp_path / "motd"), ("bin/shell", tmp_path / "shell")]
    status, path = make(tool, tmp_path, entries)
    assert status == 0
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert [m.name for m in members] == ["bin", "etc", "bin/shell", "etc/motd"]
        assert [m.mode for m in members] == [0o755, 0o755, 0o755, 0o644]
        assert {(m.uid, m.gid, m.mtime, m.uname) for m in members} == {(0, 0, 0, "root")}
        assert archive.extractfile("bin/shell").read() == b"shell"
    first = path.read_bytes()
    os.utime(tmp_path / "motd", (1, 1))
    assert make(tool, tmp_path, entries[::-1], "again.tar")[1].read_bytes() == first


def test_two_files_for_one_path_are_refused(load_tool, tmp_path, capsys):
    (tmp_path / "a").write_text("a")
    status, path = make(load_tool("mkboot"), tmp_path, [("bin/a", tmp_path / "a"), ("bin/a", tmp_path / "b")])
    assert status == 1 and not path.exists()
    assert "bin/a is both" in capsys.readouterr().err
