"""The server's settings, read once from the environment; one module for each concern."""

from model_server.settings.reader import Reader, SettingsError
from model_server.settings.server import Settings

__all__ = ["Reader", "Settings", "SettingsError"]
