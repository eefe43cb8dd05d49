"""One module for each command or group; each names what it holds `command`."""
