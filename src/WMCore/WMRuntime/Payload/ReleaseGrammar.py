"""
Let a release's own pythons compile the sources of a PSet: each is sure of its grammar, as no look from outside is.
"""
import os

import attr

from WMCore.WMRuntime.Environment.CleanEnvironment import withoutWrapperPython
from WMCore.WMRuntime.Payload.GrammarCheck import compileErrors
from WMCore.WMRuntime.Payload.PSetLanguage import NEITHER, Finding, verdictOf
from WMCore.WMRuntime.Payload.PythonModules import PYTHON2, PYTHON3


def askPythons(language, context, majors):
    """
    Ask the release's pythons about the syntax of a PSet's sources; drop what they deny.

    :param language: PSetLanguage, what the text tells
    :param context: ExecutableContext
    :param majors: iterable of int, 2 and 3
    :return: (PSetLanguage, list of str, what each said)
    """
    findings, said = list(language.findings), []
    for major in sorted(majors):
        answers, problem = _answers(context, major, language.sources)
        if problem:
            said.append("python %d of the release %s" % (major, problem))
        for path, answer in zip(language.sources, answers):
            if answer is None:
                said.append("python %d of the release compiles %s" % (major, path))
                # Its grammar has the last word on syntax, not on what an import finds.
                findings = [finding for finding in findings if finding.file != path or finding.which != NEITHER]
            elif answer[0] is None:
                said.append("python %d of the release cannot read %s: %s" % (major, path, answer[1]))
            else:
                what = "python %d of the release says: %s" % (major, answer[1])
                findings.append(Finding(path, answer[0], what, PYTHON3 if major == 2 else PYTHON2))
    return attr.evolve(language, findings=tuple(findings), verdict=verdictOf(findings)), said


def _answers(context, major, sources):
    """Give (answers of one python, None), or (none, why there are none)."""
    python = context.release.python(major) if context.release is not None else None
    if python is None or not python.exists:
        return (), "was not there to be asked" + (": %s" % python.path if python is not None else "")
    try:
        return compileErrors(python.path, sources, _environment(context, python.path)), None
    except ValueError as ex:
        return (), "did not answer: %s" % ex


def _environment(context, path):
    """Build what one of the release's pythons is started with: it needs the release's libraries."""
    # Loaded here: hardly any choice comes to this.
    from WMCore.WMRuntime.Interpreter.InterpreterProvider import PAYLOAD, ResolutionContext
    from WMCore.WMRuntime.Interpreter.InterpreterResolver import usableEnvironment
    from WMCore.WMRuntime.Interpreter.StartEnvironment import releaseStart
    environ = usableEnvironment(os.environ)
    clean = withoutWrapperPython(environ)
    base = dict(clean, **usableEnvironment(context.environ or {}))
    known = ResolutionContext(PAYLOAD, environ, clean, base, None, context.release,
                              releaseKnown=context.environ is not None)
    return releaseStart(known, path).apply(base)
