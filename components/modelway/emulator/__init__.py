"""The embedded AWS: real model servers, traffic, metrics and scaling on one machine."""
