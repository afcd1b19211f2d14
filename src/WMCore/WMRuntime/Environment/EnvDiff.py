"""
The difference between two process environments, and its two written forms: JSON and bash.

Text is carried as the operating system's own: bytes that are not UTF-8 survive every form here.
"""
import os
import re

import attr

VARIABLE_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
# What a shell changes by being started: no fact about the environment (direnv leaves out the same).
NOISE = frozenset(["_", "SHLVL", "PWD", "OLDPWD", "SHELLOPTS", "BASHOPTS", "PS1", "PS4", "COMP_WORDBREAKS"])


def isVariableName(name):
    """
    Tell whether a shell can export this name.

    Exported bash functions (`BASH_FUNC_module%%`) and what else is no identifier are not.

    :param name: str
    :return: bool
    """
    return isinstance(name, str) and VARIABLE_NAME.match(name) is not None and not name.endswith("\n")


def quoteForBash(value):
    """
    Quote a value so that bash reads back exactly it, whatever it holds.

    :param value: str without NUL
    :return: str, one shell word
    :raises ValueError: for a NUL, which no environment can hold
    """
    if "\0" in value:
        raise ValueError("a value for the shell cannot hold a NUL byte: %r" % value[:80])
    return "'%s'" % value.replace("'", "'\\''")


def _known(environ):
    return {name: value for name, value in environ.items() if isVariableName(name) and name not in NOISE}


def _frozenNames(names):
    return tuple(sorted({str(name) for name in names}))


def _checkValues(instance, attribute, values):
    for name, value in values.items():
        if not isVariableName(name):
            raise ValueError("not a variable name: %r" % (name,))
        if not isinstance(value, str) or "\0" in value:
            raise ValueError("not a value an environment can hold: %s=%r" % (name, value))


def _checkNames(instance, attribute, names):
    for name in names:
        if not isVariableName(name):
            raise ValueError("not a variable name: %r" % (name,))


@attr.s(frozen=True, hash=False)
class EnvDiff(object):
    """
    Say which variables to set and which to remove.

    :param toSet: dict, name to value
    :param toUnset: tuple of str, names
    :raises ValueError: for a name a shell cannot export, or a value no environment can hold
    """
    toSet = attr.ib(factory=dict, converter=dict, validator=_checkValues)
    toUnset = attr.ib(default=(), converter=_frozenNames, validator=_checkNames)

    def __attrs_post_init__(self):
        both = set(self.toSet).intersection(self.toUnset)
        if both:
            raise ValueError("both set and unset: %s" % ", ".join(sorted(both)))

    @classmethod
    def between(cls, base, result):
        """
        Compute what leads from one environment to another, a shell's own noise left out.

        :param base: dict, the environment before
        :param result: dict, the environment after
        :return: EnvDiff
        """
        before, after = _known(base), _known(result)
        return cls({name: value for name, value in after.items() if before.get(name) != value},
                   [name for name in before if name not in after])

    def apply(self, environ):
        """
        Build the environment this difference makes of another.

        :param environ: dict, left as it is
        :return: dict
        """
        result = {name: value for name, value in environ.items() if name not in self.toUnset}
        result.update(self.toSet)
        return result

    def toBash(self):
        """
        Write the difference as bash commands.

        :return: str, one `unset` or `export` command per variable; a value may span lines
        """
        lines = ["unset %s" % name for name in self.toUnset]
        lines.extend("export %s=%s" % (name, quoteForBash(self.toSet[name])) for name in sorted(self.toSet))
        return "".join(line + "\n" for line in lines)

    def toDict(self):
        """
        Give the difference for JSON, the same under every locale.

        :return: dict with `set` (name to text, undecodable bytes as lone surrogates) and `unset` (names)
        """
        return {"set": {name: portableText(value) for name, value in self.toSet.items()},
                "unset": list(self.toUnset)}

    @classmethod
    def fromDict(cls, data):
        """
        Read what toDict wrote.

        :param data: dict
        :return: EnvDiff
        :raises ValueError: when it has another shape
        """
        if not isinstance(data, dict) or not isinstance(data.get("set"), dict) \
                or not isinstance(data.get("unset"), list):
            raise ValueError("an environment difference needs the objects 'set' and 'unset'")
        if not all(isinstance(value, str) for value in data["set"].values()):
            raise ValueError("an environment difference holds a value that is no text")
        return cls({name: localText(value) for name, value in data["set"].items()}, data["unset"])


def portableText(text):
    """
    Turn text of this process's environment into text that means the same bytes under every locale.

    Python 3.6 in the C locale reads environment bytes above 127 as surrogates, later ones as UTF-8.

    :param text: str as os.environ has it
    :return: str, UTF-8 decoded, undecodable bytes as lone surrogates
    """
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def localText(text):
    """
    Turn text of portableText into what this process would have in os.environ.

    :param text: str
    :return: str
    """
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))
