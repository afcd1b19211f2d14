"""
Let pip fetch one wheel for an interpreter that is not here.
"""
import os
import sys
import tempfile

import attr

from WMCore.WMRuntime.Errors import WMRuntimeError
from WMCore.WMRuntime.Tools.ChildProcess import runCaptured

TIMEOUT = 600.0
# What pip says when nothing fits, and not when a file or the index cannot be reached.
_NOTHING_FITS = "No matching distribution found"


@attr.s(frozen=True)
class PipDownload(object):
    """
    Say where wheels come from.

    :param indexUrl: str, an index; None for the one pip is set up for
    :param findLinks: tuple of str, directories with wheels
    :param noIndex: bool, whether the directories are all there is
    :param python: str, interpreter that has pip
    """
    indexUrl = attr.ib(default=None)
    findLinks = attr.ib(default=(), converter=tuple)
    noIndex = attr.ib(default=False)
    python = attr.ib(default=sys.executable)

    def arguments(self, target):
        """
        Write pip's options for a target.

        :param target: WheelTarget
        :return: list of str
        """
        options = ["--python-version", "%d.%d" % target.python, "--implementation", "cp"]
        for abi in (target.abi, "abi3", "none"):
            options += ["--abi", abi]
        for platform in target.platforms:
            options += ["--platform", platform]
        for directory in self.findLinks:
            options += ["--find-links", os.path.abspath(directory)]
        if self.noIndex:
            options.append("--no-index")
        elif self.indexUrl:
            options += ["--index-url", self.indexUrl]
        return options

    def fetch(self, requirement, target, directory):
        """
        Fetch a wheel.

        :param requirement: str, one line of a requirements file: name==version, and hashes when they are known
        :param target: WheelTarget
        :param directory: str, existing; the wheel goes there
        :return: str, path of the wheel; None when there is none for the target
        :raises WMRuntimeError: when pip fails otherwise, so that a broken network never looks like a missing wheel
        """
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=directory) as temporary:
            listed = os.path.join(temporary, "requirements.txt")
            with open(listed, "w", encoding="utf-8") as handle:
                handle.write(requirement + "\n")
            files = os.path.join(temporary, "files")
            ended, output, errors = runCaptured(
                [self.python, "-m", "pip", "--disable-pip-version-check", "download", "--no-input", "--no-deps",
                 "--only-binary", ":all:", "--dest", files] + self.arguments(target) + ["-r", listed], timeout=TIMEOUT)
            names = os.listdir(files) if os.path.isdir(files) else []
            if not ended.ok and _NOTHING_FITS in errors:
                return None
            if not ended.ok or len(names) != 1:
                said = "took longer than %d s" % TIMEOUT if ended.timedOut else (errors or output).strip()[-1500:]
                raise WMRuntimeError(None, "pip cannot fetch a wheel.",
                                     "%s for %s: pip ended with %s\n%s" % (requirement.split(" ")[0], target,
                                                                           ended.shellCode, said),
                                     "check the index or the directory; when a hash changed on purpose, say so by "
                                     "--update-lock")
            path = os.path.join(directory, names[0])
            os.replace(os.path.join(files, names[0]), path)
            return path
