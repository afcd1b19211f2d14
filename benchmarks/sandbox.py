"""
Measure sandboxes: their bytes, how long a node unpacks them, and what importing from them costs.

    benchmarks/run sandbox.py [--runs N] [--python PATH ...]

Every figure is made anew from the sources at hand: upstream's way of packing, with and without the bytecode that an
agent's installation has, this project's, and variants of the latter that were weighed against it. Seconds are those of
whole processes; variants are run in turn, and the least of the runs is printed, because everything else a machine does
only adds to it.
"""
import argparse
import bz2
import importlib.util
import io
import lzma
import marshal
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from WMCore.WMRuntime.SandboxArchive import ArchiveEntry, writeSandbox, zipBytes
from WMCore.WMRuntime.SandboxContents import collectContents, sourcePaths, upstreamArchive
from WMCore.WMRuntime.SandboxCreator import SandboxCreator
from WMCore.WMRuntime.Tools.ChildProcess import runChild
from WMCore.WMRuntime.VendoredPackages import findVendored

STATIONS = {
    "Startup, to the first step": "import WMCore.WMRuntime.JobExecution, WMCore.WMSpec.WMWorkload, PSetTweaks.WMTweak, "
                                  "WMCore.WMSpec.Steps.Templates.CMSSW, WMCore.WMRuntime.Watchdog",
    "a CMSSW step": "import WMCore.WMRuntime.JobExecution, WMCore.WMSpec.Steps.Templates.CMSSW, "
                    "WMCore.WMSpec.Steps.Executors.CMSSW",
    "ScriptInvoke, SetupCMSSWPset": "import WMCore.WMRuntime.ScriptInvoke, WMCore.WMRuntime.Scripts.SetupCMSSWPset",
}
# Compiles the members of a zip for the python that runs it: no docstrings, checked against nothing.
COMPILE = """
import importlib.util, marshal, struct, sys, zipfile
source, target = zipfile.ZipFile(sys.argv[1]), zipfile.ZipFile(sys.argv[2], "w")
for name in source.namelist():
    target.writestr(name, source.read(name))
    if name.endswith(".py"):
        code = marshal.dumps(compile(source.read(name), name, "exec", dont_inherit=True, optimize=2))
        target.writestr(name + "c", importlib.util.MAGIC_NUMBER + struct.pack("<Iq", 1, 0) + code)
target.close()
"""
OLD_IMPORT = b"from WMCore.WMRuntime.SandboxImporter import importOnce\nimportOnce()\n"


def seconds(command, cwd=None, path=()):
    """
    Run a program to its end.

    :return: (float, float), its CPU seconds and those it took
    :raises SystemExit: when it fails
    """
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path)}
    ended = runChild(command, cwd=cwd, env=env, stderr=os.path.join(cwd or ".", "errors"), timeout=300)
    if not ended.ok:
        raise SystemExit("%s failed in %s" % (" ".join(command), cwd))
    return ended.userTime + ended.sysTime, ended.endTime - ended.startTime


def leastOf(runs, jobs):
    """Run each of a dict of callables in turn, so often; give the least of each number of its results."""
    results = {name: [] for name in jobs}
    for _ in range(runs):
        for name, job in jobs.items():
            results[name].append(job())
    return {name: tuple(map(min, zip(*values))) for name, values in results.items()}


def packed(contents, directory, name, compression=zipfile.ZIP_STORED):
    """
    Write a sandbox of the code alone.

    :return: str, its path
    """
    files = dict(contents.unzipped, **{"WMCore.zip": zipBytes(contents.zipped, compression)})
    path = os.path.join(directory, name + "-Sandbox.tar.bz2")
    writeSandbox(path, [ArchiveEntry("WMSandbox", isDirectory=True)] + [
        ArchiveEntry(member, content=content) for member, content in files.items()])
    return path


def recompressed(path, name, compress):
    """Write the same sandbox in another compression; the name ends as ever, readers go by the first bytes."""
    target = os.path.join(os.path.dirname(path), name + "-Sandbox.tar.bz2")
    with bz2.open(path) as source, open(target, "wb") as handle:
        handle.write(compress(source.read()))
    return target


def compiledToo(archive):
    """Add to a WMCore.zip what an agent's installation has beside the sources, and upstream packs: its bytecode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
            if name.endswith(".py"):
                folder, _, base = name[:-3].rpartition("/")
                code = compile(source.read(name), name, "exec", dont_inherit=True)
                target.writestr("%s/__pycache__/%s.%s.pyc" % (folder, base, sys.implementation.cache_tag),
                                importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
    return buffer.getvalue()


def upstreams(directory, name, change=lambda archive: archive):
    """
    Write what upstream packs of the code.

    :param change: callable taking and giving bytes, what is done to WMCore.zip
    :return: str, its path
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(upstreamArchive(sourcePaths()))) as source, \
            tarfile.open(fileobj=buffer, mode="w:") as tar:
        for member in source.getmembers():
            content = source.extractfile(member).read()
            content = change(content) if member.name == "WMCore.zip" else content
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        folder = tarfile.TarInfo("WMSandbox")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)
    path = os.path.join(directory, name + "-Sandbox.tar.bz2")
    with open(path, "wb") as handle:
        handle.write(bz2.compress(buffer.getvalue(), 9))
    return path


def unpacking(python, unpacker, sandbox):
    """Give a callable that unpacks a sandbox as the wrapper does, and tells the seconds."""
    def run():
        with tempfile.TemporaryDirectory(prefix="wmruntime-benchmark-") as directory:
            with open(os.path.join(directory, "JobPackage.pkl"), "wb") as handle:
                handle.write(b"a package")
            return seconds([python, unpacker, "--sandbox=" + sandbox, "--package=JobPackage.pkl", "--index=1",
                            "--jobname=any"], cwd=directory)
    return run


def importing(python, entries, code, directory):
    """Give a callable that imports from path entries and tells the seconds."""
    return lambda: seconds([python, "-B", "-S", "-W", "ignore", "-c", code], cwd=directory, path=entries)


def measureUnpacking(python, runs, variants):
    """Print bytes of each variant, and what a node's python takes to unpack it."""
    here, theirs = (os.path.join(folder, "WMRuntime", "Unpacker.py") for folder in (
        sourcePaths()["WMCore"][0], sourcePaths()["WMCore"][-1]))
    least = leastOf(runs, {name: unpacking(python, theirs if name.startswith("upstream") else here, path)
                           for name, path in variants.items()})
    print("\n| sandbox | bytes | to upstream's | unpacking, CPU s | to upstream's | wall s | to upstream's |\n|---|%s"
          % ("---:|" * 6))
    bytesOf = {name: os.path.getsize(path) for name, path in variants.items()}
    for name in variants:
        figures = [figure for ours, theirs in zip(least[name], least["upstream"]) for figure in (ours, ours / theirs)]
        print("| %s | %d | %.2f | %.3f | %.2f | %.3f | %.2f |" % (
            name, bytesOf[name], bytesOf[name] / bytesOf["upstream"], *figures))


def importVariants(python, job, directory):
    """
    Lay out the ways to import the same modules.

    :return: dict of str to list of str, entries of a path
    """
    archive = os.path.join(job, "WMCore.zip")
    plain, compiled, folder = (os.path.join(directory, name) for name in ("plain.zip", "compiled.zip", "folder"))
    with zipfile.ZipFile(archive) as source:
        source.extractall(folder)
        members = {name: source.read(name) for name in source.namelist()}
    members["WMCore/__init__.py"] = members["WMCore/__init__.py"].replace(OLD_IMPORT, b"")
    with open(plain, "wb") as handle:
        handle.write(zipBytes(members))
    seconds([python, "-W", "ignore", "-c", COMPILE, archive, compiled], cwd=directory)
    cached = os.path.join(directory, "cached")
    shutil.copytree(folder, cached)
    for code in STATIONS.values():
        seconds([python, "-S", "-W", "ignore", "-c", code], cwd=directory, path=[cached, job])
    return {"zip, as python does it": [plain, job], "zip, each module once": [archive, job],
            "zip with bytecode": [compiled, job], "directory": [folder, job], "directory with bytecode": [cached, job]}


def measureImports(python, runs, sandbox):
    """Print what importing for each station costs in each way."""
    with tempfile.TemporaryDirectory(prefix="wmruntime-benchmark-") as directory:
        job = os.path.join(directory, "job")
        SandboxCreator().extractSandbox(sandbox, job)
        variants = importVariants(python, job, directory)
        print("\n%s\n\n| CPU s | %s |\n|---|%s" % (python, " | ".join(variants), "---:|" * len(variants)))
        for station, code in STATIONS.items():
            least = leastOf(runs, {name: importing(python, entries, code, directory)
                                   for name, entries in variants.items()})
            print("| %s | %s |" % (station, " | ".join("%.3f" % least[name][0] for name in variants)))
        size = os.path.getsize(os.path.join(directory, "compiled.zip"))
        with open(os.path.join(directory, "compiled.zip"), "rb") as handle:
            print("\nWMCore.zip with this python's bytecode: %d bytes, %d in bzip2" % (
                size, len(bz2.compress(handle.read(), 9))))


def main():
    """Parse the arguments, make the variants, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--python", action="append", help="a node's python; may be given again")
    arguments = parser.parse_args()
    pythons = arguments.python or [sys.executable]
    vendored = findVendored(os.environ.get("WMRUNTIME_SANDBOX_PACKAGES"))
    with tempfile.TemporaryDirectory(prefix="wmruntime-benchmark-") as directory:
        contents = collectContents(sourcePaths(), vendored)
        whole = collectContents(sourcePaths(), vendored, change=lambda source: source)
        ours = packed(contents, directory, "ours")
        variants = {"upstream": upstreams(directory, "upstream", compiledToo),
                    "upstream, without bytecode": upstreams(directory, "sources"), "ours": ours,
                    "ours, with comments and docstrings": packed(whole, directory, "whole"),
                    "ours, WMCore.zip deflated": packed(contents, directory, "deflated", zipfile.ZIP_DEFLATED),
                    "ours, in xz": recompressed(ours, "xz", lambda data: lzma.compress(data, preset=9))}
        measureUnpacking(pythons[0], arguments.runs, variants)
        if shutil.which("zstd"):
            path = recompressed(ours, "plain", lambda data: data)
            sizes = subprocess.check_output(["zstd", "-19", "-q", "-c", path])
            print("\nOurs in zstd, which no python before 3.14 reads: %d bytes" % len(sizes))
        for python in pythons:
            measureImports(python, arguments.runs, ours)


if __name__ == "__main__":
    main()
