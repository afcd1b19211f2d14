"""
Tests of VendoredPackages.
"""
import zipfile

import pytest

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.VendoredPackages import findVendored, readDirectory, readEnvironment, sandboxPackagesDirectory

BASE = {"attrs": "attr", "packaging": "packaging", "future": "future"}


def makeWheel(directory, name, module, requires=">=3.6", extra=None):
    """Write a small wheel."""
    with zipfile.ZipFile(str(directory / ("%s-1.0-py3-none-any.whl" % name)), "w") as wheel:
        wheel.writestr("%s/__init__.py" % module, "")
        wheel.writestr("%s-1.0.dist-info/METADATA" % name,
                       "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\nRequires-Python: %s\n\nText.\n" % (name, requires))
        wheel.writestr("%s-1.0.dist-info/RECORD" % name, "")
        for member, text in (extra or {}).items():
            wheel.writestr(member, text)


def install(directory, name, module, requires=">=3.6"):
    """Lay a package out as `pip install --target` does."""
    info = directory / ("%s-1.0.dist-info" % name)
    info.mkdir(parents=True)
    (directory / module).mkdir()
    (directory / module / "__init__.py").write_text("")
    (info / "METADATA").write_text("Name: %s\nVersion: 1.0\nRequires-Python: %s\n\n" % (name, requires))
    (info / "direct_url.json").write_text("{}")
    names = ["%s/__init__.py" % module, "%s-1.0.dist-info/METADATA" % name, "%s-1.0.dist-info/direct_url.json" % name,
             "../../bin/tool"]
    (info / "RECORD").write_text("".join("%s,,\n" % one for one in names))


@pytest.mark.parametrize("make", [makeWheel, install])
def testWheelsAndInstalledPackagesAreRead(tmp_path, make):
    for name, module in BASE.items():
        make(tmp_path, name, module)
    found = findVendored(str(tmp_path))
    assert sorted(found) == ["attrs", "future", "packaging"]
    assert list(found["attrs"].modules) == ["attr"] and found["attrs"].version == "1.0"


@pytest.mark.parametrize("make", [makeWheel, install])
def testMetadataIsCarriedButNothingAboutThisMachine(tmp_path, make):
    make(tmp_path, "attrs", "attr")
    metadata = readDirectory(str(tmp_path))["attrs"].metadata
    assert list(metadata) == ["attrs-1.0.dist-info/METADATA"]


def testAPackageTooNewForPython36IsRefusedWithTheRemedy(tmp_path):
    for name, module in BASE.items():
        makeWheel(tmp_path, name, module, ">=3.9" if name == "attrs" else ">=3.6")
    with pytest.raises(WMRuntimeError) as caught:
        findVendored(str(tmp_path))
    assert "attrs 1.0" in str(caught.value) and "3.6" in str(caught.value)
    assert "attrs==22.2.0" in caught.value.hint and "WMRUNTIME_SANDBOX_PACKAGES" in caught.value.hint


def testAPackageTooOldForPython313IsRefused(tmp_path):
    for name, module in BASE.items():
        makeWheel(tmp_path, name, module, ">=2.7, <3.12" if name == "future" else "")
    with pytest.raises(WMRuntimeError, match="3.13"):
        findVendored(str(tmp_path))


def testAMissingPackageIsNamed(tmp_path):
    makeWheel(tmp_path, "attrs", "attr")
    with pytest.raises(WMRuntimeError, match="packaging, future not found in %s" % tmp_path):
        findVendored(str(tmp_path))


def testAMissingDirectoryIsNamed(tmp_path):
    with pytest.raises(WMRuntimeError, match="nowhere"):
        findVendored(str(tmp_path / "nowhere"))


def testABrokenWheelIsNamed(tmp_path):
    (tmp_path / "attrs-1-py3-none-any.whl").write_bytes(b"not a zip")
    with pytest.raises(WMRuntimeError, match="attrs-1-py3-none-any.whl"):
        readDirectory(str(tmp_path))


def testACompiledPackageIsRefused(tmp_path):
    makeWheel(tmp_path, "psutil", "psutil", extra={"psutil/_linux.abi3.so": "x"})
    with pytest.raises(WMRuntimeError, match="psutil/_linux.abi3.so"):
        readDirectory(str(tmp_path))


def testADistributionThatIsThereTwiceIsRefused(tmp_path):
    makeWheel(tmp_path, "attrs", "attr")
    install(tmp_path, "Attrs", "attr")
    with pytest.raises(WMRuntimeError, match="there twice"):
        readDirectory(str(tmp_path))


def testTheRunningEnvironmentGivesOnlyTheBasePackages(tmp_path):
    install(tmp_path, "attrs", "attr")
    install(tmp_path, "elsewhere", "elsewhere")
    assert list(readEnvironment([str(tmp_path / "nowhere"), str(tmp_path)])) == ["attrs"]


def testTheDirectoryIsNamedByTheEnvironmentThenByTheInstallation(tmp_path):
    installed = tmp_path / "share" / "wmcore-runtime" / "sandbox-packages"
    assert sandboxPackagesDirectory({}, str(tmp_path)) is None
    installed.mkdir(parents=True)
    assert sandboxPackagesDirectory({}, str(tmp_path)) == str(installed)
    assert sandboxPackagesDirectory({"WMRUNTIME_SANDBOX_PACKAGES": "/x"}, str(tmp_path)) == "/x"


def testTheAgentsOwnTooNewCopiesAreTakenWithAWarning(tmp_path, monkeypatch, caplog):
    for name, package in (("attrs", "attr"), ("packaging", "packaging"), ("future", "future")):
        install(tmp_path, name, package, requires=">=3.9" if name == "attrs" else ">=3.6")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert sorted(findVendored()) == ["attrs", "future", "packaging"]
    assert "attrs" in caplog.text and "3.6" in caplog.text and "WMRUNTIME_SANDBOX_PACKAGES" in caplog.text
