"""
Cast the values of performance metrics to the types MONIT expects.
"""
import re

# A number with a point and digits on one side of it at least; 1e-05 stays a text, as it always did.
_NUMBER = re.compile(r"(?P<whole>-?[0-9]+)\Z|-?\d+\.\d*\Z|\.\d+\Z")
_WORDS = {"true": True, "false": False}
SITE_STATISTICS = "XrdSiteStatistics"


def castMetricValue(value):
    """
    Make a number or a bool of a text that is one.

    :param value: str; anything else is given back as it is
    :return: int, float, bool, or the text without the white space around it
    """
    if not isinstance(value, str):
        return value
    value = value.strip()
    number = _NUMBER.match(value)
    if number is None:
        return _WORDS.get(value, value)
    try:
        return float(value) if number.group("whole") is None else int(value)
    except ValueError:
        # Later pythons refuse to read thousands of digits.
        return value


def withSite(values, site, value):
    """
    Add what a site measured to the list a metric has: XrdSiteStatistics names sites where others name metrics.

    :param values: list of dict, from before; anything else starts a new list
    :param site: str, such as cern.ch
    :param value: str, stays a text
    :return: list of dict of site and value, the same list if there was one
    """
    values = values if isinstance(values, list) else []
    values.append({"site": site, "value": value})
    return values
