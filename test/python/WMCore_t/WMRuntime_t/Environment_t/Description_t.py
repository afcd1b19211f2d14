"""Tests of Environment/Description, its reader and the file that comes with the runtime."""
import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

import WMCore.WMRuntime.Environment as room
from WMCore.WMRuntime.Environment.Description import Description, loadDescription
from WMCore.WMRuntime.Environment.DescriptionReader import MAX_BYTES, readDescription
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.VendoredPackages import BASE_DISTRIBUTIONS

with open(os.path.join(os.path.dirname(room.__file__), "requirements.cfg"), "rb") as handle:
    PACKAGED = handle.read()
PYTHONS = ((3, 6, 15), (3, 8, 18), (3, 9, 18), (3, 10, 13), (3, 11, 7), (3, 12, 1), (3, 13, 0))
SMALL = b"""
[runtime]
area paths = WMRuntime COMP
cpus = x86_64 aarch64
[system rhel8]
python = >=3.8
serves = el8 cs8
glibc = 2.28
image x86_64 = /cvmfs/images/el8
[library attrs]
imports = attr attrs
need = needed
pure = yes
licence = MIT
why = values
versions =
    python <3.8: >=22.2, pin 22.2.0
    python >=3.8: >=22.2,<27, pin 25.3.0
"""


def read(data):
    return readDescription(data, "needs.cfg", "0")


class TestPackaged(object):
    def test_itDescribesTheTwelveAreasOfTodayAndRHEL10(self):
        names = [(system.name, cpu) for system, cpu in loadDescription().targets()]
        assert len(names) == len(set(names)) == 15
        assert {name for name, _cpu in names} == {"rhel6", "rhel7", "rhel8", "rhel9", "rhel10"}
        assert {cpu for _name, cpu in names} == {"x86_64", "aarch64", "ppc64le"}

    @pytest.mark.parametrize("system, good, bad", [
        ("rhel6", ["3.6.4", "3.6.15"], ["3.5.9", "3.7.0", "3.8.2"]), ("rhel7", ["3.8.2", "3.13.0"], ["3.6.15", "2.7.18"]),
        ("rhel8", ["3.8.2"], ["3.6.8"]), ("rhel9", ["3.9.6"], ["3.8.2"]), ("rhel10", ["3.12.1"], ["3.8.18"])])
    def test_itAsksForThePythonsOfTheRequirementsPage(self, system, good, bad):
        python = loadDescription().system(system).python
        assert [version for version in good + bad if version in python] == good

    def test_itKnowsTheCLibraryOfEachSystem(self):
        assert [system.glibc for system in loadDescription().systems] == [12, 17, 28, 34, 39]

    @pytest.mark.parametrize("python", PYTHONS)
    def test_everyPythonGetsWhatTheSandboxCarriesAndWhatHelps(self, python):
        libraries = {library.name: library for library, _versions in loadDescription().librariesFor(python)}
        assert set(BASE_DISTRIBUTIONS) - {"pyparsing"} <= {name for name in libraries if libraries[name].need == "needed"}
        assert {"psutil", "lxml"} == {name for name in libraries if not libraries[name].pure}
        assert ("pyparsing" in libraries) == (python < (3, 8))

    @pytest.mark.parametrize("python", PYTHONS)
    def test_theVersionsASandboxCarriesWillDoForEveryPython(self, python):
        carried = {"attrs": "22.2.0", "packaging": "21.3", "future": "1.0.0"}
        ranges = {library.name: versions for library, versions in loadDescription().librariesFor(python)}
        assert all(version in ranges[name] for name, version in carried.items())

    def test_theOldFutureIsRefusedWhereItCannotBeImported_11401(self):
        future = loadDescription().library("future")
        assert "0.18.2" in future.rowFor((3, 9, 6)).versions
        assert "0.18.3" not in future.rowFor("3.12.1").versions

    def test_everyScramArchOfTheRuntimeIsServedByOneSystem(self):
        from WMCore.WMRuntime.Tools.ScramArch import ARCH_TO_OS
        description = loadDescription()
        for prefix, systems in ARCH_TO_OS.items():
            serving = [system.name for system in description.systems if system.servesArch(prefix + "_amd64_gcc9")]
            assert serving == systems

    @pytest.mark.parametrize("name", ["attrs", "packaging", "future"])
    def test_itNamesEveryModuleThatALibrarysWheelBrings(self, sandboxPackages, name):
        library = loadDescription().library(name)
        metadata, = [one for one in os.listdir(sandboxPackages) if one.startswith(name + "-")]
        with open(os.path.join(sandboxPackages, metadata, "RECORD")) as handle:
            tops = {line.split("/")[0] for line in handle}
        assert {top for top in tops if top.isidentifier()} == set(library.imports + library.also)

    def test_whatAWheelBringsBesidesIsNamesOfModules(self):
        assert read(SMALL.replace(b"licence = MIT", b"licence = MIT\nalso = one two")).libraries[0].also == ("one", "two")
        with pytest.raises(WMRuntimeError, match="option also"):
            read(SMALL.replace(b"licence = MIT", b"licence = MIT\nalso = one/two"))

    def test_itsHashIsThatOfTheFile(self):
        assert loadDescription().sha256 == hashlib.sha256(PACKAGED).hexdigest()


class TestReading(object):
    def test_aFileOfAPersonIsRead(self, tmp_path):
        path = tmp_path / "needs.cfg"
        path.write_bytes(SMALL)
        found = loadDescription(str(path))
        assert found.areaPaths == ("WMRuntime", "COMP") and found.cpus == ("x86_64", "aarch64")
        assert found.system("rhel8").images == {"x86_64": "/cvmfs/images/el8"}
        assert found.system("rhel8").cpus == found.cpus and found.system("rhel5") is None
        assert found.librariesFor((3, 9, 1)) == ((found.library("attrs"), SpecifierSet(">=22.2,<27")),)
        assert [row.pinned for row in found.library("attrs").versions] == ["22.2.0", "25.3.0"]

    def test_aSystemMayHaveFewerCPUs(self):
        found = read(SMALL.replace(b"serves", b"cpus = x86_64\nserves"))
        assert [cpu for _system, cpu in found.targets()] == ["x86_64"]

    @pytest.mark.parametrize("old, new, named", [
        (b"python = >=3.8\n", b"", "section [system rhel8], option python"),
        (b"python = >=3.8\n", b"python = 3.8 or newer\n", "expected version specifiers"),
        (b"glibc = 2.28\n", b"", "section [system rhel8], option glibc: expected a version of the C library"),
        (b"glibc = 2.28", b"glibc = 3.1", "such as 2.28, found '3.1'"),
        (b"need = needed", b"need = wanted", "needed or helps"),
        (b"pure = yes", b"pure = maybe", "yes or no"),
        (b"pin 25.3.0", b"pin 28.0", "a pin that <27,>=22.2 accepts"),
        (b"pin 25.3.0", b"", "section [library attrs], option versions"),
        (b"pin 25.3.0", b"pin newest", "a version after `pin`"),
        (b"= values", b"= values\nwhence = here", "option whence: expected no such option"),
        (b"[system rhel8]", b"[system ../rhel8]", "a system such as rhel8"),
        (b"[system rhel8]", b"[machine rhel8]", "found 'machine rhel8'"),
        (b"/cvmfs/images/el8", b"images el8", "an absolute path"),
        (b"WMRuntime COMP", b"WMRuntime ../COMP", "option area paths"),
        (b"image x86_64", b"image sparc", "option image sparc"),
        (b"[runtime]", b"[Runtime]", "section [runtime]"),
        (b"[library attrs]", b"[library attrs]\n[library attrs]", "already exists"),
        (b"[runtime]", b"[runtime", "expected INI text"),
        (b"values", b"\xff\xfe", "expected INI text in UTF-8"),
    ])
    def test_anErrorNamesFileSectionOptionAndWhatWasExpected(self, old, new, named):
        assert old in SMALL
        with pytest.raises(WMRuntimeError) as caught:
            read(SMALL.replace(old, new))
        assert "needs.cfg" in str(caught.value) and named in str(caught.value) and caught.value.hint

    def test_aFileThatIsNotThereIsNamed(self, tmp_path):
        with pytest.raises(WMRuntimeError) as caught:
            loadDescription(str(tmp_path / "none.cfg"))
        assert str(tmp_path / "none.cfg") in str(caught.value)

    def test_aFileWithoutEndIsRefused(self):
        with pytest.raises(WMRuntimeError) as caught:
            read(SMALL + b"# " + b"x" * MAX_BYTES)
        assert "more than %d bytes" % MAX_BYTES in str(caught.value)

    @given(st.data())
    def test_anyMangledFileGivesADescriptionOrTheError(self, data):
        text = bytearray(data.draw(st.sampled_from([SMALL, PACKAGED])))
        for _ in range(data.draw(st.integers(1, 5))):
            start = data.draw(st.integers(0, len(text)))
            end = start + data.draw(st.integers(0, 40))
            text[start:end] = data.draw(st.one_of(st.binary(max_size=12), st.sampled_from(
                [b"=", b"[", b"]\n", b"\n", b"\n    ", b":", b"%(", b"#", b",", b">=", b"\0", b"[runtime]\n"])))
        try:
            assert isinstance(read(bytes(text)), Description)
        except WMRuntimeError as ex:
            assert "needs.cfg" in str(ex)

    @given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
    def test_garbageGivesTheError(self, data):
        with pytest.raises(WMRuntimeError):
            read(data)
