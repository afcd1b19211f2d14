"""
A scram stand-in for the tests of Tools/Scram: a bash script in a directory of its own.

It fakes `project` (an area with config, .SCRAM/<arch>/Environment) and `runtime -sh` (the text of the file
`runtime.txt`), counts its calls in `calls`, and does what the bash text of `before.project` or
`before.runtime` says first.
"""
import os
import stat

ARCH = "el8_amd64_gcc11"
RELEASE = "CMSSW_13_0_3"

_SCRIPT = """#!/bin/bash
home='%(home)s'
arch=$SCRAM_ARCH
if [ "$1" = --arch ]; then arch=$2; shift 2; fi
action=$1
echo "$action|$arch|$PWD" >>"$home/calls"
[ "$action" = ru ] && action=runtime
[ -f "$home/before.$action" ] && . "$home/before.$action"
case $action in
  project)
    area=$PWD/$3
    if [ -d "$area" ]; then echo "WARNING: There already exists $area area for SCRAM_ARCH $arch." >&2; exit 0; fi
    mkdir -p "$area/config/toolbox" "$area/src" "$area/.SCRAM/$arch"
    echo "RELEASETOP=$home/cvmfs/$arch/cms/cmssw/$3" >"$area/.SCRAM/$arch/Environment" ;;
  runtime)
    area=$(pwd -P)
    release=${area##*/}
    [ -n "$arch" ] || arch=$(ls "$area/.SCRAM")
    echo 'export CMSSW_BASE="'"$area"'";'
    echo 'export CMSSW_VERSION="'"$release"'";'
    echo 'export CMSSW_RELEASE_BASE="'"$home/cvmfs/$arch/cms/cmssw/$release"'";'
    echo 'export SCRAMRT_SET="CMSSW:'"$release:$arch"':V3_00_30:SRT_";'
    cat "$home/runtime.txt" ;;
esac
"""


class FakeScram(object):
    """The stand-in in a directory; `command` is its path."""

    def __init__(self, home):
        self.home = str(home)
        self.top = self.provide(RELEASE, ARCH)
        self.command = os.path.join(self.home, "scramv1")
        self.write("scramv1", _SCRIPT % {"home": self.home})
        os.chmod(self.command, stat.S_IRWXU)
        self.write("runtime.txt", 'export PATH="%s/bin:$PATH";\n' % self.top)

    def provide(self, release, arch):
        """Put a release where areas say they are from; give its directory."""
        top = os.path.join(self.home, "cvmfs", arch, "cms", "cmssw", release)
        os.makedirs(os.path.join(top, "config", "toolbox"))
        return top

    def write(self, name, text):
        """Write one of the files that steer the stand-in."""
        with open(os.path.join(self.home, name), "w") as handle:
            handle.write(text)

    def before(self, action, text):
        """Have the stand-in do bash text at the start of an action."""
        self.write("before." + action, text)

    @property
    def calls(self):
        """Give the calls so far, a list of [action, arch, directory]."""
        path = os.path.join(self.home, "calls")
        if not os.path.exists(path):
            return []
        with open(path) as handle:
            return [line.rstrip("\n").split("|") for line in handle]

    def actions(self):
        """Give the actions of the calls so far."""
        return [call[0] for call in self.calls]
