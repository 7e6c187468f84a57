"""The paper beside the zoo: every figure and table of it, from released weights and recorded runs, as one page.

Imported by the command line and by users; it stands above all other rooms and knows `data`.
"""

from keras_iresnet.report.report import Report, report

__all__ = ["Report", "report"]
