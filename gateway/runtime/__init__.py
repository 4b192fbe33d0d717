"""Does what the core decides: sockets, Redis, Celery, timers and threads. It decides nothing about speech."""
