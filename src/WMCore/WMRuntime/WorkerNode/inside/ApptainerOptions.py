"""The command line of apptainer, as its stand-in reads it. Runs inside the node, on python 3.6 and newer."""
import os

SWITCHES = {"cleanenv": "e", "contain": "c", "no-home": "", "no-eval": "", "nv": "", "rocm": "", "userns": "u",
            "no-nv": "", "no-rocm": "", "disable-cache": ""}
VALUED = {"bind": "B", "home": "H", "pwd": "", "cwd": "", "workdir": "W", "env": ""}
GLOBAL = {"debug": "d", "nocolor": "", "quiet": "q", "silent": "s", "verbose": "v"}
# Real options that are not faked here.
OTHERS = frozenset("""add-caps allow-setuid app apply-cgroups authfile blkio-weight blkio-weight-device compat containall
    cpu-shares cpus cpuset-cpus cpuset-mems dmtcp-launch dmtcp-restart dns docker-host docker-login drop-caps env-file
    fakeroot
    fusemount hostname ipc keep-privs memory memory-reservation memory-swap mount net network network-args no-https
    no-init no-mount no-privs no-umask nvccli oom-kill-disable overlay passphrase pem-path pid pids-limit scratch
    security sharens unsquash underlay uts vm writable writable-tmpfs C f i n o p S w""".split())


class Refused(Exception):
    """The command line is wrong: exit 1."""


class Fatal(Exception):
    """The container cannot be had: exit 255."""


def parse(arguments, switches, valued):
    """
    Take the options from the front of a command line, as cobra does without interspersed ones.

    :param arguments: list of str
    :param switches: dict of long name to short letter, options without a value
    :param valued: dict likewise, options with one
    :return: (dict of long name to list of values, list of str left)
    :raises Refused: for what apptainer refuses
    """
    shorts = {"-" + letter: name for names in (switches, valued) for name, letter in names.items() if letter}
    found, left = {}, list(arguments)
    while left and left[0].startswith("-") and left[0] != "-":
        word = left.pop(0)
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            name, value, equals = name[:2], name[2:] + equals + value, name[2:]
        long = shorts.get(name, name[2:] if name.startswith("--") else name)
        if long in switches and (value in ("", "true", "false")):
            found.setdefault(long, []).append(value != "false")
        elif long in valued:
            if not equals and not value:
                if not left:
                    raise Refused("flag needs an argument: %s" % word)
                value = left.pop(0)
            found.setdefault(long, []).append(value)
        elif long.lstrip("-") in OTHERS:
            raise Refused("%s is an option of apptainer that this stand-in does not fake" % word)
        else:
            raise Refused("unknown flag: %s" % word if word.startswith("--") else
                          "unknown shorthand flag: '%s' in %s" % (word[1], word))
    return found, left


def splitBinds(specs):
    """
    Read bind specifications, comma-separated: src[:dest[:opts]].

    :param specs: list of str
    :return: list of (str source, str destination, bool read-only)
    :raises Fatal: for another form
    """
    binds = []
    for spec in [part for text in specs for part in text.split(",") if part]:
        parts = spec.split(":")
        if len(parts) == 3 and parts[2] not in ("ro", "rw"):
            raise Fatal("while parsing bind path %s: %s is not a valid bind option" % (spec, parts[2]))
        if len(parts) > 3 or not parts[0]:
            raise Fatal("while parsing bind path %s: not in the format src[:dest[:opts]]" % spec)
        source, target = parts[0], parts[1] if len(parts) > 1 and parts[1] else parts[0]
        if not target.startswith("/"):
            target = os.path.abspath(target)
        binds.append((os.path.abspath(source), target, parts[2:] == ["ro"]))
    return binds
