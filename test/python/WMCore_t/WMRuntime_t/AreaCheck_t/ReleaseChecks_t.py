"""What counts as the area reaching a foreign program."""
import pytest

from WMCore.WMRuntime.AreaCheck.ReleaseChecks import leaks

AREA, JOB = "/cvmfs/x/COMP/rhel8_x86_64", "/tmp/job"


@pytest.mark.parametrize("name, value, code", [
    ("PYTHONHOME", "/usr", "pythonVariableLeaks"), ("PYTHONSTARTUP", "/usr/x.py", "pythonVariableLeaks"),
    ("PATH", "/usr/bin:%s/external/python3/3.8/bin" % AREA, "areaLeaks"),
    ("LD_LIBRARY_PATH", AREA, "areaLeaks"), ("LD_PRELOAD", AREA + "/lib/x.so", "areaLeaks"),
    ("PYTHONPATH", "/usr/lib:/tmp/job/WMCore.zip", "areaLeaks"), ("PERL5LIB", AREA + "/lib/perl", "areaLeaks"),
    ("PYTHON3_ROOT", AREA + "/external/python3/3.8", "areaNamed")])
def test_whatNamesTheAreaOrSteersAPythonIsFound(name, value, code):
    found = leaks({name: value}, "cmsRun", (AREA,), JOB)
    assert [finding.code for finding in found] == [code] and name in found[0].message
    assert (found[0].severity == "error") == (code != "areaNamed")


@pytest.mark.parametrize("name, value", [
    ("PATH", "/usr/bin:/bin:%s_other/bin" % AREA), ("PYTHONPATH", "/cvmfs/release/python"), ("PYTHONHASHSEED", "0"),
    ("WMRUNTIME_START_PATH", AREA + "/bin"), ("LD_LIBRARY_PATH", ""), ("WMAGENTJOBDIR", JOB), ("NOTE", "see " + AREA)])
def test_whatIsTheReleasesOrTheJobsOwnIsNot(name, value):
    assert leaks({name: value}, "cmsRun", (AREA,), JOB) == []
