"""Who asks, what they may do, and how often; knows neither HTTP nor models."""
