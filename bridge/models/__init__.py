"""The models that engines load: in memory (pool), on this disk (library), at the hub (hub)."""
