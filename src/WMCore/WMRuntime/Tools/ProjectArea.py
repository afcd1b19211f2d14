"""
A SCRAM project area as it is on disk.

scram exits with 0 for an area that was there before, even for a broken one (CRABClient#5339).
"""
import hashlib
import os
import stat

import attr

# Of an area that nobody has built in; scram itself makes some thousand files.
MOST_ENTRIES = 50000


@attr.s(frozen=True)
class ProjectArea(object):
    """
    Hold which area is meant, and look at it.

    :param path: str
    :param architecture: str it is to be for, None for any
    """
    path = attr.ib(type=str)
    architecture = attr.ib(default=None)

    def environmentFile(self, architecture):
        """
        Give the path of the file in which scram keeps what the area was made from.

        :param architecture: str
        :return: str
        """
        return os.path.join(self.path, ".SCRAM", architecture, "Environment")

    def architectures(self):
        """
        List the architectures the area is set up for.

        :return: list of str, sorted; empty when scram left no word about any
        """
        try:
            names = os.listdir(os.path.join(self.path, ".SCRAM"))
        except (OSError, ValueError):
            return []
        return sorted(name for name in names if os.path.isfile(self.environmentFile(name)))

    def releaseTop(self, architecture):
        """
        Read the release the area was made from.

        :param architecture: str
        :return: str, the RELEASETOP of `.SCRAM/<arch>/Environment`, or None
        """
        path = self.environmentFile(architecture)
        try:
            # A fifo in its place would keep the job waiting.
            if not os.path.isfile(path):
                return None
            with open(path, "rb") as handle:
                lines = handle.read(65536).splitlines()
        except (OSError, ValueError):
            return None
        for line in lines:
            name, _equals, value = line.partition(b"=")
            if name.strip() == b"RELEASETOP":
                return os.fsdecode(value.strip()) or None
        return None

    def vanishedRelease(self):
        """
        Give the release the area was made from when that is not on disk.

        :return: str, its path; None when it is there, or not named
        """
        for architecture in [self.architecture] if self.architecture else self.architectures()[:1]:
            top = self.releaseTop(architecture)
            if top and not os.path.isdir(top):
                return top
        return None

    def problem(self, justMade=False):
        """
        Look for what makes the area unusable.

        :param justMade: bool; True: scram has just made it where nothing was, and only what its files say
            counts, for a scram stand-in may make a bare directory; False: it has to be whole
        :return: str, what is wrong, or None when it is good
        """
        if not os.path.isdir(self.path):
            return "%s is not there" % self.path
        present = self.architectures()
        if not justMade and not os.path.isdir(os.path.join(self.path, "config")):
            return "%s has no config directory" % self.path
        if not present:
            return None if justMade else "%s has no .SCRAM/%s/Environment" % (self.path, self.architecture or "<arch>")
        if self.architecture and self.architecture not in present:
            return "%s is set up for %s, not for %s" % (self.path, ", ".join(present), self.architecture)
        architecture = self.architecture or present[0]
        if self.releaseTop(architecture) is None:
            return "%s names no RELEASETOP" % self.environmentFile(architecture)
        vanished = self.vanishedRelease()
        return "the release %s of %s is not there" % (vanished, self.path) if vanished else None

    def contents(self):
        """
        Picture all that is in the area, to find out later whether anything was added, removed or changed.

        :return: str, a digest of names, kinds and modes, and of files' sizes and times of their last change; None when
            the area cannot be looked at, or holds more than MOST_ENTRIES
        """
        digest, count = hashlib.sha256(), 0
        top = os.fsencode(os.path.realpath(self.path))
        try:
            for folder, folders, names in os.walk(top, onerror=_raise):
                folders.sort()
                for name in sorted(folders + names):
                    path = os.path.join(folder, name)
                    status = os.lstat(path)
                    facts = (path[len(top):], status.st_mode)
                    if not stat.S_ISDIR(status.st_mode):
                        # Nobody can set this time back; a link's changes with its target.
                        facts += (status.st_size, status.st_ctime_ns)
                    digest.update(repr(facts).encode("ascii"))
                    count += 1
                    if count > MOST_ENTRIES:
                        return None
        except OSError:
            return None
        return digest.hexdigest()

    def moveAside(self):
        """
        Rename what is at the path, whatever it is, to a name not taken yet.

        :return: str, the new path
        :raises OSError: when it cannot be renamed
        """
        number = 1
        while os.path.lexists("%s.broken.%d" % (self.path, number)):
            number += 1
        aside = "%s.broken.%d" % (self.path, number)
        os.rename(self.path, aside)
        return aside


def _raise(error):
    raise error


def currentDirectory():
    """
    Name the directory this process works in, which may have been removed.

    :return: str
    """
    try:
        return os.getcwd()
    except OSError:
        # Whoever makes something there will say so.
        return os.environ.get("PWD") or "."
