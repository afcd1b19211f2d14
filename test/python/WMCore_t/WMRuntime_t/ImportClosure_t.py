"""
Tests of ModuleIndex and ImportClosure.
"""
import os
import zipfile

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.ImportClosure import computeClosure, importsOf, isStandardLibrary
from WMCore.WMRuntime.ModuleIndex import indexDirectory, indexPackages, indexWheel, moduleOfPath


def tree(base, files):
    """Write files below a directory; give it as text."""
    for name, text in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(base)


def closureOf(tmp_path, files, roots=("pack.main",), unused=()):
    """Compute the closure in a package made of the given modules."""
    files = dict({"pack/__init__.py": ""}, **files)
    return computeClosure(indexDirectory(tree(tmp_path, files)), roots, unused)


def testImportsInsideFunctionsAreFollowed(tmp_path):
    found = closureOf(tmp_path, {"pack/main.py": "def late():\n    from pack import other\n",
                                 "pack/other.py": "", "pack/stranger.py": ""})
    assert found.modules == ("pack", "pack.main", "pack.other")
    assert found.reachedBy["pack.other"] == "pack.main"


def testRelativeImportsAreFollowed(tmp_path):
    found = closureOf(tmp_path, {"pack/main.py": "from .sub import deep\nfrom . import near\n", "pack/near.py": "",
                                 "pack/sub/__init__.py": "from ..far import x\n", "pack/sub/deep.py": "",
                                 "pack/far.py": "x = 1\n"})
    assert set(found.modules) == {"pack", "pack.main", "pack.near", "pack.far", "pack.sub", "pack.sub.deep"}


def testAModuleThatNeedsAForeignPackageIsLeftOutWithItsReason(tmp_path):
    found = closureOf(tmp_path, {"pack/main.py": "def late():\n    import pack.service\n",
                                 "pack/service.py": "import nosuchclient\nimport pack.helper\n", "pack/helper.py": ""})
    assert found.modules == ("pack", "pack.main")
    assert found.leftOut == {"pack.service": "nosuchclient"}


def testLeavingOutSpreadsToWhoeverNeedsIt(tmp_path):
    found = closureOf(tmp_path, {"pack/main.py": "", "pack/a.py": "import pack.b\n", "pack/b.py": "import pack.c\n",
                                 "pack/c.py": "import nosuchclient\n"}, ("pack.main", "pack.a"))
    assert found.leftOut == {"pack.a": "pack.b", "pack.b": "pack.c", "pack.c": "nosuchclient"}


@pytest.mark.parametrize("handler", ["except ImportError:", "except:", "except (ValueError, ModuleNotFoundError):",
                                     "except Exception as ex:"])
def testAGuardedImportIsNoReasonToLeaveAModuleOut(tmp_path, handler):
    found = closureOf(tmp_path, {"pack/main.py": "try:\n    import nosuchclient\n%s\n    pass\n" % handler})
    assert "pack.main" in found.modules


def testATryThatDoesNotCatchImportErrorsGuardsNothing(tmp_path):
    found = closureOf(tmp_path, {"pack/main.py": "try:\n    import nosuchclient\nexcept KeyError:\n    pass\n"})
    assert found.leftOut == {"pack.main": "nosuchclient"}


def testAnImportThatDependsOnThePythonIsNotHard(tmp_path):
    found = closureOf(tmp_path, {"pack/main.py": "import sys\nif sys.version_info[0] < 3:\n    import urllib2\n"})
    assert "pack.main" in found.modules


def testUnusedNamesAreReachedByHardImportsAlone(tmp_path):
    files = {"pack/main.py": "def late():\n    import pack.old.soft\nimport pack.old.hard\n",
             "pack/old/__init__.py": "", "pack/old/soft.py": "", "pack/old/hard.py": ""}
    assert set(closureOf(tmp_path, files, unused=("pack.old",)).modules) == {"pack", "pack.main", "pack.old",
                                                                            "pack.old.hard"}


def testAMissingRootIsNamed(tmp_path):
    with pytest.raises(WMRuntimeError, match="pack.nowhere"):
        closureOf(tmp_path, {}, ("pack.nowhere",))


def testAModuleThatCannotBeParsedIsNamed(tmp_path):
    with pytest.raises(WMRuntimeError, match="pack.main in .*main.py"):
        closureOf(tmp_path, {"pack/main.py": "print 'python 2'\n"})


def testAnAttributeIsNotTakenForAMissingModule(tmp_path):
    index = indexDirectory(tree(tmp_path, {"pack/__init__.py": "value = 1\n", "pack/main.py": "from pack import value\n"}))
    names = {one.name: one.mayBeAttribute for one in importsOf(index["pack.main"])}
    assert names == {"pack": False, "pack.value": True}
    assert computeClosure(index, ["pack.main"]).modules == ("pack", "pack.main")


def testTheStandardLibraryIsKnownAlsoWithoutPythonsOwnList(monkeypatch):
    monkeypatch.delattr("sys.stdlib_module_names", raising=False)
    assert all(isStandardLibrary(name) for name in ("os", "sys", "json", "math", "zlib", "ctypes"))
    assert not any(isStandardLibrary(name) for name in ("attr", "pytest", "nosuchclient"))


def testTheFirstDirectoryOfAPackageWins(tmp_path):
    ours = tree(tmp_path / "ours", {"pack/__init__.py": "", "pack/a.py": "mine = 1\n"})
    theirs = tree(tmp_path / "theirs", {"pack/__init__.py": "", "pack/a.py": "", "pack/b.py": ""})
    index = indexPackages({"pack": [os.path.join(ours, "pack"), os.path.join(theirs, "pack")]})
    assert index["pack.a"].read() == b"mine = 1\n"
    assert index["pack.b"].location.startswith(theirs)


def testAPackageGoesBeforeAModuleOfTheSameNameAsOnImport(tmp_path):
    index = indexDirectory(tree(tmp_path, {"pack/__init__.py": "", "pack/a.py": "", "pack/a/__init__.py": ""}))
    assert index["pack.a"].isPackage and index["pack.a"].archiveName == "pack/a/__init__.py"


def testDirectoriesThatAreNoPackagesAreNotEntered(tmp_path):
    index = indexDirectory(tree(tmp_path, {"pack/__init__.py": "", "pack/bin/tool.py": "", "bin/tool.py": "",
                                           "pack/__pycache__/x.py": "", "pack/not-a-name.py": ""}))
    assert sorted(index) == ["pack"]


def testAWheelIsReadInPlace(tmp_path):
    path = str(tmp_path / "pack-1-py3-none-any.whl")
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("pack/__init__.py", "x = 1\n")
        wheel.writestr("pack-1.dist-info/METADATA", "")
    index = indexWheel(path)
    assert sorted(index) == ["pack"] and index["pack"].read() == b"x = 1\n"


@pytest.mark.parametrize("path", ["a.txt", "__init__.py", "a-b.py", "a/b-c/d.py", ".py"])
def testWhatCannotBeImportedByNameIsNoModule(path):
    assert moduleOfPath(path) is None
