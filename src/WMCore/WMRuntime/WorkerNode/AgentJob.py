"""
The agent's part of a job on the worker node in a box: workload, sandbox and job package.

Runs as a script in a process of its own, so that sys.path alone decides whose SandboxCreator and whose
Unpacker the job gets: this project's or upstream's.
"""
import json
import os
import shutil
import sys

from ExampleWorkload import buildPackage, buildWorkload, chainOf  # beside this script, on sys.path[0]


def makeJob(plan, directory):
    """
    Write into a directory what HTCondor would transfer to the worker node.

    :param plan: dict with name, release, scramArchs, steps, and optionally pset, executable, executablePolicy,
        scramScripts, events, seeding, stageOut, inputLfns, watchdogSeconds: see ExampleWorkload
    :param directory: str, where the sandbox, JobPackage.pkl and Unpacker.py go
    :return: dict with sandbox (file name), bytes, upstreamBytes (None when upstream made it), job (name), task (path)
    """
    # Imported here: SandboxCreator is the one thing that differs between the two runtimes.
    from WMCore.WMRuntime import SandboxCreator, Unpacker
    plans = chainOf(plan["release"], plan["scramArchs"], plan["steps"], plan.get("pset"),
                    plan.get("executable", "cmsRun"), plan.get("executablePolicy"), plan.get("scramScripts", ()))
    workload = buildWorkload(plan["name"], plans, plan.get("stageOut", True), plan.get("watchdogSeconds", 300))
    agentDir = os.path.join(directory, "agent")
    os.makedirs(agentDir)
    creator = SandboxCreator.SandboxCreator()
    archive = creator.makeSandbox(agentDir, workload)
    sandbox = os.path.join(directory, os.path.basename(archive))
    os.rename(archive, sandbox)
    job = buildPackage(workload, os.path.join(directory, "JobPackage.pkl"), plan.get("events", 10),
                       plan.get("seeding", "AutomaticSeeding"), plan.get("inputLfns", ()), plan.get("retry", 0))
    shutil.copyfile(Unpacker.__file__, os.path.join(directory, "Unpacker.py"))
    # What WMCore's own code alone would weigh in a sandbox made upstream's way.
    theirs = creator.upstreamSize() if hasattr(creator, "upstreamSize") else None
    return {"sandbox": os.path.basename(sandbox), "bytes": os.path.getsize(sandbox), "upstreamBytes": theirs,
            "job": job["name"], "task": job["task"]}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as planFile:
        made = makeJob(json.load(planFile), sys.argv[2])
    with open(sys.argv[3], "w", encoding="utf-8") as resultFile:
        json.dump(made, resultFile)
