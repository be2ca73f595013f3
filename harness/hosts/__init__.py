"""The engine's helper processes: language host, program runner, policy launcher. Started by path, light to import."""
