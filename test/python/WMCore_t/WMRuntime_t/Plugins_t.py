"""How plugins are found, what a broken one costs, and the example package from a directory and from a zip."""
import configparser
import json
import os
import subprocess
import sys
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore.WMRuntime.Plugins import findEntryPoints, loadPlugins, loadReference
from WMCore_t.Counts import examples

GROUP = "wmruntime.tests"


class First(object):
    name, priority = "first", 10


class Second(object):
    name, priority = "second", 20


def package(folder, name, lines, text="", group=GROUP):
    """Lay out a module and the metadata of an installed package."""
    metadata = folder / ("%s-1.0.dist-info" % name)
    metadata.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text("[%s]\n%s\n" % (group, "\n".join(lines)))
    (folder / (name + ".py")).write_text(text)
    return folder


PLUGIN = "class Mine(object):\n    name, priority = %r, %r\n"


def test_theBuiltInOnesNeedNoMetadata(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    assert loadPlugins(GROUP, [Second, First]) == ((First, Second), ())


def test_anEntryPointIsLoadedAndSortedByItsPriority(tmp_path, monkeypatch):
    package(tmp_path, "plug_one", ["mine = plug_one:Mine"], PLUGIN % ("mine", 15))
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins, problems = loadPlugins(GROUP, [Second, First])
    assert ([plugin.name for plugin in plugins], problems) == (["first", "mine", "second"], ())


def test_anEntryPointWorksFromAZip(tmp_path, monkeypatch):
    package(tmp_path / "tree", "plug_zip", ["mine = plug_zip:Mine"], PLUGIN % ("mine", 1))
    monkeypatch.syspath_prepend(zipped(tmp_path / "tree", tmp_path / "sandbox.zip"))
    assert [plugin.name for plugin in loadPlugins(GROUP, [First])[0]] == ["mine", "first"]


def zipped(tree, target):
    with zipfile.ZipFile(str(target), "w") as archive:
        for folder, _, names in os.walk(str(tree)):
            for name in names:
                path = os.path.join(folder, name)
                archive.write(path, os.path.relpath(path, str(tree)))
    return str(target)


def test_anythingImportableCanBeNamed(tmp_path, monkeypatch):
    (tmp_path / "plug_named.py").write_text(PLUGIN % ("mine", 15))
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins, problems = loadPlugins(GROUP, [First], [" plug_named:Mine "])
    assert ([plugin.name for plugin in plugins], problems) == (["first", "mine"], ())
    assert loadReference("os:path.join") is os.path.join
    assert loadReference(" os : sep [extra] ") == os.sep


def test_theBuiltInOneKeepsItsNameAndTheSettingGoesBeforeEntryPoints(tmp_path, monkeypatch):
    package(tmp_path, "plug_clash", ["a = plug_clash:Mine"], PLUGIN % ("first", 1)
            + "class Named(object):\n    name, priority = 'b', 1\n")
    package(tmp_path, "plug_later", ["b = plug_later:Mine"], PLUGIN % ("b", 2))
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins, problems = loadPlugins(GROUP, [First], ["plug_clash:Named"])
    assert [(plugin.name, plugin.priority) for plugin in plugins] == [("b", 1), ("first", 10)]
    assert [problem.name for problem in problems] == ["a", "b"]
    assert all("is taken by" in problem.reason for problem in problems)


@pytest.mark.parametrize("reference,text,expected", [
    ("plug_bad:Mine", "import no_such_module\n", "no_such_module"),
    ("plug_bad:Mine", "def broken(:\n", "SyntaxError"),
    ("plug_bad:Mine", "import sys\nsys.exit(3)\n", "SystemExit: 3"),
    ("plug_bad:Mine", "raise RuntimeError('not here')\n", "RuntimeError: not here"),
    ("plug_bad:Mine", "", "has no attribute 'Mine'"),
    ("plug_bad:Mine", "class Mine(object):\n    priority = 1\n", "its name is None"),
    ("plug_bad:Mine", PLUGIN % ("x", "high"), "its priority is 'high'"),
    ("no colon", "", "not of the form module:attribute"),
])
def test_aBrokenOneIsReportedAndLeftOut(tmp_path, monkeypatch, reference, text, expected):
    package(tmp_path, "plug_bad", ["bad = " + reference], text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "plug_bad", raising=False)
    plugins, problems = loadPlugins(GROUP, [First])
    assert plugins == (First,)
    assert len(problems) == 1 and expected in problems[0].reason
    assert problems[0].source == str(tmp_path / "plug_bad-1.0.dist-info" / "entry_points.txt")


def test_aPluginOfAnotherKindIsLeftOut(tmp_path, monkeypatch):
    package(tmp_path, "plug_kind", ["mine = plug_kind:Mine"], PLUGIN % ("mine", 1))
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins, problems = loadPlugins(GROUP, [First], base=First)
    assert plugins == (First,) and "is no subclass of First" in problems[0].reason


@pytest.mark.parametrize("data", [b"\xff\xfe", b"[%s]\nno equals sign\n" % GROUP.encode(), b"text before any section\n"])
def test_metadataThatCannotBeReadIsAProblemOfThatPackage(tmp_path, data):
    package(tmp_path, "plug_good", ["mine = plug_good:Mine"])
    (tmp_path / "broken-1.0.dist-info").mkdir()
    (tmp_path / "broken-1.0.dist-info" / "entry_points.txt").write_bytes(data)
    points, problems = findEntryPoints(GROUP, [str(tmp_path)])
    assert [point.name for point in points] == ["mine"]
    assert len(problems) == 1 and "broken-1.0" in problems[0].source


def test_pathsThatHoldNothingAreNoProblem(tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK\x05\x06 no archive")
    (tmp_path / "text").write_text("no archive\n")
    paths = [str(tmp_path / name) for name in ("broken.zip", "text", "absent")] + ["", "\0"]
    points, problems = findEntryPoints("no.such.group", paths)
    assert (points, problems) == ([], [])


def test_otherGroupsAndTheFirstOfTwoPackagesAreToldApart(tmp_path):
    package(tmp_path / "a", "plug_x", ["mine = plug_x:A"])
    package(tmp_path / "b", "plug_x", ["mine = plug_x:B"])
    package(tmp_path / "a", "plug_y", ["mine = plug_y:Other"], group="console_scripts")
    points, _ = findEntryPoints(GROUP, [str(tmp_path / "a"), str(tmp_path / "b")])
    assert [point.reference for point in points] == ["plug_x:A"]


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: ("[%s]\n%s" % (GROUP, text)).encode(
    "utf-8", "replace"))))
def test_anyMetadataGivesEntryPointsOrAProblem(tmp_path, data):
    folder = tmp_path / "any-1.0.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "entry_points.txt").write_bytes(data)
    points, problems = findEntryPoints(GROUP, [str(tmp_path)])
    assert all(point.name for point in points) and all(problem.reason for problem in problems)


# ---- The example package --------------------------------------------------------------------------------------

def installed(topDirectory, target):
    """Lay the example package out as an installer does, from its setup.cfg."""
    source = os.path.join(topDirectory, "docs", "examples", "wmruntime-example-plugin")
    config = configparser.ConfigParser()
    assert config.read(os.path.join(source, "setup.cfg"))
    lines = ["[%s]%s" % pair for pair in config.items("options.entry_points")]
    metadata = target / "wmruntime_example_plugin-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n" % config.get(
        "metadata", "name"))
    (metadata / "RECORD").write_text("".join("%s,,\n" % name for name in [
        metadata.name + "/METADATA", metadata.name + "/entry_points.txt", "wmruntime_example_plugin.py"]))
    for name in config.get("options", "py_modules").split():
        with open(os.path.join(source, name + ".py"), encoding="utf-8") as handle:
            (target / (name + ".py")).write_text(handle.read())
    return target


# Several answers from one process: most of its time goes into the imports.
RESOLVE = """
import json, os, sys
from WMCore.WMRuntime.Interpreter.InterpreterProvider import AGENT_SCRIPT, PURPOSES
from WMCore.WMRuntime.Interpreter.InterpreterResolver import InterpreterResolver
answers = []
for more in json.loads(sys.argv[1]):
    resolution = InterpreterResolver(dict(os.environ, **more)).resolve(AGENT_SCRIPT)
    answers.append([resolution.interpreter.provider, resolution.interpreter.path,
                    ";".join(r.reason for r in resolution.rejected if r.provider == "site python")])
sys.stdout.write(json.dumps(answers))
"""


@pytest.mark.parametrize("form", ["directory", "zip"])
@pytest.mark.parametrize("series", ["3.6", "3.9", "3.13"])
def test_theExamplePluginIsUsed(tmp_path, topDirectory, sourceTree, sandboxPackages, interpreters, form, series):
    if series not in interpreters:
        pytest.skip("this machine has no python %s" % series)
    tree = installed(topDirectory, tmp_path / "installed")
    where = str(tree) if form == "directory" else zipped(tree, tmp_path / "sandbox.zip")
    home = tmp_path / "site"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python3").write_text("#!/bin/sh\nexec '%s' \"$@\"\n" % interpreters[series])
    (home / "bin" / "python3").chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin", "WMRUNTIME_CVMFS_ROOT": str(tmp_path / "none"), "PYTHONDONTWRITEBYTECODE": "1",
               "PYTHONPATH": os.pathsep.join([where, sourceTree, sandboxPackages])}

    cases = [{"SITE_PYTHON_HOME": str(home)}, {}, {"SITE_PYTHON_HOME": str(tmp_path / "absent")}]
    out = subprocess.check_output([interpreters[series], "-c", RESOLVE, json.dumps(cases)], env=environ, cwd=str(tmp_path))
    there, unset, (provider, _, reason) = json.loads(out.decode("utf-8"))
    assert there == ["site python", str(home / "bin" / "python3"), ""]
    assert unset[0] == "running"
    assert provider == "running" and "names no directory" in reason


IGPROF = "#!/bin/sh\n# Fakes igprof: leaves a file instead of a profile.\nshift 7\necho profile > igprof.gz\nexec \"$@\"\n"


def profilerIn(directory):
    """Lay out a program called igprof; return the directory."""
    directory.mkdir()
    (directory / "igprof").write_text(IGPROF)
    (directory / "igprof").chmod(0o755)
    return str(directory)


SELECT = """
import json, os, sys
from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Payload.ExecutableSelector import namedPlugins, selectExecutable
from WMCore.WMRuntime.Release.Release import Release

def select(place, requested, path):
    environ = dict(os.environ, PATH=path)
    try:
        choice = selectExecutable(Release.at(*place), requested, searchPath=path, plugins=namedPlugins(environ))
    except WMRuntimeError as ex:
        return [str(ex.code), ex.context]
    return [choice.name, choice.path, str(choice.python)]

sys.stdout.write(json.dumps([select(*case) for case in json.loads(sys.argv[1])]))
"""


@pytest.mark.parametrize("form", ["directory", "zip", "named"])
@pytest.mark.parametrize("series", ["3.6", "3.9", "3.13"])
def test_theExamplePluginsExecutableIsUsed(tmp_path, topDirectory, sourceTree, sandboxPackages, interpreters, workerNode,
                                           form, series):
    if series not in interpreters:
        pytest.skip("this machine has no python %s" % series)
    tree = installed(topDirectory, tmp_path / "installed")
    if form == "named":
        # As in a checkout: importable, without the metadata of an installed package.
        (tree / "wmruntime_example_plugin-1.0.dist-info" / "entry_points.txt").unlink()
    where = zipped(tree, tmp_path / "sandbox.zip") if form == "zip" else str(tree)
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join([where, sourceTree, sandboxPackages])}
    if form == "named":
        environ["WMRUNTIME_EXECUTABLES"] = "wmruntime_example_plugin:ProfiledCmsRun"
    profiler = profilerIn(tmp_path / "profiler")

    def case(name, requested, path):
        record = workerNode.releases[name]
        return [os.path.join(workerNode.root, record["directory"]), name, record["arch"]], requested, path

    cases = [case("CMSSW_13_0_3", "cmsRunIgProf", profiler), case("CMSSW_10_6_30", "cmsRunIgProf", profiler),
             case("CMSSW_10_6_30", "cmsRunPython3IgProf --strict", profiler),
             case("CMSSW_13_0_3", "cmsRunPython3IgProf", profiler), case("CMSSW_13_0_3", "cmsRunIgProf", "/nowhere")]
    out = subprocess.check_output([interpreters[series], "-c", SELECT, json.dumps(cases)], cwd=str(tmp_path), env=environ)
    newest, old, strict, (code, context), nowhere = json.loads(out.decode("utf-8"))
    command = "igprof -d -t %s -pp -z -o igprof.gz %s"
    igprof = os.path.join(profiler, "igprof")
    assert newest == [command % ("cmsRun", "cmsRun"), igprof, "3"]
    assert old == [command % ("cmsRun", "cmsRun"), igprof, "2"]
    assert strict == [command % ("cmsRunPython3", "cmsRunPython3") + " --strict", igprof, "3"]
    assert code == "50110" and "cmsRunIgProf" in context
    assert nowhere[0] == "50110"
