"""pipecat: a pipeline for each speaker, in the order that it recommends, between a transport of its own.

A turn ends as its defaults say: 0.2 s of silence for the voice detector, and the rest of the endpoint for
the turn. With --speculate the recogniser predicts the end of the turn at those 0.2 s, as services with turn
detection do, and the language model answers then; pipecat holds that answer until the turn has ended.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import fields
from typing import Any

from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VAD_STOP_SECS, VADState
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    OutputAudioRawFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService, STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.eager_end_of_turn_mixin import EagerEndOfTurnSTTServiceMixin
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import EagerUserTurnStrategies, UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from scripts.peers.talk import ANSWER_RATE, RATE, TEXT, Plan, Speaker, answer, parser, planned, talk


class Recognizer(SegmentedSTTService):
    """Takes its time, then says the same words; called when the voice detector finds no more speech."""

    def __init__(self, seconds: float) -> None:
        super().__init__(settings=STTSettings(model=None, language=None), ttfs_p99_latency=seconds + 0.2)
        self._seconds = seconds

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        await asyncio.sleep(self._seconds)
        yield TranscriptionFrame(TEXT, "speaker", time_now_iso8601(), finalized=True)


class Predictor(EagerEndOfTurnSTTServiceMixin, STTService):
    """A recogniser that finds turns itself, and says what it heard before the turn has ended."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(
            settings=STTSettings(model=None, language=None),
            enable_eager_end_of_turn=True,
            ttfs_p99_latency=plan.engines[0] + 0.2,
        )
        self._plan = plan
        self._detector = SileroVADAnalyzer(sample_rate=RATE)
        self._detector.set_sample_rate(RATE)
        self._speaking = False
        self._turn: asyncio.Task[None] | None = None

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        state = await self._detector.analyze_audio(audio)
        if state == VADState.SPEAKING and not self._speaking:
            self._speaking = True
            if self._turn is not None and not self._turn.done():
                self._turn.cancel()
                await self._cancel_eager_end_of_turn()
            else:
                await self.broadcast_frame(ProposedUserStartedSpeakingFrame)
        elif state == VADState.QUIET and self._speaking:
            self._speaking = False
            self._turn = asyncio.create_task(self._end())
        yield None

    async def _end(self) -> None:
        ends = time.monotonic() + self._plan.endpoint - VAD_STOP_SECS
        await asyncio.sleep(self._plan.engines[0])
        if time.monotonic() < ends:
            await self._push_eager_end_of_turn(TEXT, user_id="speaker")
            await asyncio.sleep(ends - time.monotonic())
        self._clear_eager_end_of_turn()
        await self.push_frame(TranscriptionFrame(TEXT, "speaker", time_now_iso8601(), finalized=True))
        await self.broadcast_frame(ProposedUserStoppedSpeakingFrame)


class Translator(LLMService):
    """The language model."""

    def __init__(self, seconds: float) -> None:
        unset = {each.name: None for each in fields(LLMSettings) if each.name != "extra"}
        super().__init__(settings=LLMSettings(**unset))
        self._seconds = seconds

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        await asyncio.sleep(self._seconds)
        await self._push_llm_text(TEXT)
        await self.push_frame(LLMFullResponseEndFrame())


class Voice(TTSService):
    """Takes its time to the first sound."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=ANSWER_RATE,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self._seconds = seconds

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        await asyncio.sleep(self._seconds)
        yield TTSAudioRawFrame(answer(), ANSWER_RATE, 1, context_id=context_id)


class Microphone(BaseInputTransport):
    """What the speaker says."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(TransportParams(audio_in_enabled=True))
        self._speaker = speaker
        self._feeding: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._feeding = asyncio.create_task(self._feed())

    async def _feed(self) -> None:
        async for pcm in self._speaker.frames():
            await self.push_audio_frame(InputAudioRawFrame(pcm, RATE, 1))


class Loudspeaker(BaseOutputTransport):
    """Plays at the rate of hearing; the speaker hears what is written."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(TransportParams(audio_out_enabled=True))
        self._speaker = speaker
        self._free = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        now = time.monotonic()
        self._speaker.hear(frame.audio, now)
        self._free = max(self._free, now) + len(frame.audio) / 2 / frame.sample_rate
        await asyncio.sleep(self._free - now)
        return True


def strategies(plan: Plan) -> UserTurnStrategies:
    """How a turn ends."""
    if plan.speculate:
        return EagerUserTurnStrategies()
    timeout = SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=plan.endpoint - VAD_STOP_SECS)
    return UserTurnStrategies(stop=[timeout])


async def session(plan: Plan, speaker: Speaker) -> None:
    """Runs one pipeline."""
    params = LLMUserAggregatorParams(
        vad_analyzer=None if plan.speculate else SileroVADAnalyzer(),
        user_turn_strategies=strategies(plan),
    )
    pair: Any = LLMContextAggregatorPair(LLMContext(), user_params=params)
    stages = [
        Microphone(speaker),
        Predictor(plan) if plan.speculate else Recognizer(plan.engines[0]),
        pair.user(),
        Translator(plan.engines[1]),
        Voice(plan.engines[2]),
        Loudspeaker(speaker),
        pair.assistant(),
    ]
    worker = PipelineWorker(Pipeline(stages), cancel_on_idle_timeout=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def main() -> None:
    """Prints JSON lines."""
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    plan = planned(parser(__doc__ or "").parse_args())
    asyncio.run(talk(plan, lambda speaker: session(plan, speaker)))


if __name__ == "__main__":
    main()
