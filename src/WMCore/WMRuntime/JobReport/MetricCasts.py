"""
Cast the values of performance metrics to the types MONIT expects.

Without regular expressions: to compile one takes as long as to read a tenth of a usual report.
"""
SITE_STATISTICS = "XrdSiteStatistics"
_WORDS = {"true": True, "false": False}


def castMetricValue(value):
    """
    Make a number or a bool of a text that is one.

    A float has a point, and digits on one side of it at least; 1e-05 stays a text, as it always did.

    :param value: str; anything else is given back as it is
    :return: int, float, bool, or the text without the white space around it
    """
    if not isinstance(value, str):
        return value
    value = value.strip()
    digits = value[1:] if value.startswith("-") else value
    try:
        if digits and not digits.strip("0123456789"):
            return int(value)
        whole, point, rest = digits.partition(".")
        # WMCore never took -.5 for a number, only .5.
        if point and (whole.isdecimal() or not whole and rest and digits is value) and (rest.isdecimal() or not rest):
            return float(value)
    except ValueError:
        # Later pythons refuse to read thousands of digits.
        pass
    return _WORDS.get(value, value)


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
