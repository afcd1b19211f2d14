"""
Ask an interpreter whether it compiles a source; nothing of the source is run.

Starts a process: only for a PSet that would be refused otherwise, or when somebody asks for it.
"""
import json
import os

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

PATIENCE = 60.0
_COOKIE = "wmruntime-grammar:"
# For every python from 2.6 on. A file is compiled as it would be executed: from its bytes.
_SCRIPT = r"""
import json, sys
answers = []
for path in sys.argv[1:]:
    handle = open(path, "rb")
    try:
        compile(handle.read() + b"\n", path, "exec", 0, 1)
        answers.append(None)
    except SyntaxError:
        error = sys.exc_info()[1]
        answers.append([error.lineno or 0, str(error.msg)])
    except Exception:
        answers.append([0, str(sys.exc_info()[1])])
    handle.close()
sys.stdout.write("\nwmruntime-grammar:" + json.dumps(answers) + "\n")
"""


def compileErrors(interpreter, files, environ=None, timeout=PATIENCE):
    """
    Have an interpreter compile sources.

    :param interpreter: str, path
    :param files: sequence of str
    :param environ: dict to start it with; None for the job's without the wrapper's python
    :param timeout: float seconds
    :return: list with None, or (line, message), for each file; None when the interpreter gave no answer
    """
    environ = withoutWrapperPython(os.environ) if environ is None else environ
    try:
        _child, out, _err = runCaptured([interpreter, "-S", "-c", _SCRIPT] + list(files), env=environ, timeout=timeout)
        lines = [line for line in out.splitlines() if line.startswith(_COOKIE)]
        answers = json.loads(lines[-1][len(_COOKIE):]) if lines else []
    except (OSError, ValueError):
        return None
    if not isinstance(answers, list) or len(answers) != len(files):
        return None
    return [answer and (answer[0], answer[1]) for answer in answers]
