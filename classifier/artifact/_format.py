"""The artifact's format version.

To change the format: raise FORMAT_VERSION, teach `_stored.py` (or `TierModel.load`) to
read the former one, store a sample of it under tests/classifier/artifacts/ and add it to the test that reads
every stored sample. A reader never refuses an older format; it always refuses a newer one.

4: weights of words may be stored in half precision, where nothing is lost by it.
3: the array `head.asked`, where a model tells what a text asks from what comes with it.
2: the hierarchical model: other widths, the array `link.gaps`, an optional correction. A folder of
format 1 is read with the standard widths.
1: the first.
"""

FORMAT_VERSION = 4
