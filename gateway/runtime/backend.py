"""What all connections of one gateway share, and how it starts and stops."""

from __future__ import annotations

import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import structlog

from bridge.metrics import gateway as series
from bridge.placement import strategy
from bridge.settings import Settings
from bridge.store.flights import Tape
from bridge.store.journal import Journal
from bridge.store.presence import Attendance
from bridge.store.records import Records
from bridge.store.registry import Watch, WorkerRecord
from bridge.store.rooms import Rooms
from bridge.store.sessions import Sessions
from bridge.store.speakers import Speakers
from bridge.types import Entry
from gateway.core.inputs import Looked, Vanished
from gateway.core.site import Site, names_of
from gateway.runtime.admission import Places
from gateway.runtime.dispatcher import Dispatcher
from gateway.runtime.errands import Errands
from gateway.runtime.fleet import Fleet
from gateway.runtime.flights import Flights
from gateway.runtime.metronome import Metronome
from gateway.runtime.offers import Offer
from gateway.runtime.partials import Partials
from gateway.runtime.relay import Relay
from gateway.runtime.tally import Census
from gateway.runtime.vad import Judge, Model
from gateway.runtime.writer import Writer

log = structlog.get_logger(__name__)

COUNT_SECONDS = 2.0
"""Between two counts of those who speak at all gateways."""


class Backend:
    """Made on the event loop; nothing is connected before `start`. `gateway` is its name in Redis."""

    def __init__(self, settings: Settings) -> None:
        url = settings.redis_url
        self.settings = settings
        self.gateway = secrets.token_hex(4)
        self.site = Site(settings.origins, settings.hosts, names_of(socket.gethostname()))
        self.places = Places(settings.ws_max_connections)
        self.sessions = Sessions(url)
        self.journal = Journal(url, self.gateway)
        self.records = Records(url, self.gateway)
        self.rooms = Rooms(url)
        self.attendance = Attendance(url)
        self._watch = Watch(url)
        self._speakers = Speakers(url)
        self._count_at = 0.0
        self.errands = Errands()
        self.fleet = Fleet(
            self._watch, self.errands, settings.health_check_interval, self._gone, self._looked
        )
        self.writer = Writer(self.journal)
        self.dispatcher = Dispatcher(
            self.fleet,
            self.sessions,
            self.writer,
            settings.segment_deadline_ms / 1000,
            settings.budget,
            strategy(settings.load_balance_strategy),
        )
        self.partials = Partials(self.sessions, self.writer, self.dispatcher)
        self.relay = Relay(
            self.journal,
            self.sessions,
            self.fleet.now,
            self.fleet.outage,
            seconds=settings.journal_seconds,
            max_bytes=settings.journal_max_bytes,
        )
        self.census = Census()
        self.relay.also_told = self._read
        self.judge = Judge(Model())
        self.beside = ThreadPoolExecutor(1, thread_name_prefix="echo")
        kept = settings.flight_seconds
        self.flights = Flights(Tape(url, kept, settings.flight_segments) if kept else None)
        self.metronome = Metronome(settings.frame_ms, series.JITTER.observe if settings.metrics else None)

    @property
    def offer(self) -> Offer:
        """What the workers that live can do together."""
        return Offer.of(self.fleet.workers)

    async def start(self) -> None:
        """Begins to read, write and look; a Redis that is away is met later."""
        self.writer.start()
        self.relay.start()
        self.fleet.start()
        await self.dispatcher.warm()

    async def stop(self) -> None:
        """Ends all of it."""
        await self.errands.done()
        for part in (self.relay, self.fleet, self.partials, self.dispatcher, self.writer, self.flights):
            await part.stop()
        self.judge.close()
        self.beside.shutdown(cancel_futures=True)
        rooms = (self.rooms, self.attendance, self._speakers)
        stores = (self.journal, self.sessions, self.records, *rooms, self._watch)
        for store in stores:
            await store.close()

    def _gone(self, worker: WorkerRecord, elsewhere: bool) -> None:
        for reader in self.relay.readers:
            reader.handle(Vanished(worker.name, worker.queue, elsewhere))

    def _read(self, entry: Entry) -> None:
        self.dispatcher.shedding.told(entry)
        self.census.told(entry)

    def _looked(self) -> None:
        looked = Looked(self.fleet.running)
        for reader in self.relay.readers:
            reader.handle(looked)
        self.dispatcher.looked()
        if (now := time.monotonic()) >= self._count_at:
            self._count_at = now + COUNT_SECONDS
            self.errands.run("count speakers", self.count())

    async def count(self) -> None:
        """Tells the other gateways how many speak here, and asks for theirs. Raises RedisUnavailable."""
        shedding = self.dispatcher.shedding
        shedding.others = await self._speakers.count(self.gateway, shedding.speaking)
