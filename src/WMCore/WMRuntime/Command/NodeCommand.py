"""
`wmruntime node`: make a worker node in a box, look at it, run jobs on it.
"""
import json
import os
import re
import time

from WMCore.WMRuntime.Command.Stations import LogFollower
from WMCore.WMRuntime.Payload.ExecutableChoice import POLICIES
from WMCore.WMRuntime.RuntimeInfo import FILE_NAME
from WMCore.WMRuntime.WorkerNode.WorkerNode import WorkerNode, WorkerNodeError


def register(groups):
    """
    Add the node commands to the parser.

    :param groups: the subparsers of wmruntime
    """
    parser = groups.add_parser("node", help="a worker node in a box: make one, look at it, run jobs on it")
    commands = parser.add_subparsers(dest="command", metavar="ACTION")
    commands.required = True

    create = commands.add_parser("create", help="make a worker node in a directory")
    create.add_argument("directory")
    create.add_argument("--force", action="store_true", help="replace a node that is there already")
    create.set_defaults(run=_create)

    show = commands.add_parser("show", help="say what a node holds and which releases can run")
    show.add_argument("directory")
    show.set_defaults(run=_show)

    faults = commands.add_parser("faults", help="list the ways in which the stand-in for cmsRun can fail")
    faults.set_defaults(run=_faults)

    run = commands.add_parser("run", help="run a whole job: workload, sandbox, wrapper, report")
    run.add_argument("directory")
    run.add_argument("--release", default="CMSSW_13_0_3", help="CMSSW release (default %(default)s)")
    run.add_argument("--arch", action="append", default=[], metavar="SCRAM_ARCH",
                     help="scram arch of the workload; repeat for a list (default: the release's own)")
    run.add_argument("--steps", type=int, default=1, metavar="N", help="length of the chain of cmsRun steps")
    run.add_argument("--pset", metavar="FILE", help="PSet file of the first step (default: ten generated events)")
    run.add_argument("--executable", default="cmsRun", metavar="NAME",
                     help="cmsRun, cmsRunPython3, auto, any name (default %(default)s)")
    run.add_argument("--policy", choices=POLICIES, help="how our runtime chooses the executable (default: the step "
                     "does not say, which is matchPSet for auto, else asRequested)")
    run.add_argument("--events", type=int, default=10, metavar="N", help="events to generate (default %(default)s)")
    run.add_argument("--fault", metavar="NAME[=VALUE]", help="let cmsRun fail; see `wmruntime node faults`")
    run.add_argument("--fault-step", metavar="STEP", help="the step that fails (default: every step)")
    run.add_argument("--retry", type=int, default=0, metavar="N", help="retry count of the job")
    run.add_argument("--runtime", choices=("ours", "upstream"), default="ours", help="whose runtime runs the job")
    run.add_argument("--job-dir", metavar="DIR", help="start directory of the job (default: made in DIR/jobs)")
    run.add_argument("--verbose", action="store_true", help="print all the wrapper prints, not only the stations")
    run.set_defaults(run=_run)


def _create(arguments):
    from WMCore.WMRuntime.WorkerNode.NodeFactory import createNode
    start = time.time()
    node = createNode(arguments.directory, force=arguments.force)
    print("made the worker node %s in %.1f s" % (node.root, time.time() - start))
    return 0


def _show(arguments):
    node = WorkerNode.load(arguments.directory)
    print("worker node %s" % node.root)
    for version, path in sorted(node.pythons.items(), key=lambda item: tuple(map(int, item[0].split(".")))):
        print("  python %-5s %s" % (version, path or "not on this machine"))
    for name, release in sorted(node.releases.items()):
        print("  %-22s %-20s %s" % (name, release["arch"],
                                    "runs" if release["runnable"] else "cannot run: %s" % release["why"]))
    return 0


def _faults(_):
    from WMCore.WMRuntime.WorkerNode.payload.wmruntimeStandIn.Faults import FAULTS
    for name in sorted(FAULTS):
        print("%-20s %s" % (name, FAULTS[name]))
    return 0


def parseFault(text, step):
    """
    Turn the word of the command line into what the stand-in for cmsRun reads.

    :param text: str, NAME or NAME=VALUE, the value as JSON or as plain text
    :param step: str, the step that fails, None for every step
    :return: dict
    :raises WorkerNodeError: when there is no such fault
    """
    from WMCore.WMRuntime.WorkerNode.payload.wmruntimeStandIn.Faults import FAULTS
    name, _, value = text.partition("=")
    if name not in FAULTS:
        raise WorkerNodeError("there is no fault %r" % name, "known: %s" % ", ".join(sorted(FAULTS)),
                             "`wmruntime node faults` says what each does")
    try:
        parsed = json.loads(value) if value else None
    except ValueError:
        parsed = value
    return {"step": step, "fault": name, "value": parsed}


def _newJobDir(root):
    """Give a directory name under the node's jobs that is not taken."""
    jobs = os.path.join(root, "jobs")
    os.makedirs(jobs, exist_ok=True)
    taken = [re.match(r"job-(\d+)$", name) for name in os.listdir(jobs)]
    number = 1 + max([int(found.group(1)) for found in taken if found] or [0])
    return os.path.join(jobs, "job-%04d" % number)


def _run(arguments):
    from WMCore.WMRuntime.WorkerNode.JobRun import JobRequest, runJob
    node = WorkerNode.load(arguments.directory)
    fault = parseFault(arguments.fault, arguments.fault_step) if arguments.fault else None
    request = JobRequest(release=arguments.release, scramArchs=arguments.arch, steps=arguments.steps,
                         pset=arguments.pset, executable=arguments.executable, executablePolicy=arguments.policy,
                         events=arguments.events, fault=fault, retry=arguments.retry, runtime=arguments.runtime)
    startDir = os.path.abspath(arguments.job_dir or _newJobDir(node.root))
    print("job directory: %s" % startDir)
    print("building the workload and its sandbox with WMCore ...")
    if arguments.verbose:
        follower = LogFollower(os.path.join(startDir, "_condor_stdout"), say=str)
    else:
        follower = LogFollower(os.path.join(startDir, "wmagentJob.log"))
    with follower:
        result = runJob(node, request, startDir)
    return _tell(result)


def _tell(result):
    """Print how the job went; return the process status for the command."""
    print("")
    code = _tellReport(result.report)
    _tellExecutables(os.path.join(result.startDir, "job", FILE_NAME))
    print("sandbox      %.0f kB%s" % (result.sandboxBytes / 1e3, "; upstream's code alone: %.0f kB" % (
        result.upstreamBytes / 1e3) if result.upstreamBytes else ""))
    print("SCRAM calls  %d" % sum(call["program"] == "scram" for call in result.calls))
    print("wrapper      ended with status %s" % result.exit.shellCode)
    print("files        in %s:" % result.startDir)
    for path, what in ((result.report, "the report the agent gets"), (result.log, "the log the agent gets"),
                       (os.path.join(result.startDir, "_condor_stdout"), "all the wrapper printed"),
                       (os.path.join(result.startDir, "job", "WMTaskSpace"), "a directory for each step")):
        print("  %-20s %s%s" % (os.path.relpath(path, result.startDir), what,
                                "" if os.path.exists(path) else " (MISSING)"))
    return 0 if result.exit.shellCode == 0 and code == 0 else 1


def _tellExecutables(path):
    """Print what the job's runtimeInfo.json says of the executables; a job of upstream's says nothing."""
    try:
        with open(path, encoding="utf-8") as handle:
            choices = json.load(handle).get("executables", {})
    except (OSError, ValueError):
        # A job that fails early has none, and that it failed is told above.
        return
    for step, choice in sorted(choices.items()):
        print("executable   %-10s %s (python %s, policy %s)" % (step, choice["name"], choice["python"] or "unknown",
                                                                choice["policy"]))


def _tellReport(path):
    """Print what WMCore's own Report makes of the job's; return the exit code, None when it does not load."""
    from WMCore.FwkJobReport.Report import Report
    report = Report()
    try:
        report.load(path)
    except Exception as ex:  # whatever a broken pickle raises: to show it is what this is for
        print("the report does not load: %s: %s" % (type(ex).__name__, ex))
        return None
    for step in report.listSteps():
        codes = sorted(report.getStepExitCodes(step))
        print("step         %-10s %s" % (step, "failed with %s" % ", ".join(map(str, codes)) if codes else "ok"))
    print("job          exit code %s" % report.getExitCode())
    return report.getExitCode()
