"""Tests of modules that are loaded late, on every python of this machine: the import system differs from one to the next."""
import json
import os
import subprocess

import pytest

from WMCore.WMRuntime import LateModules

SERIES = ("3.6", "3.8", "3.9", "3.11", "3.13")
FILES = {
    "plain.py": "import json\nVALUE = 1\n__all__ = ['VALUE']\n\n\ndef call():\n    return VALUE\n",
    "parts/__init__.py": "",
    "parts/first.py": "import parts.second\nVALUE = 2\n",
    "parts/second.py": "import parts.first\nVALUE = 3\n",
    "broken.py": "import nowhere\n",
    "slow.py": "import time\nEARLY = 1\ntime.sleep(0.3)\nLATE = 2\n",
}
PROGRAM = """
import importlib.util, json, sys, threading
sys.path.insert(0, %r)
spec = importlib.util.spec_from_file_location("LateModules", %r)
late = importlib.util.module_from_spec(spec)
spec.loader.exec_module(late)
late.importLate({"plain": (), "parts.second": ("parts.first",), "parts.first": (), "broken": (), "slow": (), "none": ()})
def loaded(*names):
    return [name for name in names if sys.modules[name].__loader__.isLoaded]
answer = {}
import plain, plain, parts.second, broken, slow
import parts.first as first
from parts import second
answer["unused"] = loaded("plain", "parts.first", "parts.second", "broken", "slow")
answer["metadata"] = [plain.__name__, plain.__file__, plain.__spec__.name, hasattr(plain, "__path__"), first.__package__]
answer["together"] = [parts.first.VALUE, second.VALUE, loaded("parts.first", "parts.second", "plain")]
names = {}
exec("from plain import *", names)
answer["starred"], answer["called"] = sorted(name for name in names if name != "__builtins__"), plain.call()
try:
    plain.nothing
except AttributeError as ex:
    answer["noName"] = str(ex)
answer["broken"] = []
for _ in range(2):
    try:
        broken.name
    except ImportError as ex:
        answer["broken"].append(ex.name)
try:
    import none
except ImportError as ex:
    answer["none"] = ex.name
seen = []
threads = [threading.Thread(target=lambda: seen.append(slow.LATE)) for _ in range(5)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
answer["threads"] = seen
print(json.dumps(answer))
"""


@pytest.fixture(scope="module", params=SERIES)
def answer(request, interpreters, tmp_path_factory):
    """Give what a program says that imports modules late."""
    python = interpreters.get(request.param)
    if not python:
        pytest.skip("no python %s on this machine" % request.param)
    folder = tmp_path_factory.mktemp("late")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    output = subprocess.check_output([python, "-S", "-B", "-c", PROGRAM % (str(folder), LateModules.__file__)],
                                     universal_newlines=True)
    return dict(json.loads(output), folder=str(folder))


def test_importingLoadsNothing(answer):
    assert answer["unused"] == []
    assert answer["metadata"] == ["plain", os.path.join(answer["folder"], "plain.py"), "plain", False, "parts"]


def test_aNameLoadsItsModuleAndWhatThatImports(answer):
    assert answer["together"] == [2, 3, ["parts.first", "parts.second"]]
    assert answer["called"] == 1 and answer["starred"] == ["VALUE"]


def test_whatIsMissingIsSaidAsEver(answer):
    assert answer["noName"] == "module 'plain' has no attribute 'nothing'" and answer["none"] == "none"
    assert answer["broken"] == ["nowhere", "nowhere"]


def test_aThreadWaitsForAModuleThatAnotherLoads(answer):
    assert answer["threads"] == [2] * 5
