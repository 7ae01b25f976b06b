"""From what was asked and what was seen to what will be done: small pure functions, one per question."""
