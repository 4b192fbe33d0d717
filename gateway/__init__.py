"""The FastAPI process: sessions, segments and captions; imports no engine."""
