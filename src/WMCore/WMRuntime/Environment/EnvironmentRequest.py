"""
What a job asks for: a python, a container, wheels; and where each was asked for.

The job's own environment wins over the sandbox. What an area says by its `default` file is weaker than
both, and CvmfsArea's matter.
"""
import configparser
import os
import re

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError

FILE_NAME = "environment.cfg"
WHEELS_DIRECTORY = "wheels"
AUTO = "auto"
PYTHON_VARIABLE = "WMRUNTIME_PYTHON_VERSION"
CONTAINER_VARIABLE = "WMRUNTIME_CONTAINER"
GPU_VARIABLE = "WMRUNTIME_CONTAINER_GPU"
# Looked at before anything of this is imported (Startup); one of them set, or one of the files there.
VARIABLES = (PYTHON_VARIABLE, CONTAINER_VARIABLE, GPU_VARIABLE)
_MAX_BYTES = 64 * 1024
# Both become part of paths and command lines.
_VERSION = re.compile(r"[0-9][A-Za-z0-9._+-]*\Z")
_IMAGE = re.compile(r"(?:auto|none|/[^\s\0]+)\Z")
_TRUTH = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}


@attr.s(frozen=True)
class EnvironmentRequest(object):
    """
    Hold what a job asks for.

    :param pythonVersion: str, the name of a version directory of an area, such as 3.9.14-wm1; empty for any
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
        asked = {"pythonVersion": (_VERSION, "the name of a version directory such as 3.9.14-wm1", PYTHON_VARIABLE,
                                   ("python", "version")),
                 "container": (_IMAGE, "auto, none or the absolute path of an image", CONTAINER_VARIABLE,
                               ("container", "image")),
                 "gpu": (re.compile("(?i)(?:%s)\\Z" % "|".join(_TRUTH)), "yes or no", GPU_VARIABLE,
                         ("container", "gpu"))}
        sandbox, path = _readSandbox(jobDirectory, [place for _, _, _, place in asked.values()])
        values, origins = {}, {}
        for field, (pattern, expected, variable, place) in asked.items():
            for value, where in ((environ.get(variable), variable), (sandbox.get(place), path)):
                if value and field not in values:
                    values[field], origins[field] = _checked(value, pattern, expected, where), where
        values["gpu"] = _TRUTH[values.get("gpu", "no").lower()]
        if values.get("container") == "none":
            values["container"] = ""
        wheels = os.path.join(jobDirectory, WHEELS_DIRECTORY) if jobDirectory else None
        if wheels and os.path.isdir(wheels):
            values["wheels"], origins["wheels"] = wheels, "the sandbox"
        return cls(origins=origins, **values)

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


def _checked(value, pattern, expected, where):
    if not pattern.match(value):
        raise WMRuntimeError(11014, "What the job asks of its environment cannot be understood.",
                             "%s: expected %s, found %r" % (where, expected, value), "correct it, or leave it out")
    return value


def _readSandbox(jobDirectory, known):
    """Read the sandbox's file: (dict of (section, option) to value, the file's path)."""
    path = os.path.join(jobDirectory or "", FILE_NAME)
    if not jobDirectory or not os.path.lexists(path):
        return {}, path
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None,
                                       default_section=" no defaults ")
    try:
        with open(path, "rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ValueError("more than %d bytes" % _MAX_BYTES)
        parser.read_string(data.decode("utf-8"), path)
        found = {(section, option): value for section in parser.sections() for option, value in parser.items(section)}
    except (OSError, configparser.Error, ValueError, AttributeError, TypeError) as ex:
        raise WMRuntimeError(11014, "What the job asks of its environment cannot be read.",
                             "%s: expected INI text in UTF-8, found: %s" % (path, ex), "make the sandbox again")
    unknown = sorted(set(found).difference(known))
    if unknown:
        raise WMRuntimeError(11014, "What the job asks of its environment cannot be understood.",
                             "%s: expected the options %s, found [%s] %s" % (
                                 path, ", ".join("[%s] %s" % place for place in known), unknown[0][0], unknown[0][1]),
                             "correct the sandbox, or use a runtime that knows it")
    return found, path
