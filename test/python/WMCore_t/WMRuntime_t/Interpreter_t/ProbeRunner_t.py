"""Probing candidates: every python of the machine, noisy sites, shims, things that are no python."""
import json
import os
import subprocess
import sys
import time
import zipfile

import pytest

from WMCore.WMRuntime.Interpreter.ProbeCache import ProbeCache
from WMCore.WMRuntime.Interpreter.ProbeRunner import ProbeRunner, probeSource

SERIES = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
PLAIN = {"PATH": "/usr/bin:/bin"}


def program(path, text):
    """Write a program."""
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def bash(path, text):
    return program(path, "#!/bin/bash\n" + text)


def requirePython(interpreters, series):
    if series not in interpreters:
        pytest.skip("this machine has no python %s" % series)
    return interpreters[series]


@pytest.mark.parametrize("series", SERIES)
def test_eachPythonOfTheMachineSaysWhatItIs(interpreters, series):
    path = requirePython(interpreters, series)
    verdict = ProbeRunner().probe(path, PLAIN, ["json"])
    assert verdict.answered, verdict.problem
    assert "%d.%d" % verdict.version[:2] == series
    assert (verdict.implementation, verdict.missing, verdict.started) == ("CPython", {}, 1)
    assert os.path.realpath(verdict.executable) == os.path.realpath(path)


@pytest.mark.parametrize("series", SERIES)
def test_aModuleItCannotImportIsNamedWithTheError(interpreters, series):
    verdict = ProbeRunner().probe(requirePython(interpreters, series), PLAIN, ["json", "no_such_module"])
    assert list(verdict.missing) == ["no_such_module"]
    assert "no_such_module" in verdict.missing["no_such_module"]


def test_theScriptParsesOnPython26():
    # No 2.6 is left to run it on: what 2.7 took in and 2.6 did not is looked for instead.
    import ast
    tree = ast.parse(probeSource())
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.SetComp, ast.DictComp, ast.Set, ast.JoinedStr))]
    assert ".format(" not in probeSource()
    assert all(len(node.items) == 1 for node in ast.walk(tree) if isinstance(node, ast.With))


@pytest.mark.parametrize("series", ["2.7", "3.6", "3.13"])
def test_aNoisySiteIsIgnored(interpreters, series, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.stdout.write('{\"version\": [9, 9, 9]}\\n' + ' '.join(getattr(sys, 'argv', [])) + '\\n')\n"
        "class Eater(object):\n"
        "    def write(self, text): pass\n"
        "    def flush(self): pass\n"
        "sys.stdout.flush()\nsys.stdout = Eater()\n")
    environ = dict(PLAIN, PYTHONPATH=str(tmp_path))
    verdict = ProbeRunner().probe(requirePython(interpreters, series), environ)
    assert verdict.answered, verdict.problem
    assert "%d.%d" % verdict.version[:2] == series


def test_aBannerOnStdoutIsIgnored(tmp_path):
    path = bash(tmp_path / "python3", "echo 'Welcome! $@:' \"$@\"\n\"%s\" \"$@\"\nstatus=$?\necho bye\nexit $status\n"
                % sys.executable)
    verdict = ProbeRunner().probe(path, PLAIN)
    assert verdict.answered, verdict.problem
    assert verdict.version == sys.version_info[:3]


def test_aSiteThatPrintsMoreThanIsKeptStillLetsTheAnswerThrough(tmp_path):
    path = bash(tmp_path / "python3", "head -c 3000000 /dev/zero | tr '\\0' x\nexec \"%s\" \"$@\"\n" % sys.executable)
    assert ProbeRunner().probe(path, PLAIN).answered


def test_aModuleInTheCallersDirectoryIsNotTaken(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise RuntimeError('wrong json')\n")
    monkeypatch.chdir(tmp_path)
    assert ProbeRunner().probe(sys.executable, PLAIN, ["json"]).missing == {}


def test_aModuleThatEndsThePythonIsAMissingModule(tmp_path):
    (tmp_path / "rude.py").write_text("import sys\nsys.exit('no licence')\n")
    verdict = ProbeRunner().probe(sys.executable, dict(PLAIN, PYTHONPATH=str(tmp_path)), ["rude", "json"])
    assert list(verdict.missing) == ["rude"] and "no licence" in verdict.missing["rude"]


def test_aHangingInterpreterIsStoppedAndTriedTwiceButNotAgain(tmp_path):
    calls = tmp_path / "calls"
    path = bash(tmp_path / "python3", "echo $$ >>%s\nexec sleep 60\n" % calls)
    runner = ProbeRunner(timeout=0.3)
    begin = time.time()
    verdict = runner.probe(path, PLAIN)
    assert "did not answer within 0.3 s" in verdict.problem and not verdict.definite
    assert time.time() - begin < 10
    assert verdict.started == 2 == len(calls.read_text().split())
    assert runner.probe(path, PLAIN).started == 0
    assert not any(os.path.exists("/proc/%s" % pid) for pid in calls.read_text().split())


def test_oneFailureIsForgivenByTheSecondTry(tmp_path):
    path = bash(tmp_path / "python3", "if mkdir %s/first 2>/dev/null; then echo 'stale file handle' >&2; exit 1; fi\n"
                "exec \"%s\" \"$@\"\n" % (tmp_path, sys.executable))
    verdict = ProbeRunner().probe(path, PLAIN)
    assert verdict.answered and verdict.started == 2


def test_aShimLeadsToTheInterpreterBehindIt(tmp_path):
    path = program(tmp_path / "python3", "#!/usr/bin/env bash\nexec '%s' \"$@\"\n" % sys.executable)
    verdict = ProbeRunner().probe(path, PLAIN)
    assert verdict.version == sys.version_info[:3]
    assert os.path.realpath(verdict.executable) == os.path.realpath(sys.executable)


def test_aPythonThatAnswersAndThenFailsIsNotTrustedWithExitCodes(tmp_path):
    path = bash(tmp_path / "python3", "\"%s\" \"$@\"\nexit 7\n" % sys.executable)
    assert "ended with status 7" in ProbeRunner().probe(path, PLAIN).problem


@pytest.mark.parametrize("text,expected", [
    ("#!/bin/bash\necho hello\n", "it is no python that runs: status 0, it said: hello"),
    ("#!/bin/bash\necho 'libpython3.9.so.1.0: cannot open shared object file' >&2\nexit 127\n", "status 127, it said: lib"),
    ("#!/no/such/interpreter\n", "cannot be started"),
    ("\x7fELF garbage", "cannot be started"),
    ("#!/bin/bash\nkill -SEGV $$\n", "status 139"),
])
def test_whatIsNoPythonSaysWhy(tmp_path, text, expected):
    assert expected in ProbeRunner().probe(program(tmp_path / "python3", text), PLAIN).problem


def test_anAnswerOfAnotherShapeIsNoAnswer(tmp_path):
    for answer in ('{}', '[]', 'null', '{"version": ["3", 9, 1]}', '{"version": [3, 9]}', 'nonsense',
                   '[' * 100000, '{"version": [3, 9, 1], "missing": [], "level": "final"}'):
        path = bash(tmp_path / "python3", "a=$3 b=$4\nprintf '%%s' \"$(rev <<<\"$a\")\" '%s' \"$(rev <<<\"$b\")\"\n"
                    % answer[:9000])
        assert "its answer cannot be read" in ProbeRunner().probe(path, PLAIN).problem


def test_whatCannotBeStartedIsSaidWithoutStartingIt(tmp_path):
    os.symlink("/cvmfs/nowhere/bin/python3", str(tmp_path / "dangling"))
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    for name, expected in (("dangling", "the link leads to /cvmfs/nowhere/bin/python3, which is not there"),
                           ("plain", "may not be executed"), ("absent", "no such file"), ("", "it is no file")):
        verdict = ProbeRunner().probe(str(tmp_path / name) if name else str(tmp_path), PLAIN)
        assert expected in verdict.problem and verdict.started == 0
    for path in ("python3", "", "bin/python3"):
        assert "is no absolute path" in ProbeRunner().probe(path, PLAIN).problem
    for path in ("/bin/py\0thon", "/bin/\ud800"):
        assert ProbeRunner().probe(path, PLAIN).problem


def test_anEnvironmentNoProcessCanHaveIsAProblemNotAnError():
    assert ProbeRunner().probe(sys.executable, dict(PLAIN, PYTHONPATH="\ud800")).problem
    assert ProbeRunner().probe(sys.executable, dict(PLAIN, PYTHONPATH="a\0b")).problem


def counted(tmp_path):
    """A python that counts its starts."""
    path = bash(tmp_path / "python3", "echo x >>%s/starts\nexec \"%s\" \"$@\"\n" % (tmp_path, sys.executable))
    return path, lambda: len((tmp_path / "starts").read_text().split())


def test_aKnownVerdictStartsNothing(tmp_path):
    path, starts = counted(tmp_path)
    runner = ProbeRunner()
    assert runner.probe(path, PLAIN).started == 1
    again = runner.probe(path, PLAIN)
    assert (again.started, again.version, starts()) == (0, sys.version_info[:3], 1)


def test_theVerdictIsForgottenWhenTheFileChanges(tmp_path):
    path, starts = counted(tmp_path)
    runner = ProbeRunner()
    runner.probe(path, PLAIN)
    os.utime(path, (1, 1))
    assert runner.probe(path, PLAIN).started == 1
    times = os.stat(path)
    with open(path, "a") as handle:
        handle.write("# longer\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert runner.probe(path, PLAIN).started == 1 and starts() == 3


def test_theVerdictOnAShimIsForgottenWhenTheInterpreterBehindItChanges(tmp_path, interpreters):
    old, new = [requirePython(interpreters, series) for series in ("3.6", "3.9")]
    real = tmp_path / "real"
    os.symlink(old, str(real))
    path = bash(tmp_path / "python3", "exec %s \"$@\"\n" % real)
    runner = ProbeRunner()
    before = runner.probe(path, PLAIN)
    os.remove(str(real))
    os.symlink(new, str(real))
    after = runner.probe(path, PLAIN)
    assert before.version[:2] == (3, 6)
    assert after.version[:2] == (3, 9)


def test_anotherEnvironmentOrOtherModulesAreAnotherVerdict(tmp_path):
    path, starts = counted(tmp_path)
    runner = ProbeRunner()
    runner.probe(path, PLAIN)
    runner.probe(path, dict(PLAIN, PYTHONPATH=str(tmp_path)))
    runner.probe(path, PLAIN, ["bz2"])
    assert starts() == 3


def test_theFileServesOtherProcesses(tmp_path):
    path, starts = counted(tmp_path)
    cache = str(tmp_path / "probes.json")
    first = ProbeRunner(cache=ProbeCache(cache)).probe(path, PLAIN)
    second = ProbeRunner(cache=ProbeCache(cache)).probe(path, PLAIN)
    assert first == second and (second.started, starts()) == (0, 1)
    assert [name for name in os.listdir(str(tmp_path)) if name.startswith(".probes")] == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 2, "entries": {}}', b'{"format": 1, "entries": []}',
                                     b"\xff\xfe", b"[" * 200000, b" " * 2000000])
def test_aBrokenFileCostsAProbeOnly(tmp_path, content):
    cache = tmp_path / "probes.json"
    cache.write_bytes(content)
    path, starts = counted(tmp_path)
    assert ProbeRunner(cache=ProbeCache(str(cache))).probe(path, PLAIN).started == 1
    assert ProbeRunner(cache=ProbeCache(str(cache))).probe(path, PLAIN).started == 0


def test_aTamperedVerdictIsNotUsed(tmp_path):
    cache = tmp_path / "probes.json"
    path, _ = counted(tmp_path)
    ProbeRunner(cache=ProbeCache(str(cache))).probe(path, PLAIN)
    for name, value in (("facts", {"version": "3.9"}), ("facts", None), ("behind", [None]), ("behind", []), ("stamp", 1)):
        content = json.loads(cache.read_text())
        for entry in content["entries"].values():
            entry[name] = value
        cache.write_text(json.dumps(content))
        assert ProbeRunner(cache=ProbeCache(str(cache))).probe(path, PLAIN).started == 1


def test_aFileThatCannotBeWrittenIsNoError(tmp_path):
    assert ProbeRunner(cache=ProbeCache(str(tmp_path / "no" / "probes.json"))).probe(sys.executable, PLAIN).answered


def test_itWorksFromAZip(tmp_path, sourceTree, sandboxPackages, interpreters):
    archive = str(tmp_path / "WMCore.zip")
    with zipfile.ZipFile(archive, "w") as target:
        for top, package in ((sourceTree, "WMCore"), (sandboxPackages, "attr"), (sandboxPackages, "packaging"),
                             (sandboxPackages, "pyparsing")):
            for folder, _, names in os.walk(os.path.join(top, package)):
                for name in names:
                    if name.endswith(".py"):
                        path = os.path.join(folder, name)
                        target.write(path, os.path.relpath(path, top))
    code = ("import sys\nfrom WMCore.WMRuntime.Interpreter import ProbeRunner\n"
            "assert '.zip' in ProbeRunner.__file__, ProbeRunner.__file__\n"
            "verdict = ProbeRunner.ProbeRunner().probe(sys.executable, {'PYTHONPATH': sys.argv[1]},"
            " ['WMCore.WMRuntime.Errors'])\n"
            "print(verdict.version == sys.version_info[:3], verdict.missing, verdict.problem)\n")
    for series in ("3.6", "3.13"):
        if series in interpreters:
            out = subprocess.check_output([interpreters[series], "-c", code, archive], cwd=str(tmp_path),
                                          env={"PYTHONPATH": archive})
            assert out.decode().strip() == "True {}"
