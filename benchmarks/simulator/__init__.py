"""A world in which the truth is known, so that regret can be measured: `python -m benchmarks.simulator`.

`worlds` draws kinds of task and what each tier does with them, `policies` choose a tier and hear
verdicts, `new_types` measures regret after n outcomes of a type, `loop` runs half a year of weeks,
`figures` turns both into tables, intervals and a plot.
"""
