"""
Run by an area's own python, 3.6 or later, in the environment the job wrapper makes of the area: say what this
python is, which libraries it imports, what a release's programs inherit.

    python AreaProbe.py QUESTION REQUEST.json ANSWER.json

Imports nothing of the project before a question asks for it: it has to start when nothing else does.
"""
import importlib
import json
import os
import sys


def askInterpreter(_request):
    """Say which python this is and where its parts come from."""
    return {"version": list(sys.version_info[:3]), "executable": sys.executable, "prefix": sys.prefix,
            "library": os.path.dirname(os.__file__), "path": sys.path}


def _installedVersion(name, module):
    """Find a library's version: in its metadata on the path, else in the module."""
    wanted = name.lower().replace("_", "-")
    for folder in sys.path:
        for entry in os.listdir(folder) if os.path.isdir(folder) else ():
            parts = entry.rsplit(".", 1)[0].split("-")
            if entry.endswith((".dist-info", ".egg-info")) and len(parts) > 1 and \
                    parts[0].lower().replace("_", "-") == wanted:
                return parts[1]
    return str(getattr(module, "__version__", ""))


def askLibraries(request):
    """Import each library; say its version and where it lies, or why it cannot be imported."""
    answers = {}
    for name, imports in request["libraries"].items():
        try:
            modules = [importlib.import_module(module) for module in imports]
            answers[name] = {"version": _installedVersion(name, modules[0]), "origin": modules[0].__file__}
        except BaseException as ex:  # a broken library may raise anything, SystemExit too
            answers[name] = {"error": "%s: %s" % (type(ex).__name__, ex), "absent": isinstance(ex, ImportError) and
                             getattr(ex, "name", None) == imports[0]}
    return answers


def askRelease(request):
    """
    Take a release's environment with the runtime's own Scram, and start its own cmsRun launch in it.

    What scram, a command in the release and the payload get as their environment is dumped into files by `env -0`.
    """
    from WMCore.WMRuntime.Payload.CmsRun import payloadEnvironment, runPayload
    from WMCore.WMRuntime.Payload.MainScript import MainArguments
    from WMCore.WMRuntime.Tools.Scram import Scram
    directory, dumps = os.getcwd(), request["dumps"]
    scram = Scram(version=request["release"], architecture=request["arch"], directory=directory,
                  initialise="/usr/bin/env -0 > '%s'" % dumps["scram"], retryPauses=())
    if scram.project() or scram.runtime():
        return {"error": scram.diagnostic()}
    code = scram("/usr/bin/env -0 > '%s'" % dumps["command"])
    if code:
        return {"error": scram.diagnostic()}
    arguments = MainArguments("", request["arch"], "scramv1", "CMSSW", request["release"], "FrameworkJobReport.xml",
                              request["payload"], "PSet.py")
    run = runPayload("areaCheck", directory, arguments, payloadEnvironment(os.environ, "areaCheck"),
                     "payload-stdout.log", "payload-stderr.log")
    return {} if run.child.ok else {"error": "%s ended with status %s" % (" ".join(run.args), run.child.shellCode)}


QUESTIONS = {"interpreter": askInterpreter, "libraries": askLibraries, "release": askRelease}


def main(argv):
    """
    Answer one question.

    :param argv: list of str, the question's name, the file of the request, the file for the answer
    """
    here = os.path.dirname(os.path.abspath(__file__))
    # Only what the job would find counts.
    sys.path[:] = [entry for entry in sys.path if not entry or os.path.abspath(entry) != here]
    with open(argv[1], encoding="utf-8") as handle:
        request = json.load(handle)
    answer = QUESTIONS[argv[0]](request)
    with open(argv[2], "w", encoding="utf-8") as handle:
        json.dump(answer, handle)


if __name__ == "__main__":
    main(sys.argv[1:])
