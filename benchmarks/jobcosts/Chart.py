"""
The chart: both runtimes side by side.
"""
import os
import sys

# benchmarks/run installs it in a directory of its own, for nothing else needs it.
sys.path.append(os.environ.get("WMRUNTIME_MATPLOTLIB", ""))
try:
    import matplotlib
except ImportError as error:
    raise SystemExit("the chart needs matplotlib (%s); benchmarks/run startup.py --write brings it" % error)
matplotlib.use("svg")
from matplotlib import pyplot  # pylint: disable=wrong-import-position

from jobcosts import Measurement as M  # pylint: disable=wrong-import-position
from WMCore.WMRuntime.WorkerNode.JobRun import OURS, UPSTREAM  # pylint: disable=wrong-import-position

LOOKS = ((UPSTREAM, "#8da0b6", "///"), (OURS, "#e07b2a", ""))


def _panel(axes, title, places, heights):
    """
    Draw pairs of bars, each with its number, and the ratio under each pair.

    :param places: list of str, one for each pair
    :param heights: callable(index, runtime) giving a number or None
    """
    for shift, (runtime, colour, hatch) in zip((-0.2, 0.2), LOOKS):
        values = [heights(index, runtime) for index in range(len(places))]
        bars = axes.bar([index + shift for index in range(len(places))], [value or 0 for value in values], 0.38,
                        color=colour, hatch=hatch, edgecolor="#333333", linewidth=0.8, label=runtime)
        axes.bar_label(bars, ["" if value is None else "%.0f" % value if value >= 100 or value == int(value)
                              else "%.3g" % value for value in values], padding=2, fontsize=9)
    labels = []
    for index, place in enumerate(places):
        pair = [heights(index, runtime) for runtime in (UPSTREAM, OURS)]
        labels.append(place + ("\nratio %.2f" % (pair[1] / pair[0]) if pair[0] and pair[1] is not None else ""))
    axes.set_xticks(range(len(places)), labels)
    axes.set_title(title, fontsize=11, loc="left", fontweight="bold")
    axes.margins(y=0.16)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw(results, path):
    """
    Draw the chart.

    :param results: Results
    :param path: str, an .svg file
    """
    matplotlib.rcParams.update({"font.size": 9.5, "svg.hashsalt": "startup", "hatch.linewidth": 0.6})
    figure, axes = pyplot.subplots(2, 2, figsize=(10.5, 7.6), layout="constrained")
    figure.get_layout_engine().set(hspace=0.08, wspace=0.06)
    delays, steps = results.delays, results.steps
    _panel(axes[0][0], "Wrapper's start to cmsRun's first line, one step, s",
           ["%d ms delay" % round(1000 * delay) for delay in delays],
           lambda index, runtime: results.median(M.TO_CMSRUN, runtime, steps[0], delays[index]))
    names = ["%d step%s" % (count, "s" if count > 1 else "") for count in steps]
    for place, title, name in (((0, 1), "Programs executed", M.PROGRAMS), ((1, 0), "Opens under the fake CVMFS", M.OPENS),
                               ((1, 1), "CPU of the whole job, s", M.JOB_CPU)):
        _panel(axes[place], title, names, lambda index, runtime, name=name: results.median(name, runtime, steps[index]))
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=11)
    figure.savefig(path, metadata={"Date": None})
    # Its lines end in blanks here and there.
    with open(path, encoding="utf-8") as handle:
        lines = [line.rstrip() for line in handle]
    with open(path, "w", encoding="utf-8") as handle:
        handle.write("\n".join(lines) + "\n")
