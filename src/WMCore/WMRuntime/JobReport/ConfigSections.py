"""
Add sections to a tree of WMCore's ConfigSections, at the price of a dict.

ConfigSection itself checks each value it is given, all of a list of lumis one by one, and sets its own seven
members the same way; for a report of a thousand files that takes most of the time. What is put in here is text,
numbers, and lists and dicts of these, which it would let pass; what comes out is the same to the last member, so
that it can be changed, pickled and read by WMCore as any other.
"""


class ConfigSections(object):
    """
    Make sections of the class a report uses.

    :param example: ConfigSection, any of the report's own; WMCore is not imported for its class
    """

    def __init__(self, example):
        self.sectionClass = type(example)
        # Whatever members WMCore's version of the class has: the plain ones are copied, the containers made anew.
        fresh = vars(self.sectionClass("name"))
        self.containers = [(name, type(value)) for name, value in fresh.items() if isinstance(value, (set, dict, list))]
        self.reserved = frozenset(dir(self.sectionClass))
        self.plain = {name: value for name, value in fresh.items() if not isinstance(value, (set, dict, list))}

    def safeName(self, name):
        """
        Give a name that hides no method or inner member of a section; names come from the file.

        :param name: str
        :return: str, the name itself but for the rare one that would
        """
        return "x_" + name if name in self.reserved or name.startswith("_internal_") else name

    def add(self, parent, name, values):
        """
        Add a section to another.

        :param parent: ConfigSection
        :param name: str, a safe name that the parent does not have yet
        :param values: dict of safe name to plain value
        :return: ConfigSection, the new one
        """
        section = self.sectionClass.__new__(self.sectionClass)
        members = vars(section)
        members.update(self.plain, _internal_name=name, _internal_parent_ref=parent)
        for member, container in self.containers:
            members[member] = container()
        members["_internal_settings"].update(values)
        members.update(values)
        above = vars(parent)
        above["_internal_children"].add(name)
        above["_internal_settings"].add(name)
        above[name] = section
        return section

    def find(self, parent, name, values=None):
        """
        Give a section of another, adding it when it is not there.

        :param parent: ConfigSection
        :param name: str, a safe name
        :param values: dict, the values it gets when it is added
        :return: ConfigSection
        """
        found = vars(parent).get(name)
        return self.add(parent, name, values or {}) if found is None else found

    def setValues(self, section, values):
        """
        Set values; a section of such a name stays what it is.

        :param section: ConfigSection
        :param values: dict of safe name to plain value
        """
        members = vars(section)
        children = members["_internal_children"]
        if children:
            values = {name: value for name, value in values.items() if name not in children}
        members["_internal_settings"].update(values)
        members.update(values)
