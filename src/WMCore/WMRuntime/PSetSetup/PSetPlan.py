"""
What is to be done to a PSet: calls of cmssw-wm-tools commands, in their order.
"""
import json
import os

import attr

FORMAT = 1
# In a tweak that is written for each output module: its label. In arguments: the type of the process' source.
MODULE_MARK, SOURCE_MARK = "@outputModule@", "@sourceType@"
# Not a command: what the driver does itself.
CHECK_SOURCE = "check the source"
TWEAK = "edm_pset_tweak.py"


def _fixed(values):
    """Make a tuple; of `tuple` itself attrs wants the signature, and inspect loads a parser to take it apart."""
    return tuple(values)


@attr.s(frozen=True)
class JsonFile(object):
    """
    Hold a file that a tool reads.

    :param path: str
    :param content: what JSON can hold
    :param perOutputModule: bool, whether the content, a list, is repeated with MODULE_MARK replaced by each output
        module's label; only the driver knows them
    """
    path = attr.ib()
    content = attr.ib()
    perOutputModule = attr.ib(default=False)


@attr.s(frozen=True)
class ToolCall(object):
    """
    Hold one call.

    :param program: str, name of the command, or CHECK_SOURCE
    :param options: tuple of str, its arguments
    :param why: str, a few words for people
    :param files: tuple of JsonFile to be there before the call
    :param tweaks: bool, whether the files are tweaks, applied in their order: the value of --json
    :param sourceTypes: tuple of str; when given, the call is left out for a source of another type, and SOURCE_MARK in
        the options is its type
    """
    program = attr.ib()
    options = attr.ib(default=(), converter=_fixed)
    why = attr.ib(default="")
    files = attr.ib(default=(), converter=_fixed)
    tweaks = attr.ib(default=False)
    sourceTypes = attr.ib(default=(), converter=_fixed)

    @property
    def arguments(self):
        """Give the whole command line after the program, a list of str."""
        files = ["--json"] + [known.path for known in self.files] if self.tweaks else []
        return list(self.options) + files

    def followedBy(self, other):
        """
        Join two calls that are the same as one.

        :param other: ToolCall that comes next
        :return: ToolCall, or None when they must stay two
        """
        if not (self.tweaks and other.tweaks and self.options == other.options):
            return None
        return attr.evolve(self, files=self.files + other.files, why="%s, %s" % (self.why, other.why))


@attr.s(frozen=True)
class PSetPlan(object):
    """
    Hold all calls for one step.

    :param pickle: str, path of the pickle they work on
    :param calls: tuple of ToolCall
    """
    pickle = attr.ib()
    calls = attr.ib(converter=_fixed)

    def merged(self):
        """
        Join neighbouring tweaks with the same flags.

        edm_pset_tweak.py applies its files one after the other; its flags hold for all of them.

        :return: PSetPlan
        """
        calls = []
        for call in self.calls:
            joined = calls[-1].followedBy(call) if calls else None
            if joined is None:
                calls.append(call)
            else:
                calls[-1] = joined
        return attr.evolve(self, calls=calls)

    def toDict(self):
        """
        Give the plan as the driver reads it.

        :return: dict for JSON
        """
        calls = []
        for number, call in enumerate(self.calls, 1):
            calls.append({"id": number, "program": call.program, "arguments": call.arguments, "why": call.why,
                          "sourceTypes": list(call.sourceTypes),
                          "perOutputModule": {known.path: known.content for known in call.files
                                              if known.perOutputModule}})
        return {"format": FORMAT, "pickle": self.pickle, "calls": calls}

    def write(self, path):
        """
        Write the plan, and before it the files that its tools read.

        :param path: str
        :raises OSError: when one cannot be written
        :raises TypeError: when JSON cannot hold one
        """
        for call in self.calls:
            for known in call.files:
                if not known.perOutputModule:
                    writeJson(known.path, known.content)
        writeJson(path, self.toDict(), indent=1)


def writeJson(path, content, indent=None):
    """
    Write a JSON file, whole or not at all.

    :param path: str
    :param content: what JSON can hold
    :param indent: int for people, None for tools
    :raises OSError: when it cannot be written
    :raises TypeError: when JSON cannot hold the content
    """
    text = json.dumps(content, indent=indent)
    temporary = "%s.%d.tmp" % (path, os.getpid())
    with open(temporary, "w", encoding="ascii") as handle:
        handle.write(text)
    os.replace(temporary, path)
