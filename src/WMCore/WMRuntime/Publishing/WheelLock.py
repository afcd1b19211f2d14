"""
The lock of a wheelhouse: the hashes its wheels may have, in pip's own form for requirements.

    psutil==7.2.2 --hash=sha256:... --hash=sha256:...

The first collection writes it; from then on pip takes no file whose hash is not in it, wherever the file comes from.
"""
import os
import re

from packaging.utils import canonicalize_name

from WMCore.WMRuntime.Errors import WMRuntimeError

LOCK_NAME = "wheels.lock"
_LINE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)((?: --hash=sha256:[0-9a-f]{64})+)\Z")
_HEAD = ("# What these wheels must be, byte for byte. Written by wmruntime wheels collect; change it with "
         "--update-lock.\n")


class WheelLock(object):
    """
    Hold the hashes allowed for each version of a library.

    :param hashes: dict of (str canonical name, str version) to set of str, SHA-256 in hexadecimal
    """

    def __init__(self, hashes=None):
        self.hashes = {key: set(values) for key, values in (hashes or {}).items()}

    @classmethod
    def load(cls, directory):
        """
        Read the lock of a wheelhouse.

        :param directory: str
        :return: WheelLock, None when there is no lock
        :raises WMRuntimeError: when there is one that cannot be read
        """
        path = os.path.join(directory, LOCK_NAME)
        if not os.path.lexists(path):
            return None
        hashes = {}
        try:
            with open(path, encoding="utf-8") as handle:
                for number, line in enumerate(handle, 1):
                    if line.strip() and not line.startswith("#"):
                        name, version, values = cls._parse(path, number, line.strip())
                        hashes.setdefault((name, version), set()).update(values)
        except (OSError, ValueError) as ex:
            raise WMRuntimeError(None, "The lock of the wheelhouse cannot be read.", "%s: %s" % (path, ex),
                                 "take it back from where it is kept")
        return cls(hashes)

    @staticmethod
    def _parse(path, number, text):
        found = _LINE.match(text)
        if found is None:
            raise WMRuntimeError(None, "The lock of the wheelhouse cannot be read.",
                                 "%s, line %d: expected NAME==VERSION --hash=sha256:..., found %.120r" % (
                                     path, number, text), "take it back from where it is kept")
        return canonicalize_name(found.group(1)), found.group(2), re.findall(r"sha256:(\w+)", found.group(3))

    def add(self, name, version, sha256):
        """
        Allow one more file.

        :param name: str, distribution
        :param version: str
        :param sha256: str
        """
        self.hashes.setdefault((canonicalize_name(name), version), set()).add(sha256)

    def allows(self, name, version, sha256):
        """
        Tell whether a file may be used.

        :param name: str, distribution
        :param version: str
        :param sha256: str
        :return: bool
        """
        return sha256 in self.hashes.get((canonicalize_name(name), version), ())

    def requirement(self, name, version):
        """
        Write one line for pip.

        :param name: str, distribution
        :param version: str
        :return: str; without a hash when the lock has none for this version
        """
        hashes = sorted(self.hashes.get((canonicalize_name(name), version), ()))
        return " ".join(["%s==%s" % (name, version)] + ["--hash=sha256:%s" % value for value in hashes])

    def text(self):
        """Write the lock; the same hashes give the same text."""
        return _HEAD + "".join(self.requirement(*key) + "\n" for key in sorted(self.hashes))
