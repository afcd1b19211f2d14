"""Test what the sandbox says a job is, and every way in which it may not say it."""
import os
import pickle
import shutil

import pytest

from WMCore_t.WMRuntime_t.JobSandbox import JOB_INDEX, TASK_PATH, JobSandbox, makePackage

READ = "from WMCore.WMRuntime import JobDefinition\n"


@pytest.fixture
def sandbox(tmp_path, upstreamTree):
    """Give a job directory."""
    return JobSandbox(tmp_path / "start with space")


def test_theSandboxIsFoundByImportingIt(sandbox, upstreamTree):
    assert sandbox.evaluate(upstreamTree, READ + "result = JobDefinition.sandboxDirectory()") == sandbox.sandbox


def test_jobAndTaskAreTheOnesOfTheIndex(sandbox, upstreamTree):
    answer = sandbox.evaluate(
        upstreamTree, READ + "index, job = JobDefinition.readJob()\nworkload = JobDefinition.readWorkload()\n"
        "task = JobDefinition.findTask(workload, job)\n"
        "result = [index, job['id'], type(job).__name__, workload.name(), task.getPathName()]")
    assert answer == [JOB_INDEX, 7, "Job", "probe", TASK_PATH]


def test_thePackageKeepsWhatItSaysBesideItsJobs(sandbox, upstreamTree):
    assert sandbox.evaluate(upstreamTree, READ + "package = JobDefinition.readPackage()\n"
                            "result = [type(package).__name__, package['directory'], sorted(map(str, package))]") == [
                                "JobPackage", "/agent/batch", ["7", "directory"]]


def spoil(name, content):
    """Give a function that writes bytes to a file of the sandbox, or removes it."""
    def change(box):
        path = os.path.join(box.sandbox, name)
        os.remove(path)
        if content is not None:
            with open(path, "wb") as handle:
                handle.write(content)
    return change


@pytest.mark.parametrize("change, code, parts", [
    (spoil("JobPackage.pcl", None), 11011, ["JobPackage.pcl", "no such file"]),
    (spoil("JobPackage.pcl", b""), 11011, ["JobPackage.pcl", "the file is empty"]),
    (spoil("JobPackage.pcl", b"cos\nsystem\n(S'touch bad'\ntR."), 11011, ["os.system"]),
    (spoil("JobPackage.pcl", pickle.dumps([1])), 11011, ["a JobPackage was expected, a list was found"]),
    (spoil("JobIndex.py", None), 11012, ["WMSandbox.JobIndex", "ModuleNotFoundError"]),
    (spoil("JobIndex.py", b"jobIndex = 'seven'"), 11012, ["a number was expected, 'seven' was found"]),
    (spoil("JobIndex.py", b"jobIndex = True"), 11012, ["a number was expected, True was found"]),
    (spoil("JobIndex.py", b"index = 7"), 11012, ["AttributeError"]),
    (spoil("JobIndex.py", b"jobIndex ="), 11012, ["SyntaxError"]),
    (spoil("JobIndex.py", b"jobIndex = 8"), 11013, ["job index 8", "/agent/batch", "the package holds 1 jobs: 7 .. 7"]),
    (spoil("WMWorkload.pkl", None), 11101, ["WMWorkload.pkl", "no such file"]),
    (spoil("WMWorkload.pkl", pickle.dumps({})), 11101, ["a WMWorkload was expected, a dict was found"]),
    (lambda box: makePackage(task="/probe/Other").save(box.sandbox + "/JobPackage.pcl"), 11101, ["/probe/Other"]),
    (lambda box: makePackage(task="/probe/Production/Sub").save(box.sandbox + "/JobPackage.pcl"), 11102,
     ["/probe/Production/Sub", "workload probe has ['/probe/Production']"]),
    (lambda box: makePackage(task=None).save(box.sandbox + "/JobPackage.pcl"), 11103, ["it has no 'task'"]),
    (lambda box: makePackage(task="").save(box.sandbox + "/JobPackage.pcl"), 11103, ["its 'task' is ''"]),
    (lambda box: shutil.rmtree(box.sandbox), 11011, ["Cannot import WMSandbox", "start in the job directory"]),
])
def test_everyDefectHasItsCodeAndNamesWhatWasFound(sandbox, upstreamTree, change, code, parts):
    change(sandbox)
    text = sandbox.evaluate(upstreamTree, READ + "try:\n"
                            "    _index, job = JobDefinition.readJob()\n"
                            "    JobDefinition.findTask(JobDefinition.readWorkload(), job)\n"
                            "except JobDefinition.JobDefinitionError as ex:\n    result = [ex.code, str(ex)]")
    assert text and text[0] == code and all(part in text[1] for part in parts), text
    assert not os.path.exists(os.path.join(sandbox.jobDir, "bad"))


def test_7273TheFormerCodesAreNamedSinceTheWrapperHasThem(upstreamTree):
    from WMCore.WMRuntime.JobDefinition import FORMER_CODES, JobDefinitionError
    assert FORMER_CODES == {11011: 11001, 11012: 11002, 11013: 11003}
    assert "formerly code 11002" in str(JobDefinitionError(11012, "x"))
    assert "formerly" not in str(JobDefinitionError(11101, "x"))
