"""`scram project`: make a developer's area from a release."""
import os
import shutil
import sys

from .Area import ADMIN, Area
from .Context import fatal
from .ProjectDb import ProjectDb

_EMPTY_STORES = ("bin", "biglib", "lib", "static", "objs", "test", "logs", "cfipython")
_HELP = "       You can run \"scram list $projectname\" to get the list of available versions.\n"
_SAME_SYSTEM = ("cs", "cc", "alma", "rhel", "rocky", "el")


def project(context, arguments):
    """
    Run the command.

    :param context: Context
    :param arguments: list of str, what follows `project`
    :return: int, exit code
    """
    options, words = _parse(context, arguments)
    if not words:
        fatal("Error parsing arguments. See \"scram -help\" for usage info.")
    name, version = (words[0], words[1]) if len(words) > 1 else (words[0].split("_", 1)[0], words[0])
    name = name.upper()
    asked = context.arch
    release, arch = _findRelease(context, name, version)
    if release is None:
        return 1
    installed = options.get("name") or version
    folder = options.get("dir") or os.getcwd()
    target = os.path.join(folder, installed)
    if os.path.isdir(os.path.join(target, ADMIN, arch)):
        sys.stderr.write("WARNING: There already exists %s/%s area for SCRAM_ARCH %s.\n" % (folder, installed, arch))
        return 0
    context.runOtherVersion(release, arch)
    try:
        _makeArea(context, Area(release, arch), target)
    except OSError as error:
        if context.isV3:
            raise
        sys.stderr.write("Can not create directory %s: %s at scram line 1.\n" % (target, error.strerror))
        return error.errno or 255
    if arch != asked:
        sys.stdout.write("WARNING: Release %s is not available for architecture %s.\n"
                         "         Developer's area is created for available architecture %s.\n"
                         % (version, asked, arch))
    if "SCRAM_IGNORE_SITE_PROJECT_HOOK" not in context.environ:
        sys.stdout.write(hostWarning(context, arch))
    return 0


def hostWarning(context, arch):
    """
    Say what the site hook 00-os-mismatch says when an architecture does not fit the host.

    :param context: Context
    :param arch: str
    :return: str, empty when it fits
    """
    hostOs, hostCpu = (context.host.split("_") + [""])[:2]
    archOs, archCpu = (arch.split("_") + [""])[:2]
    if hostCpu != archCpu:
        return ("ERROR: You are trying to use SCRAM architecture '%s' on '%s' host. This will not build/run.\n"
                "       Please either set/use correct SCRAM_ARCH or move to a suitable '%s' host.\n"
                % (archCpu, hostCpu, archCpu))
    if hostOs == archOs or (hostOs.startswith("el") and archOs.rstrip("0123456789") in _SAME_SYSTEM and
                            hostOs.lstrip("el") == archOs.lstrip("abcdefghijklmnopqrstuvwxyz")):
        return ""
    return ("WARNING: You are trying to use SCRAM architecture '%s' on host with operating system '%s'.\n"
            "         This is not supported and likely will not work and you might get build/runtime errors.\n"
            % (archOs, hostOs))


def _parse(context, arguments):
    """Split options from words; an unknown option is ignored by V3 and refused by V2."""
    options = {}
    words = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        plain = word.lstrip("-")
        if word.startswith("-") and plain in ("d", "dir", "n", "name", "b", "boot"):
            if not rest:
                fatal("Error parsing arguments. See \"scram -help\" for usage info.")
            options[{"d": "dir", "n": "name", "b": "boot"}.get(plain, plain)] = rest.pop(0)
        elif word.startswith("-"):
            if plain not in ("l", "log", "s", "symlinks", "u", "update", "f", "force") and not context.isV3:
                sys.stderr.write("Unknown option: %s\n" % plain)
                fatal("Error parsing arguments. See \"scram -help\" for usage info.")
        else:
            words.append(word)
    if "boot" in options:
        fatal("The stand-in makes no release from a bootstrap file.")
    return options, words


def _findRelease(context, name, version):
    """Return (release directory, architecture), or (None, None) after saying why not."""
    database = ProjectDb(context.database, context.arch)
    release = database.find(name, version, context.arch)
    if release and os.path.isdir(os.path.join(release, ADMIN, context.arch)):
        return release, context.arch
    others = [] if context.forcedArch else database.archsWith(name, version)
    if len(others) == 1:
        return database.find(name, version, others[0]), others[0]
    if context.isV3:
        text = "ERROR: Project \"%s\" version \"%s\" is not available for arch %s.\n" % (name, version, context.arch)
    else:
        text = ("ERROR: Unable to find release area for \"%s\" version \"%s\" for arch %s.\n"
                % (name, version, context.arch))
    if others:
        text += ("       \"%s\" is currently available for following archs.\n"
                 "       Please set SCRAM_ARCH properly and re-run the command.\n    %s\n"
                 % (name, "\n    ".join(others)))
    else:
        text += "       Please make sure you have used the correct name/version.\n" + _HELP
    sys.stderr.write(text)
    return None, None


def _makeArea(context, release, target):
    """Lay out the area. .SCRAM/<arch>, by which SCRAM knows an area, gets its content last."""
    arch = release.arch
    os.makedirs(os.path.join(target, ADMIN), exist_ok=True)
    if not os.path.isdir(os.path.join(target, "config")):
        shutil.copytree(release.config, os.path.join(target, "config"))
    _write(os.path.join(target, "config", "scram_basedir"), context.database + "\n")
    for store in _EMPTY_STORES:
        os.makedirs(os.path.join(target, store, arch), exist_ok=True)
    for folder in ("include", "python", "src", "doc", os.path.join("tmp", arch)):
        os.makedirs(os.path.join(target, folder), exist_ok=True)
    shutil.copyfile(os.path.join(release.location, ADMIN, "Environment"), os.path.join(target, ADMIN, "Environment"))
    admin = os.path.join(target, ADMIN, arch)
    for folder, names, files in os.walk(release.archDirectory):
        there = os.path.join(admin, os.path.relpath(folder, release.archDirectory))
        if "MakeData" in names:
            names.remove("MakeData")
        os.makedirs(there, exist_ok=True)
        for name in files:
            shutil.copyfile(os.path.join(folder, name), os.path.join(there, name))
    _write(os.path.join(admin, "Environment"), "RELEASETOP=%s\n" % release.location)
    _write(os.path.join(admin, "chkarch"), "")


def _write(path, text):
    with open(path, "w", encoding="utf-8") as handle:
        handle.write(text)
