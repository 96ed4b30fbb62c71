"""Half a year of weeks through the real parts: `python -m benchmarks.loop --seeds 20 --weeks 26`.

Types, drift, missing verdicts and what each tier would do are the simulator's (`benchmarks.simulator`); texts
are seed tasks. Everything else is what an operator runs: a `Router` with an `OutcomeLog` decides and hears
verdicts, probes, retries; every week `train` makes a challenger of the older outcomes, and `promote` compares
it on the newer ones, asks the gate and does what it says: it serves, tries as a canary, or nothing.

What a text says of difficulty is the shipped champion's reading, distorted: by a slope, shifts and an effect
of each subject, drawn anew for each seed; and the first champion trusts its texts too much, in some seeds a
little, in others far. That is what a retraining can find out.

**A promotion raised true cost or under-tiering** if, on a sample of the work at that moment (tasks of all
present types, in the proportions in which they come), each decided by both models with the history that the
log held, the challenger's mean of

- expected cost: tokens at the chosen tier, and (1 - P(clean)) times the price of a correction, or
- P(the chosen tier fails and the top tier passes),

both by the world's own probabilities, is larger than the champion's by more than 1e-9. Nothing is drawn in
either, and both are compared on the same tasks, so there is no noise of outcomes for a tolerance to cover; a
promotion that changes 1 task in 1,000 for the worse counts. `raised_by` says by how much.

A refusal *would have helped* if the challenger's cost was lower and its under-tiering no higher.
"""
