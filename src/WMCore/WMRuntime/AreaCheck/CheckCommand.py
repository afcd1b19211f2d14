"""
`wmruntime area check`: check areas, tell it to people and to machines.
"""
import os
import shutil
import tempfile

from WMCore.WMRuntime.Command.Termination import terminationInterrupts
from WMCore.WMRuntime.Errors import WMRuntimeError


def register(groups):
    """
    Add `check` to the actions of `wmruntime area`.

    :param groups: the subparsers of `wmruntime area`
    """
    parser = groups.add_parser("check", help="check areas: files, python, libraries, sandbox, releases, whole jobs")
    parser.add_argument("areas", nargs="*", metavar="AREA", help="such as /cvmfs/cms.cern.ch/COMP/rhel8_x86_64")
    parser.add_argument("--all", action="store_true", help="every area of the description under the roots")
    parser.add_argument("--root", action="append", metavar="DIR", help="with --all: a directory that holds WMRuntime "
                        "or COMP; repeat for more (default: what the environment names, else /cvmfs/cms.cern.ch)")
    parser.add_argument("--only", action="append", default=[], metavar="CHECK", help="make this check alone, and what "
                        "it needs: layout, manifest, cpu, python, libraries, closure, leak, job; repeat for more")
    parser.add_argument("--release", action="append", default=[], metavar="CMSSW_X_Y_Z", help="release for leak and "
                        "job (default: one of each series the area's system serves)")
    parser.add_argument("--no-jobs", action="store_true", help="run no whole jobs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, metavar="N", help="checks at a time (default "
                        "%(default)s)")
    parser.add_argument("--description", metavar="FILE", help="another requirements.cfg than the runtime's own")
    parser.add_argument("--node", metavar="DIR", help="the worker node in a box to use (default: one is made)")
    parser.add_argument("--work", metavar="DIR", help="keep what the checks make, the jobs' directories too, here")
    parser.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    parser.add_argument("--json", metavar="FILE", help="write JSON")
    parser.add_argument("--html", metavar="FILE", help="write one HTML page")
    parser.add_argument("--verbose", action="store_true", help="tell each check, and what is only information")
    parser.set_defaults(run=_check)


def _check(arguments):
    from WMCore.WMRuntime.AreaCheck.CheckBench import CheckBench
    from WMCore.WMRuntime.AreaCheck.CheckRunner import CheckRunner
    from WMCore.WMRuntime.AreaCheck.TextReport import TerminalProgress, printReport
    from WMCore.WMRuntime.Environment.Description import loadDescription
    description = loadDescription(arguments.description)
    request = _request(arguments, description)
    writers = _writers(arguments)
    work = _workDirectory(arguments)
    try:
        with terminationInterrupts():
            bench = CheckBench(description, work, arguments.node)
            with TerminalProgress() as progress:
                report = CheckRunner(bench, request, progress).run()
    finally:
        if not arguments.work:
            shutil.rmtree(work, ignore_errors=True)
    for write, path in writers:
        write(path, report)
    printReport(report, arguments.verbose)
    return 0 if report.ok else 1


def _request(arguments, description):
    """Make the request of the command line."""
    from WMCore.WMRuntime.AreaCheck.CheckedArea import areaAt, findAreas, strayNames
    from WMCore.WMRuntime.AreaCheck.CheckRunner import NAMES, CheckRequest
    unknown = sorted(set(arguments.only) - set(NAMES))
    if unknown:
        raise WMRuntimeError(None, "There is no check %s." % ", ".join(unknown), "there are %s" % ", ".join(NAMES),
                             "name one of these with --only")
    if bool(arguments.areas) == bool(arguments.all):
        raise WMRuntimeError(None, "Say which areas to check.", "expected either areas or --all, found %s" % (
            "both" if arguments.all else "neither"), "wmruntime area check --all --root /cvmfs/cms.cern.ch")
    if arguments.jobs < 1:
        raise WMRuntimeError(None, "--jobs needs a number of 1 or more, %d was given." % arguments.jobs)
    areas, stray = [areaAt(path, description) for path in arguments.areas], []
    for root in _roots(arguments) if arguments.all else ():
        areas.extend(findAreas(root, description))
        stray.extend(strayNames(root, description))
    options = [word for name in ("description", "node") if getattr(arguments, name)
               for word in ("--" + name, os.path.abspath(getattr(arguments, name)))]
    return CheckRequest(tuple(dict.fromkeys(areas)), stray, arguments.only, arguments.release, not arguments.no_jobs,
                        arguments.jobs, options)


def _roots(arguments):
    """List the CMS roots to look under: those given, else the first of the environment's that is there."""
    from WMCore.WMRuntime.Environment.CompAreas import cmsRoots
    if arguments.root:
        return arguments.root
    roots = cmsRoots(os.environ)
    return [root for root in roots if os.path.isdir(root)][:1] or roots[-1:]


def _writers(arguments):
    """List what to write, (callable taking path and report, path); tell of a missing library before the checks."""
    from WMCore.WMRuntime.AreaCheck.ReportTexts import jsonText, junitText
    from WMCore.WMRuntime.AreaCheck.PageReport import pageText
    from WMCore.WMRuntime.Publishing.WholeFile import writeWholeFile
    writers = []
    for path, text, library in ((arguments.json, jsonText, None), (arguments.junit, junitText, "junitparser"),
                                (arguments.html, pageText, "jinja2")):
        if not path:
            continue
        try:
            if library:
                __import__(library)
        except ImportError:
            raise WMRuntimeError(None, "%s is needed to write %s." % (library, path), "it cannot be imported",
                                 "pip install 'wmcore-runtime[agent]', or leave the option out")
        writers.append((lambda where, report, text=text: writeWholeFile(where, text(report)), path))
    return writers


def _workDirectory(arguments):
    """Make the directory for what the checks make."""
    if not arguments.work:
        return tempfile.mkdtemp(prefix="wmruntime-area-check-")
    try:
        os.makedirs(arguments.work)
    except OSError as ex:
        raise WMRuntimeError(None, "The directory for the checks cannot be made.", "%s: %s" % (
            arguments.work, ex.strerror), "name one that does not exist yet")
    return arguments.work
