"""From a task's text and facts to one logit per needed tier: words, pairs, embedding, shape."""
