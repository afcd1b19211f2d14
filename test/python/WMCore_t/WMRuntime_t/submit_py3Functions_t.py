"""
Test the functions of the job wrapper one by one, as another wrapper would use them after sourcing it (#10257, #11104).
"""
import os
import pickle
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WMCore_t.WrapperNode import OS_RELEASES, WRAPPER, readError, runBash

SNAPSHOT = 'snapshot() { declare -p | grep -v -E " (_|BASH_LINENO|BASH_ARGV|BASH_ARGC|RANDOM|SECONDS|PIPESTATUS|LINENO|' \
           'EPOCH[A-Z]*|SRANDOM|BASHPID|FUNCNAME|BASH_SOURCE)(=|$)"; set +o; shopt -p; trap; umask; pwd; jobs; ulimit -a; }'
TEXTS = st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0x7f))


def printed(script, *arguments, **environ):
    """
    Give what a script prints after the wrapper is sourced; its status must be 0.
    """
    status, out, err = runBash(script, *arguments, **environ)
    assert status == 0, out + err
    return out


class TestSourcing(object):
    """
    Sourcing defines functions and does nothing else (#10257, #11104).
    """

    def test_sourcingHasNoSideEffects10257(self, tmp_path):
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", SNAPSHOT + '\nsnapshot > before\n. "$1" one two > out 2>&1\n'
             'echo $? >> out\nsnapshot > after\necho "$#" > count', "test", WRAPPER], cwd=str(tmp_path),
            env={"PATH": os.environ["PATH"]})
        assert process.wait(timeout=30) == 0
        assert (tmp_path / "out").read_text() == "0\n"
        assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()
        assert sorted(os.listdir(str(tmp_path))) == ["after", "before", "count", "out"]

    def test_sourcingUnderTheNameOfTheScriptItselfRunsNothing(self, tmp_path):
        process = subprocess.Popen(["bash", "-c", '. "$0"; echo end', WRAPPER], cwd=str(tmp_path), stdout=subprocess.PIPE)
        assert process.communicate(timeout=30)[0] == b"end\n" and os.listdir(str(tmp_path)) == []

    @pytest.mark.parametrize("options", ["set -eu", "set -u -o pipefail", "set -o posix"])
    def test_sourcingInAStrictShell11104(self, tmp_path, options):
        process = subprocess.Popen(["bash", "--noprofile", "--norc", "-c", options + '\n. "$1"\ndeclare -F wma_main', "test",
                                    WRAPPER], stdout=subprocess.PIPE, cwd=str(tmp_path), env={"PATH": os.environ["PATH"]})
        assert process.communicate(timeout=30)[0] == b"wma_main\n" and process.returncode == 0

    def test_everyFunctionHasThePrefix(self):
        names = printed("declare -F").split("\n")
        functions = [line.split()[-1] for line in names if line]
        assert len(functions) > 30 and all(name.startswith("wma_") for name in functions)

    def test_functionsForAnotherWrapperWorkUnderStrictOptions(self, tmp_path):
        out = printed('set -u\ncd "$1"\nwma_container_os || true\nwma_comp_areas any rhel8\nwma_cms_roots\n'
                      'wma_save_environment "$1/e.sh"\nwma_environment_script | wma_masked > /dev/null\n'
                      'mkdir -p p/3.{8,10}/etc/profile.d; touch p/3.{8,10}/etc/profile.d/init.sh; wma_versions p\n'
                      'wma_write_report "$1/Report.0.pkl" 11004 NoCompPython text\nwma_check_token > /dev/null', str(tmp_path))
        assert "3.10\n3.8\n" in out
        assert readError(tmp_path / "Report.0.pkl") == (11004, "NoCompPython", "text")


class TestShellcheck(object):
    """
    The script is clean and keeps to bash 4.2.
    """

    def test_shellcheck(self):
        if not shutil.which("shellcheck"):
            pytest.skip("shellcheck is not installed")
        process = subprocess.Popen(["shellcheck", "--shell=bash", WRAPPER], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = process.communicate(timeout=120)[0].decode()
        assert process.returncode == 0, out

    def test_nothingNewerThanBash42(self):
        with open(WRAPPER) as handle:
            code = "\n".join(line for line in handle.read().split("\n") if not line.lstrip().startswith("#"))
        for newer in ("@Q}", "@E}", "@A}", "@a}", "declare -n", "local -n", "wait -n", "local -\n", "EPOCHSECONDS",
                      "EPOCHREALTIME", "readarray -d", "mapfile -d", "${!#", "[-1]", "inherit_errexit", "wait -p", "SRANDOM"):
            assert newer not in code, newer


class TestVersions(object):
    """
    Python by version order.
    """

    @pytest.mark.parametrize("expected", [
        "3.10.1 3.8.2-comp", "3.9.14 3.9.6 3.9", "3.8.2-comp10 3.8.2-comp2 3.8.2-comp 3.8.2", "3.12.0 3.8.20 3.6.4 2.7.13",
        "3.9 3.08", "3.8.2-b 3.8.2-a", ""])
    def test_newestFirst(self, tmp_path, expected):
        for name in expected.split():
            (tmp_path / name / "etc/profile.d").mkdir(parents=True)
            (tmp_path / name / "etc/profile.d/init.sh").write_text("")
        assert printed('wma_versions "$1"', str(tmp_path)).split() == expected.split()

    def test_namesThatAreNoVersionAreToldAndLeftOut(self, tmp_path):
        for name in ("3.8.2", "latest", "3.9 beta", "3.11", "3.9\n9.9", "3.9;x"):
            (tmp_path / name).mkdir()
        status, out, err = runBash('wma_versions "$1"', str(tmp_path))
        assert (status, out) == (0, "3.11\n3.8.2\n")
        assert [name in err for name in ("3.9\\ beta", "3.9\\n9.9", "3.9\\;x")] == [True] * 3 and "latest" not in err

    @pytest.mark.parametrize("text, expected", [
        ("3.8.2", "3.8.2 3.10 3.9"), ("3.9\n", "3.9 3.10 3.8.2"), ("", "3.10 3.9 3.8.2"), ("3.7\n", "3.10 3.9 3.8.2"),
        ("../python3/3.8.2\n", "3.10 3.9 3.8.2"), ("3.8.2\n3.9\n", "3.10 3.9 3.8.2"), ("3.8.2\r\n", "3.10 3.9 3.8.2"),
        (".\n", "3.10 3.9 3.8.2"), ("3.8.2\0", "3.10 3.9 3.8.2"), ("3" * 5000, "3.10 3.9 3.8.2")])
    def test_theDefaultGoesFirstUnlessItIsNoVersion10642(self, tmp_path, text, expected):
        for name in ("3.8.2", "3.9", "3.10"):
            (tmp_path / name).mkdir()
        (tmp_path / "default").write_text(text)
        status, out, err = runBash('wma_candidates "$1"', str(tmp_path))
        assert (status, out.split()) == (0, expected.split())
        assert ("default names" in err) == (expected[:4] == "3.10")


class TestContainerOs(object):
    """
    The container's system, with and without rpm.
    """

    def system(self, tmp_path, text, **environ):
        path = tmp_path / "os-release"
        path.write_text(text)
        status, out, _ = runBash("wma_container_os", WMRUNTIME_OS_RELEASE=str(path), **environ)
        assert status == 0
        return out.strip()

    @pytest.mark.parametrize("name, expected", [("el7", "rhel7"), ("el8", "rhel8"), ("alma9", "rhel9"), ("el10", "rhel10"),
                                                ("debian", "")])
    def test_systems(self, tmp_path, name, expected):
        assert self.system(tmp_path, OS_RELEASES[name]) == expected

    @pytest.mark.parametrize("text, expected", [
        ('ID="centos"\nVERSION_ID="8"\nPLATFORM_ID="platform:el8"', "rhel8"), ("ID=rhel\n", ""), ("", ""),
        ("ID=rhel\nVERSION_ID=\n", ""), ('ID="fedora"\nVERSION_ID=40\nPLATFORM_ID="platform:f40"', ""),
        ('ID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2023"', ""),
        ('ID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"', ""),
        ("ID='rhel'\nVERSION_ID='9.4'", "rhel9"), ("VERSION_ID=$(touch /tmp/evil)\nID=rhel", ""),
        ('PLATFORM_ID="platform:el08"', "rhel8")])
    def test_oddFiles(self, tmp_path, text, expected):
        assert self.system(tmp_path, text) == expected

    def test_rpmIsNotNeeded(self, tmp_path):
        tools = tmp_path / "bin"
        tools.mkdir()
        for name in ("bash", "cat"):
            os.symlink(shutil.which(name), str(tools / name))
        assert self.system(tmp_path, "ID=rhel\n", PATH=str(tools)) == ""


class TestAreas(object):
    """
    Order of the COMP areas.
    """

    @pytest.mark.parametrize("required, container, expected", [
        ("any", "rhel8", "rhel8 rhel7 rhel6"), ("any", "rhel10", "rhel10 rhel9 rhel8 rhel7 rhel6"),
        ("rhel8", "rhel9", "rhel8 rhel9 rhel7 rhel6"), ("rhel7,rhel8", "rhel8", "rhel8 rhel7 rhel6"),
        ("rhel7,rhel8", "rhel9", "rhel7 rhel8 rhel9 rhel6"), ("any", "", "rhel8 rhel9 rhel7 rhel6"), ("", "rhel7", "rhel7 rhel6"),
        ("../x,rhel8", "rhel8", "rhel8 rhel7 rhel6"), ("*", "rhel7", "rhel7 rhel6"), ("rhel9", "", "rhel9 rhel8 rhel7 rhel6")])
    def test_order(self, tmp_path, required, container, expected):
        process = subprocess.Popen(["bash", "-c", '. "$1"; wma_comp_areas "$2" "$3"', "test", WRAPPER,
                                    required, container], cwd=str(tmp_path), stdout=subprocess.PIPE)
        lines = process.communicate(timeout=30)[0].decode().splitlines()
        assert lines == expected.split()


class TestStartupEnvironment(object):
    """
    startup_environment.sh is read back by the stage-out plug-ins in `env -i bash -c`.
    """

    NASTY = {"MULTI": "a\nFAKE=x\n'b' \"c\" `touch evil` $(touch evil) \\ \\n", "QUOTE": "'", "AMP": "&\\&", "EMPTY": "",
             "BLANKS": "  x  ", "TAB": "\t\x01\x7f", "DOLLAR": "$HOME ${HOME}", "BANG": "!!", "UTF": u"caf\u00e9", "DASH": "-n"}

    def save(self, tmp_path, environ, before=""):
        path = tmp_path / "startup_environment.sh"
        printed(before + '\nwma_save_environment "$1"', str(path), **environ)
        return path

    def load(self, tmp_path):
        """
        Read it back as GFAL2Impl does, and give the environment a child then has.
        """
        process = subprocess.Popen(
            ["/bin/sh", "-c", "env -i JOBSTARTDIR=\"$JOBSTARTDIR\" bash -c '. \"$JOBSTARTDIR\"/startup_environment.sh; "
             "/usr/bin/env -0'"], env={"JOBSTARTDIR": str(tmp_path), "PATH": os.environ["PATH"]}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, b"")
        return dict(item.split("=", 1) for item in out.decode().split("\0") if item)

    def test_valuesSurviveAsTheyWere8641(self, tmp_path):
        self.save(tmp_path, self.NASTY)
        loaded = self.load(tmp_path)
        assert dict((name, loaded.get(name)) for name in self.NASTY) == self.NASTY
        assert "FAKE" not in loaded and os.listdir(str(tmp_path)) == ["startup_environment.sh"]

    def test_exportedFunctionsAndReadonlyVariablesDoNotBreakIt(self, tmp_path):
        self.save(tmp_path, {"AFTER": "z", "BASHOPTS": "checkwinsize", "SHELLOPTS": "braceexpand"},
                  "module() { echo 'it'; }\nml() { :; }\nexport -f module ml\nreadonly RO=1\nexport RO\n"
                  "NOT_EXPORTED=1\ndeclare -ix NUMBER=5\ndeclare -lx LOWER=ABC")
        loaded = self.load(tmp_path)
        assert loaded["AFTER"] == "z" and loaded["RO"] == "1" and loaded["NUMBER"] == "5" and loaded["LOWER"] == "abc"
        assert not [name for name in loaded if "module" in name or name == "NOT_EXPORTED"]
        text = (tmp_path / "startup_environment.sh").read_text()
        assert "BASHOPTS" not in text and "SHELLOPTS" not in text and "module" not in text

    def test_workingDirectoryAndShellLevelAreNotRestored(self, tmp_path):
        self.save(tmp_path, {"OLDPWD": "/old"})
        assert "PWD" not in (tmp_path / "startup_environment.sh").read_text()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{1,6}\Z").map(lambda name: "V_" + name), TEXTS, max_size=4))
    def test_anyValueSurvives(self, tmp_path_factory, variables):
        directory = tmp_path_factory.mktemp("any")
        self.save(directory, variables)
        loaded = self.load(directory)
        assert dict((name, loaded.get(name)) for name in variables) == variables


class TestReportPickle(object):
    """
    The report bash writes.
    """

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(TEXTS)
    def test_anyTextGivesALoadablePickle(self, text):
        data = printed('wma_pickle_text "$1"; printf .', text)
        kept = "".join(char if char in "\t\n" or " " <= char <= "~" else "?" for char in text)
        assert pickle.loads(data.encode()) == kept

    def test_textOutsideAsciiIsReplaced10151(self, tmp_path):
        path = str(tmp_path / "r.pkl")
        for locale in ("C", "C.UTF-8"):
            printed('wma_write_report "$1" 11005 PythonNotRunnable "$2"', path, u"caf\u00e9 \\u0041 \\ \u20ac", LC_ALL=locale)
            code, _, details = readError(path)
            assert code == 11005 and details == u"caf?? \\u0041 \\ ???"

    def test_writingWhereNothingCanBeWrittenFailsWithAMessage(self, tmp_path):
        status, _, err = runBash('wma_write_report "$1" 11005 PythonNotRunnable x', str(tmp_path / "none" / "r.pkl"))
        assert status == 1 and "cannot write" in err


class TestSecrets(object):
    """
    Names whose values are not printed.
    """

    @pytest.mark.parametrize("name, secret", [
        ("BEARER_TOKEN", True), ("bearer_token_file", True), ("X509_USER_PROXY", True), ("MYPASSWD", True),
        ("AWS_SECRET_KEY", True), ("_CONDOR_CREDS", True), ("ClaimId", True), ("PATH", False), ("_CONDOR_JOB_AD", False)])
    def test_names(self, name, secret):
        assert ("hidden" in printed('printf "export %s=hidden\\n" "$1" | wma_masked', name)) != secret


def test_processesInOtherSessionsAreKilledToo(tmp_path):
    pids = tmp_path / "pids"
    printed('bash -c \'setsid sleep 30 & echo $! >> "$1"; sleep 30 & echo $! >> "$1"; wait\' child "$1" & child=$!\n'
            'until [[ -f $1 && $(wc -l < "$1") -eq 2 ]]; do sleep 0.05; done\nwma_kill_tree $child; true', str(pids))
    for pid in pids.read_text().split():
        try:
            with open("/proc/%s/stat" % pid) as handle:
                assert handle.read().rsplit(")", 1)[1].split()[0] == "Z"
        except EnvironmentError:
            continue
