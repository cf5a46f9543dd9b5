"""Settings of the whole suite."""

from hypothesis import settings

# a property's first example may wait for the other core
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
