"""
Ask an interpreter whether it compiles a source; nothing of the source is run.

Starts a process: only for a PSet that would be refused otherwise, or that nobody could look at.
"""
import json

from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

PATIENCE = 60.0
_SHOWN = 300
_COOKIE = "wmruntime-grammar:"
# For every python from 2.6 on. A file is compiled as it would be executed: from its bytes.
_SCRIPT = r"""
import json, sys
answers = []
for path in sys.argv[1:]:
    try:
        handle = open(path, "rb")
        text = handle.read()
        handle.close()
    except EnvironmentError:
        answers.append([None, str(sys.exc_info()[1])])
        continue
    try:
        compile(text + b"\n", path, "exec", 0, 1)
        answers.append(None)
    except SyntaxError:
        error = sys.exc_info()[1]
        answers.append([error.lineno or 0, str(error.msg)])
    except Exception:
        answers.append([0, "%s %s" % (sys.exc_info()[0].__name__, sys.exc_info()[1])])
sys.stdout.write("\nwmruntime-grammar:" + json.dumps(answers) + "\n")
"""


def compileErrors(interpreter, files, environ, timeout=PATIENCE):
    """
    Have an interpreter compile sources.

    :param interpreter: str, path
    :param files: sequence of str
    :param environ: dict to start it with
    :param timeout: float seconds
    :return: list with None, or (line, message), for each file; the line is None for a file that cannot be read
    :raises ValueError: when the interpreter gave no answer; it says what it did instead
    """
    try:
        child, out, err = runCaptured([interpreter, "-E", "-S", "-c", _SCRIPT] + list(files), env=environ,
                                      timeout=timeout)
    except OSError as ex:
        raise ValueError("it cannot be started: %s" % ex)
    lines = [line for line in out.splitlines() if line.startswith(_COOKIE)]
    answers = json.loads(lines[-1][len(_COOKIE):]) if lines else None
    if not isinstance(answers, list) or len(answers) != len(files):
        how = "it took more than %g s" % timeout if child.timedOut else "it ended with status %s" % child.shellCode
        raise ValueError("%s: %s" % (how, " ".join(err.split())[-_SHOWN:] or "it said nothing"))
    return [answer and (answer[0], answer[1]) for answer in answers]
