# SPDX-License-Identifier: MIT
"""Loads our tools, which have no .py in their names, as modules."""
import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def load_tool(monkeypatch):
    """load_tool(NAME): tools/NAME as a fresh module."""
    def load(name):
        loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "tools" / name))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
        monkeypatch.setattr("sys.dont_write_bytecode", True)
        loader.exec_module(module)
        return module

    return load
