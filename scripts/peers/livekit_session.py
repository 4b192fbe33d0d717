"""livekit-agents without rooms: an AgentSession for each speaker, with audio input and output of its own."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, inference, llm, stt, tts
from livekit.agents.voice import io

from scripts.peers.talk import ANSWER_RATE, RATE, TEXT, Plan, Speaker, answer, parser, planned, talk


class Recognizer(stt.STT):
    """Takes its time, then says the same words; the session calls it at the end of speech."""

    def __init__(self, seconds: float) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._seconds = seconds

    async def _recognize_impl(self, buffer: Any, **_: Any) -> stt.SpeechEvent:
        await asyncio.sleep(self._seconds)
        words = stt.SpeechData(language="en", text=TEXT)
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[words])


class Translator(llm.LLM):
    """The language model of the session."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def chat(self, *, chat_ctx: Any, tools: Any = None, conn_options: Any, **_: Any) -> llm.LLMStream:
        return Translating(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class Translating(llm.LLMStream):
    """One translation."""

    async def _run(self) -> None:
        await asyncio.sleep(self._llm.seconds)
        delta = llm.ChoiceDelta(role="assistant", content=TEXT)
        self._event_ch.send_nowait(llm.ChatChunk(id="0", delta=delta))


class Voice(tts.TTS):
    """Takes its time to the first sound."""

    def __init__(self, seconds: float) -> None:
        capabilities = tts.TTSCapabilities(streaming=False)
        super().__init__(capabilities=capabilities, sample_rate=ANSWER_RATE, num_channels=1)
        self.seconds = seconds

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        return Speech(tts=self, input_text=text, conn_options=conn_options)


class Speech(tts.ChunkedStream):
    """One spoken text."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id="0", sample_rate=ANSWER_RATE, num_channels=1, mime_type="audio/pcm"
        )
        await asyncio.sleep(self._tts.seconds)
        output_emitter.push(answer())
        output_emitter.flush()


class Microphone(io.AudioInput):
    """What the speaker says."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(label="microphone")
        self._frames = speaker.frames()

    async def __anext__(self) -> rtc.AudioFrame:
        pcm = await anext(self._frames)
        return rtc.AudioFrame(pcm, RATE, 1, len(pcm) // 2)


class Loudspeaker(io.AudioOutput):
    """Plays at the rate of hearing, as far as the session can tell; the speaker hears what arrives."""

    def __init__(self, speaker: Speaker) -> None:
        capabilities = io.AudioOutputCapabilities(pause=False)
        super().__init__(label="loudspeaker", capabilities=capabilities, sample_rate=ANSWER_RATE)
        self._speaker = speaker
        self._began: float | None = None
        self._length = 0.0
        self._ending: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._speaker.hear(bytes(frame.data), time.monotonic())
        if self._began is None:
            self._began = time.monotonic()
            self.on_playback_started(created_at=time.time())
        self._length += frame.duration

    def flush(self) -> None:
        super().flush()
        if self._began is not None and self._ending is None:
            left = self._began + self._length - time.monotonic()
            self._ending = asyncio.get_running_loop().call_later(max(0.0, left), self._finish, False)

    def clear_buffer(self) -> None:
        if self._began is not None:
            self._finish(True)

    def _finish(self, interrupted: bool) -> None:
        if self._ending is not None:
            self._ending.cancel()
        played, self._began, self._length, self._ending = self._length, None, 0.0, None
        self.on_playback_finished(playback_position=played, interrupted=interrupted)


async def session(plan: Plan, speaker: Speaker, detector: inference.VAD) -> None:
    """Runs one AgentSession as its defaults say, but for the silence that ends a turn, and speculation."""
    made: AgentSession[None] = AgentSession(
        stt=Recognizer(plan.engines[0]),
        llm=Translator(plan.engines[1]),
        tts=Voice(plan.engines[2]),
        vad=detector,
        turn_handling={
            "turn_detection": "vad",
            "endpointing": {"min_delay": plan.endpoint},
            "preemptive_generation": {"enabled": True, "preemptive_tts": True}
            if plan.speculate
            else {"enabled": False},
        },
    )
    made.input.audio = Microphone(speaker)
    made.output.audio = Loudspeaker(speaker)
    await made.start(Agent(instructions="Translate."))
    await asyncio.sleep(speaker.ends - time.monotonic())


def main() -> None:
    """Prints JSON lines."""
    logging.disable(logging.WARNING)
    options = parser(__doc__ or "")
    options.add_argument("--detector-ms", type=int, default=250, help="silence after which stt is called")
    given = options.parse_args()
    plan = planned(given)

    def detector() -> inference.VAD:
        return inference.VAD(min_silence_duration=given.detector_ms / 1000)

    asyncio.run(talk(plan, lambda speaker: session(plan, speaker, detector())))


if __name__ == "__main__":
    main()
