"""Write the files of a worker node in a box: whole or not at all, executable where they are programs."""
import json
import os
import shutil

#: Where the templates and the programs that run inside a node are kept.
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


def writeText(path, text, executable=False):
    """
    Write a text file through a temporary name.

    :param path: str, target; its folders are made
    :param text: str, contents
    :param executable: bool, whether everybody may run it
    :return: str, path
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = "%s.tmp%d" % (path, os.getpid())
    with open(temporary, "w", encoding="utf-8") as handle:
        handle.write(text)
    os.chmod(temporary, 0o755 if executable else 0o644)
    os.rename(temporary, path)
    return path


def writeJson(path, value):
    """
    Write a JSON file through a temporary name.

    :param path: str, target
    :param value: what to write
    :return: str, path
    """
    return writeText(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def writeProgram(path, source):
    """
    Copy one of the package's program files into the node and make it executable.

    :param path: str, target
    :param source: str, its name below data/programs
    :return: str, path
    """
    with open(os.path.join(DATA, "programs", source), encoding="utf-8") as handle:
        return writeText(path, handle.read(), executable=True)


def linkTo(path, target):
    """
    Make a symbolic link, and the folders above it; one that is already there is replaced.

    :param path: str, the link
    :param target: str, what it says, relative to the link's folder or absolute
    :return: str, path
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.islink(path):
        os.unlink(path)
    os.symlink(target, path)
    return path


def copyModules(source, target):
    """
    Copy the python modules of one folder, without its caches.

    :param source: str, folder with the modules
    :param target: str, folder to make
    :return: list of str, names copied
    """
    os.makedirs(target, exist_ok=True)
    names = sorted(name for name in os.listdir(source) if name.endswith(".py"))
    for name in names:
        shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
    return names
