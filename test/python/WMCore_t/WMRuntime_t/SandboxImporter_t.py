"""Tests of importing from a zip, on every python of this machine: the import system differs from one to the next."""
import json
import os
import subprocess
import zipfile

import pytest

from WMCore.WMRuntime import SandboxImporter

SERIES = ("3.6", "3.8", "3.9", "3.11", "3.13")
MEMBERS = {
    "top/__init__.py": "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)\n"
                       "from top.SandboxImporter import importOnce\nimportOnce()\n",
    "top/plain.py": "def fail():\n    raise KeyError('here')\n",
    "top/inner/__init__.py": "VALUE = 1\n",
    "top/inner/deep.py": "from . import VALUE\nfrom .. import plain\n",
    "top/data/": "",
    "top/data/value.txt": "text",
    "top/data/module.py": "VALUE = 2\n",
    "single.py": "VALUE = 3\n",
}
PROGRAM = """
import json, sys, zipimport
count = {}
real = getattr(zipimport, "_compile_source", None)
def compiled(path, source):
    count[path] = count.get(path, 0) + 1
    return real(path, source)
if real:
    zipimport._compile_source = compiled
import top, single, top.plain, top.inner.deep, top.data.module, top.beside
import importlib.util, linecache, pkgutil, traceback
try:
    top.plain.fail()
except KeyError:
    trace = traceback.format_exc()
def missing(name):
    try:
        __import__(name)
    except ImportError as ex:
        return ex.name
print(json.dumps({
    "count": count, "counted": bool(real), "trace": trace,
    "files": {name: [module.__file__, module.__spec__.origin, type(module.__loader__).__name__, module.__package__]
              for name, module in sys.modules.items()
              if name in ("single", "top.plain", "top.inner", "top.inner.deep")},
    "paths": [list(top.__path__), list(top.inner.__path__), list(top.data.__path__)],
    "values": [single.VALUE, top.inner.deep.VALUE, top.data.module.VALUE, top.beside.VALUE],
    "listed": sorted(name for _, name, _ in pkgutil.iter_modules(top.__path__)),
    "data": pkgutil.get_data("top", "data/value.txt").decode(),
    "source": top.plain.__loader__.get_source("top.plain").splitlines()[0],
    "missing": [missing("top.none"), missing("top.plain.none"), missing("nothere")],
    "found": importlib.util.find_spec("top.inner.deep").name}))
"""


@pytest.fixture(scope="module", params=SERIES)
def told(request, interpreters, tmp_path_factory):
    """Give the zip, and what a program says that imports from it; a part of the package is in a directory beside it."""
    python = interpreters.get(request.param)
    if not python:
        pytest.skip("no python %s on this machine" % request.param)
    folder = tmp_path_factory.mktemp("importer")
    archive = str(folder / "Top.zip")
    with open(SandboxImporter.__file__) as handle:
        members = dict(MEMBERS, **{"top/SandboxImporter.py": handle.read()})
    with zipfile.ZipFile(archive, "w") as packed:
        for name, text in members.items():
            packed.writestr(name, text)
    beside = folder / "beside" / "top"
    beside.mkdir(parents=True)
    (beside / "__init__.py").write_text("")
    (beside / "beside.py").write_text("VALUE = 4\n")
    output = subprocess.check_output([python, "-S", "-c", PROGRAM], cwd=str(folder), universal_newlines=True, env={
        "PYTHONPATH": archive + os.pathsep + str(folder / "beside"), "PYTHONDONTWRITEBYTECODE": "1"})
    return archive, json.loads(output)


def test_aModuleIsCompiledOnce(told):
    archive, answer = told
    # These two are imported before there is somebody to do better.
    first = {archive + "/top/__init__.py", archive + "/top/SandboxImporter.py"}
    assert not answer["counted"] or answer["count"]
    assert {name: times for name, times in answer["count"].items() if times > 1 and name not in first} == {}


def test_modulesKnowWhereTheyAreFrom(told):
    archive, answer = told
    for name, path in (("single", "single.py"), ("top.plain", "top/plain.py"), ("top.inner", "top/inner/__init__.py"),
                       ("top.inner.deep", "top/inner/deep.py")):
        where, origin, _, package = answer["files"][name]
        assert where == origin == archive + "/" + path
        assert package == (name if name == "top.inner" else name.rpartition(".")[0])
    assert "Top.zip/top/plain.py\", line 2, in fail" in answer["trace"]
    assert "raise KeyError('here')" in answer["trace"] and answer["source"] == "def fail():"


def test_packagesGoOnInOtherDirectories(told):
    archive, answer = told
    top, inner, data = answer["paths"]
    assert top == [archive + "/top", os.path.join(os.path.dirname(archive), "beside", "top")]
    assert inner == [archive + "/top/inner"] and data == [archive + "/top/data"]
    assert answer["values"] == [3, 1, 2, 4] and answer["found"] == "top.inner.deep"


def test_zipsCanBeListedAndReadAsBefore(told):
    _, answer = told
    assert {"SandboxImporter", "beside", "inner", "plain"} <= set(answer["listed"]) and answer["data"] == "text"


def test_whatIsMissingIsNamed(told):
    assert told[1]["missing"] == ["top.none", "top.plain.none", "nothere"]
