"""
What a job asks for: a python, a container, wheels; and where each was asked for.

The job's own environment wins over the sandbox. What an area says by its `default` file is weaker than
both, and CvmfsArea's matter.
"""
import configparser
import os
import re
from collections import namedtuple

import attr

from WMCore.WMRuntime.Environment.PlainFile import readPlain
from WMCore.WMRuntime.Errors import WMRuntimeError

FILE_NAME = "environment.cfg"
WHEELS_DIRECTORY = "wheels"
AUTO = "auto"
PYTHON_VARIABLE = "WMRUNTIME_PYTHON_VERSION"
CONTAINER_VARIABLE = "WMRUNTIME_CONTAINER"
GPU_VARIABLE = "WMRUNTIME_CONTAINER_GPU"
_MAX_BYTES = 64 * 1024
_TRUTH = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}

#: A thing to ask for: the field, its variable, its section and option in the file, what it looks like, in words too.
Question = namedtuple("Question", "field variable place pattern expected")
# The first two become part of paths and command lines.
QUESTIONS = (
    Question("pythonVersion", PYTHON_VARIABLE, ("python", "version"), re.compile(r"[0-9][A-Za-z0-9._+-]*\Z"),
             "a version directory such as 3.9.14-wm1, or what its name begins with"),
    Question("container", CONTAINER_VARIABLE, ("container", "image"), re.compile(r"(?:auto|none|/[^\s\0]+)\Z"),
             "auto, none or the absolute path of an image"),
    Question("gpu", GPU_VARIABLE, ("container", "gpu"), re.compile(r"(?i)(?:%s)\Z" % "|".join(_TRUTH)), "yes or no"),
)


@attr.s(frozen=True)
class EnvironmentRequest(object):
    """
    Hold what a job asks for.

    :param pythonVersion: str, the name of an area's version directory, such as 3.9.14-wm1, or what it begins with,
        such as 3.9; empty for any
    :param container: str, "auto" for the one the description names, or the path of an image; empty for none
    :param wheels: str, the directory of the sandbox's wheels; None when there are none
    :param gpu: bool, whether the container is to see the node's GPUs
    :param origins: dict of str field to str, where it was asked for
    """
    pythonVersion = attr.ib(default="", type=str)
    container = attr.ib(default="", type=str)
    wheels = attr.ib(default=None)
    gpu = attr.ib(default=False, type=bool)
    origins = attr.ib(factory=dict, type=dict, hash=False)

    @classmethod
    def fromJob(cls, environ, jobDirectory=None):
        """
        Gather what a job asks for.

        :param environ: dict, the job's environment
        :param jobDirectory: str, where the sandbox was unpacked; None for none
        :return: EnvironmentRequest
        :raises WMRuntimeError: with the code 11014 for an environment.cfg or a variable with an unusable value
        """
        path = os.path.join(jobDirectory, FILE_NAME) if jobDirectory else ""
        sandbox = _readFile(path) if jobDirectory and os.path.lexists(path) else {}
        found = {}
        for question in QUESTIONS:
            for value, where in ((environ.get(question.variable), question.variable),
                                 (sandbox.get(question.place), path)):
                if value:
                    found.setdefault(question.field, (_checked(value, question, where), where))
        wheels = os.path.join(jobDirectory or "", WHEELS_DIRECTORY)
        if jobDirectory and os.path.isdir(wheels):
            found["wheels"] = wheels, "the sandbox"
        return cls(origins={field: where for field, (_value, where) in found.items()},
                   **{field: value for field, (value, _where) in found.items()})

    @classmethod
    def fromFile(cls, path):
        """
        Read what a file asks for.

        :param path: str
        :return: EnvironmentRequest
        :raises WMRuntimeError: with the code 11014 for a file that is not there or not valid
        """
        found = _readFile(path)
        values = {question.field: _checked(found[question.place], question, path)
                  for question in QUESTIONS if found.get(question.place)}
        return cls(origins=dict.fromkeys(values, path), **values)

    def toText(self):
        """
        Write what is asked for as the file of a sandbox.

        :return: str, which fromFile reads back the same; empty when nothing is asked for
        :raises WMRuntimeError: for a value that no job could understand
        """
        sections = {}
        for question in QUESTIONS:
            value = getattr(self, question.field)
            if value:
                section, option = question.place
                text = "yes" if value is True else value
                _checked(text, question, FILE_NAME)
                sections.setdefault(section, []).append("%s = %s\n" % (option, text))
        return "\n".join("[%s]\n%s" % (section, "".join(lines)) for section, lines in sections.items())

    def origin(self, field):
        """
        Tell where something was asked for.

        :param field: str, such as pythonVersion
        :return: str, a variable or a file; empty when it was not asked for
        """
        return self.origins.get(field, "")

    def toDict(self):
        """
        Give it for JSON: what was asked for, and where.

        :return: dict of str to dict with `value` and `where`
        """
        return {field: {"value": getattr(self, field), "where": where} for field, where in self.origins.items()}


def _checked(text, question, where):
    """Check a value as it is written; give it as the field holds it."""
    if not question.pattern.match(text):
        raise WMRuntimeError(11014, "What the job asks of its environment cannot be understood.",
                             "%s: expected %s, found %r" % (where, question.expected, text),
                             "correct it, or leave it out")
    if question.field == "gpu":
        return _TRUTH[text.lower()]
    return "" if text == "none" else text


def _readFile(path):
    """Read a file: dict of (str section, str option) to str value."""
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None,
                                       default_section=" no defaults ")
    try:
        # Editors of other systems begin a file with a byte order mark.
        parser.read_string(readPlain(path, _MAX_BYTES).decode("utf-8-sig"), path)
        found = {(section, option): value for section in parser.sections() for option, value in parser.items(section)}
    except (OSError, configparser.Error, ValueError, AttributeError, TypeError) as ex:
        raise WMRuntimeError(11014, "What the job asks of its environment cannot be read.",
                             "%s: expected INI text in UTF-8, found: %s" % (path, ex), "make the sandbox again")
    known = [question.place for question in QUESTIONS]
    for place in sorted(set(found).difference(known)):
        raise WMRuntimeError(11014, "What the job asks of its environment cannot be understood.",
                             "%s: expected the options %s, found [%s] %s" % (
                                 (path, ", ".join("[%s] %s" % one for one in known)) + place),
                             "correct the sandbox, or use a runtime that knows it")
    return found
