"""Other packages' flows of the same arithmetic as a `Workload`, each behind the same three calls.

Imported by the comparisons of this floor, and only where the package is installed; nothing else knows them.
"""
