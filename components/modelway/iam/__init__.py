"""Identity documents: the execution role of a model and the policy of whoever deploys it."""
