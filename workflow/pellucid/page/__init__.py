"""One page per experiment: a summary in sentences, an explorer of the explanations, tables, a methods text."""
