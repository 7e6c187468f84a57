"""Models of other packages: how their files are read, what their weights are called, and what they are here.

Imported by `commands.checkpoint_import`; knows `runs` and all below it. Nothing of the other packages is imported.
"""
