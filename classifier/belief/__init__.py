"""From those logits and a history to what is believed: places, effects of types, posteriors, states."""
