"""How the embedded PostgreSQL works; standard library only, so that its watchdog is small and quick."""
