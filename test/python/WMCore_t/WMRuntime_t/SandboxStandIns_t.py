"""Tests of what a sandbox has in place of modules that load too much."""
import ast
import importlib
import subprocess
import sys

import pytest

from WMCore.WMException import WMException
from WMCore.WMRuntime.SandboxStandIns import STAND_INS

MOVED = """
import sys
from future.moves.urllib import request
from future.moves.urllib.request import urlopen, urlparse, quote
import urllib.parse, urllib.request
assert urlparse is urllib.parse.urlparse and request.build_opener is urllib.request.build_opener
names = {}
exec("from future.moves.urllib.request import *", names)
assert "urlretrieve" in names
print(urlopen(request.Request("file:" + sys.argv[1])).read().decode())
assert not [name for name in ("tkinter", "xmlrpc", "test", "socketserver") if name in sys.modules]
try:
    request.nothing
except AttributeError as ex:
    print(ex)
"""


def source(name):
    """Give the source of a stand-in."""
    return next(standIn for standIn in STAND_INS if standIn.name == name).read()


@pytest.mark.parametrize("standIn", STAND_INS, ids=lambda standIn: standIn.name)
def test_thereIsSuchAModuleAndItHasWhatTheStandInHas(standIn):
    module = importlib.import_module(standIn.name)
    assert hasattr(module, "__path__") == standIn.isPackage
    defined = [node.name for node in ast.parse(standIn.read()).body if hasattr(node, "name")]
    assert all(hasattr(module, name) for name in defined if not name.startswith("_"))


def test_futuresUrllibWorksAsBefore(tmp_path):
    (tmp_path / "future" / "moves" / "urllib").mkdir(parents=True)
    (tmp_path / "future" / "__init__.py").write_text("")
    (tmp_path / "future" / "moves" / "__init__.py").write_bytes(source("future.moves"))
    (tmp_path / "future" / "moves" / "urllib" / "__init__.py").write_text("")
    (tmp_path / "future" / "moves" / "urllib" / "request.py").write_bytes(source("future.moves.urllib.request"))
    (tmp_path / "text").write_text("read")
    program = tmp_path / "program.py"
    program.write_text(MOVED)
    output = subprocess.check_output([sys.executable, "-S", "-B", str(program), str(tmp_path / "text")],
                                     universal_newlines=True)
    read, missing = output.splitlines()
    assert read == "read" and "nothing" in missing


def test_anExceptionOfTheConfigCacheIsOneOfWMCores():
    names = {"__name__": "standIn"}
    exec(source("WMCore.Cache.WMConfigCache"), names)  # pylint: disable=exec-used
    real = importlib.import_module("WMCore.Cache.WMConfigCache").ConfigCacheException
    assert real.__bases__ == names["ConfigCacheException"].__bases__ == (WMException,)
    assert "text" in str(names["ConfigCacheException"]("text"))
