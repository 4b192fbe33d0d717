"""All that is kept in Redis, a file per kind of key. Workers use it blocking, gateways from their event loop.

keys.py       every key there is, and how errors of Redis become ours
timed.py      clients that measure how long Redis takes to answer
journal.py    what happened in a room, in the order that counts
sessions.py   which work of a session is still wanted; the speech on its way to stt
records.py    what another gateway needs to go on with a session
rooms.py      the rooms: their secrets, who is numbered how, when they end
presence.py   who is in a room, gateway by gateway
work.py       a worker takes a piece of work, reports, and is done with it
cancel.py     a worker hears at once of what was cancelled, and shows that it lives
registry.py   the workers, what they can do and what they run
cache.py      translations made before
gateways.py   where the metrics of each gateway are
backlog.py    what waits in the queues, and how Redis fares
"""
