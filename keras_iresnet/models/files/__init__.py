"""Files that hold models: `.keras` files, presets, and what files of before have to be told.

Used by the models themselves, which it knows in return, by `zoo` and by `runs`.
"""
