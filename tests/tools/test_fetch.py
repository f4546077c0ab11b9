# SPDX-License-Identifier: MIT
"""tools/fetch: apt sources of both formats, recipes, sums, unpacking. No network is asked."""
import hashlib
import os
import tarfile

import pytest


@pytest.fixture
def fetch(load_tool, monkeypatch):
    module = load_tool("fetch")
    monkeypatch.setattr(module, "debian_codename", lambda: "bookworm")
    return module


def test_one_line_sources(fetch):
    text = """
        deb cdrom:[Debian]/ bookworm main
        deb [arch=amd64 signed-by=/key.gpg] http://one.invalid/debian bookworm main contrib # said
        # deb http://off.invalid/debian bookworm main
        deb https://other.invalid tool-stable main
        deb-src http://two.invalid/debian bookworm/updates main
        deb http://three.invalid/debian bookworm contrib
    """
    assert list(fetch.from_one_line(text)) == [
        "Types: deb-src\nUris: http://one.invalid/debian\nSuites: bookworm\nComponents: main\n"
        "Signed-By: /key.gpg",
        "Types: deb-src\nUris: http://two.invalid/debian\nSuites: bookworm/updates\nComponents: main",
    ]


def test_deb822_sources(fetch):
    text = """Types: deb
# a remark
URIs: http://one.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Architectures: amd64
Signed-By:
 -----BEGIN KEY-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://other.invalid/
Suites: nodistro
Components: main
"""
    assert list(fetch.from_deb822(text)) == [
        "Types: deb-src\nUris: http://one.invalid/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\nSigned-By: \n -----BEGIN KEY-----\n .\n abc"]


@pytest.fixture
def port(fetch, tmp_path, monkeypatch):
    """A port `thing` whose tarball is in the cache; (fetch, its tarball, its recipe file)."""
    cache, source = tmp_path / "cache", tmp_path / "thing-1"
    cache.mkdir()
    source.mkdir()
    (source / "file").write_text("content\n")
    tarball = cache / "thing_1.orig.tar.gz"
    with tarfile.open(tarball, "w:gz") as archive:
        archive.add(source, arcname="thing-1")
    recipe = tmp_path / "ports" / "thing" / "recipe"
    recipe.parent.mkdir(parents=True)
    recipe.write_text("# a port\nname: thing\nversion: 1\nsource: thing\ntarball: thing_1.orig.tar.gz\n"
                      f"sha256: {hashlib.sha256(tarball.read_bytes()).hexdigest()}\n")
    monkeypatch.setattr(fetch, "ROOT", tmp_path)
    monkeypatch.setenv("EURALIOS_CACHE", str(cache))
    return fetch, tarball, recipe


def test_unpacks_read_only_from_the_cache(port, tmp_path):
    fetch, _tarball, _recipe = port
    assert fetch.main(["thing"]) == 0
    file = tmp_path / "build" / "upstream" / "thing" / "file"
    assert file.read_text() == "content\n"
    assert os.stat(file).st_mode & 0o222 == 0
    assert fetch.main(["thing"]) == 0


def test_wrong_sum_is_refused(port, tmp_path, capsys):
    fetch, tarball, _recipe = port
    tarball.write_bytes(tarball.read_bytes() + b"x")
    assert fetch.main(["thing"]) == 1
    assert "SHA-256" in capsys.readouterr().err
    assert not (tmp_path / "build" / "upstream" / "thing").exists()


def test_a_new_sum_unpacks_anew(port, tmp_path):
    fetch, tarball, recipe = port
    assert fetch.main(["thing"]) == 0
    old = fetch.sha256_of(tarball)
    with tarfile.open(tarball, "w:gz") as archive:
        archive.add(recipe, arcname="thing-1/other")
    recipe.write_text(recipe.read_text().replace(old, fetch.sha256_of(tarball)))
    assert fetch.main(["thing"]) == 0
    assert [p.name for p in (tmp_path / "build" / "upstream" / "thing").iterdir()] == ["other"]


@pytest.mark.parametrize("text, complaint", [
    ("name: thing\n", "no `version:`"),
    ("name thing\n", "not `key: value`"),
    ("name: t\nversion: 1\nsource: t\ntarball: t\nsha256: ABC\n", "64 lower-case"),
])
def test_bad_recipes(port, capsys, text, complaint):
    fetch, _tarball, recipe = port
    recipe.write_text(text)
    assert fetch.main(["thing"]) == 1
    assert complaint in capsys.readouterr().err


def test_unknown_port(port, capsys):
    fetch, _tarball, _recipe = port
    assert fetch.main(["nothing"]) == 1
    assert "no such recipe" in capsys.readouterr().err
