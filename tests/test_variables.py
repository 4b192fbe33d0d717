"""Every variable of docs/configuration.md acts: each is named here with the test that shows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "configuration.md"

SETTINGS = "bridge/test_settings.py::"
NEURAL = "e2e/test_neural.py::test_spoken_english_becomes_exact_text_in_two_languages_at_once"
WIRE = "e2e/test_variables.py::"
ORDER = "e2e/test_order.py::"
BREAKERS = "bridge/store/test_breakers.py::"
BOOT = "bridge/tasks/test_boot.py::"
UP = "bridge/cli/test_up.py::"
FLOWER = "bridge/cli/test_flower.py::"
SEGMENTER = "gateway/core/test_segmenter.py::"
VAD = "gateway/runtime/test_vad.py::"
READING = "gateway/runtime/test_runner_partials.py::"
RUNNER = "gateway/runtime/test_runner_bounds.py::"
FLIGHTS = "gateway/runtime/test_flights.py::"
FLOODS = "e2e/test_floods.py::"
ANSWERS = "e2e/test_answers.py::"
SHARED_PORT = ANSWERS + "test_two_gateways_share_a_port_and_each_has_one_of_its_own_for_its_metrics"
DOOR = "gateway/protocols/native/test_refusals.py::"
OPENING = "gateway/protocols/native/test_opening.py::"
RESUME = "gateway/runtime/test_halls_resume.py::"
ROOMS = "gateway/test_rooms.py::"
POOL = "bridge/models/test_pool.py::"
WHISPER = "bridge/providers/stt/test_faster_whisper.py::"
PARALLEL = "bridge/providers/stt/test_whisper_parallel.py::"
SEARCH = "bridge/providers/stt/test_whisper_search.py::"
WHISPER_OPTIONS = "bridge/providers/stt/test_whisper_options.py::"
SPHINX = "bridge/providers/stt/test_pocketsphinx.py::"
NLLB = "bridge/providers/translation/test_nllb.py::"
ONNX = "bridge/providers/translation/test_nllb_onnx.py::"
TRANSFORMERS = "bridge/providers/translation/test_nllb_transformers.py::"
PIPER = "bridge/providers/tts/test_piper.py::"
VOICES = "bridge/providers/tts/test_piper_voices.py::"
PIPER_ENGINE = "bridge/providers/tts/test_piper_engine.py::"
ESPEAK = "bridge/providers/tts/test_espeak.py::"
PYTTSX3 = "bridge/providers/tts/test_pyttsx3.py::"
KOKORO = "bridge/providers/tts/test_kokoro.py::"
COQUI = "bridge/providers/tts/test_coqui.py::"
COSYVOICE = "bridge/providers/tts/test_cosyvoice.py::"
SPEECH = "gateway/protocols/native/test_connection.py::"
SIMULATED = "bridge/providers/test_simulated.py::"

MEMORY = "gateway/core/test_memory.py::test_the_operator_says_how_much_is_remembered_and_for_how_long"
OPENAI = "bridge/providers/test_openai.py::"
DEEPL = "bridge/providers/translation/test_deepl.py::"
LIBRETRANSLATE = "bridge/providers/translation/test_libretranslate.py::"
ELEVENLABS = "bridge/providers/tts/test_elevenlabs.py::"
AZURE = "bridge/providers/test_azure.py::"
DEEPGRAM = "bridge/providers/stt/test_deepgram.py::"
FLASH = "bridge/providers/test_flash.py::test_flash_attention_reaches_the_engine_on_a_gpu"
DEADLINES = "bridge/providers/test_http_deadlines.py::"
VENDORS = {
    "CONNECT_MS": DEADLINES + "test_server_that_accepts_nobody_is_given_up_at_its_deadline",
    "FIRST_BYTE_MS": DEADLINES + "test_first_byte_has_a_deadline_of_its_own",
    "TOTAL_MS": DEADLINES + "test_whole_answer_has_a_deadline",
    "PATIENCE_MS": DEADLINES + "test_patience_decides_whether_it_asks_again",
    "API_KEY": "bridge/providers/test_http.py::test_missing_key_is_told_at_start",
}

SHOWN_BY = {
    **{
        f"{name}_{end}": test
        for name in ("OPENAI", "DEEPL", "DEEPGRAM", "LIBRETRANSLATE", "AZURE", "ELEVENLABS")
        for end, test in VENDORS.items()
        if (name, end) != ("AZURE", "API_KEY")
    },
    "DEEPGRAM_BASE_URL": DEEPGRAM + "test_languages_are_called_as_deepgram_calls_them",
    **dict.fromkeys(
        ("DEEPGRAM_MODEL", "DEEPGRAM_LANGUAGES"),
        DEEPGRAM + "test_model_and_its_languages_are_those_asked_for",
    ),
    "LIBRETRANSLATE_BASE_URL": LIBRETRANSLATE + "test_languages_are_called_as_the_server_calls_them",
    "LIBRETRANSLATE_API_KEY": LIBRETRANSLATE + "test_key_is_sent_where_there_is_one",
    "OPENAI_BASE_URL": OPENAI + "test_server_of_ones_own_needs_no_key",
    "OPENAI_STT_MODEL": OPENAI + "test_transcript_has_the_language_and_the_probability_of_its_words",
    "OPENAI_STT_FORMAT": OPENAI + "test_model_with_json_only_is_told_the_language",
    **dict.fromkeys(
        ("OPENAI_STT_LANGUAGES", "OPENAI_TRANSLATION_LANGUAGES", "OPENAI_TTS_LANGUAGES"),
        OPENAI + "test_offered_languages_can_be_named",
    ),
    "OPENAI_TRANSLATION_MODEL": OPENAI
    + "test_translation_is_asked_for_alone_and_speech_cannot_leave_its_place",
    **dict.fromkeys(
        ("OPENAI_TTS_MODEL", "OPENAI_TTS_VOICE", "OPENAI_TTS_SPEED", "OPENAI_TTS_RATE"),
        OPENAI + "test_speech_has_the_model_voice_speed_and_rate_asked_for",
    ),
    "DEEPL_BASE_URL": DEEPL + "test_languages_are_called_as_deepl_calls_them",
    "DEEPL_GLOSSARIES": DEEPL + "test_glossary_kept_at_deepl_is_named_for_its_pair_alone",
    **dict.fromkeys(
        ("DEEPL_FORMALITY", "DEEPL_CONTEXT", "DEEPL_MODEL"),
        DEEPL + "test_formality_context_and_model_are_asked_for",
    ),
    **dict.fromkeys(
        (
            *("SLO_FIRST_AUDIO_MS", "SLO_SEGMENT_MS", "SLO_BARGE_IN_MS", "SLO_CONTROL_MS"),
            *("SLO_JITTER_MS", "SLO_DROP_RATIO", "SLO_RTF", "SLO_SESSIONS"),
        ),
        "bridge/cli/test_bench_slo.py::test_each_objective_is_what_its_variable_says",
    ),
    "FLIGHT_SECONDS": FLIGHTS + "test_a_session_is_recorded_by_the_gateway_that_holds_it",
    "FLIGHT_SEGMENTS": FLIGHTS + "test_no_more_is_kept_of_a_session_than_wanted",
    "PRESET": SETTINGS + "test_flag_wins_over_environment_over_dotenv_over_preset_over_default",
    "DATA_DIR": UP + "test_second_up_in_the_same_folder_is_told_who_runs_there",
    "TOPOLOGY": "bridge/tasks/test_workers.py::test_an_engine_sees_only_the_gpu_of_its_worker",
    "GPU_NEED": "bridge/cli/test_devices.py::test_need_may_be_set_without_a_preset",
    "REDIS_URL": UP + "test_redis_that_does_not_answer_is_named_without_its_password",
    "REDIS_MAX_MEMORY": UP + "test_private_redis_is_bounded",
    "LOG_LEVEL": "bridge/test_logs.py::test_lines_below_the_level_are_dropped",
    "LOG_FORMAT": "bridge/test_logs.py::test_uvicorn_and_celery_lines_are_written_once",
    "PROFILE": "bridge/tasks/test_profile.py::test_cprofile_writes_what_the_tasks_of_a_stage_called",
    "HOST": "bridge/cli/test_stack.py::test_host_that_is_not_here_is_a_clear_error",
    "PORT": UP + "test_port_in_use_is_named_with_a_remedy_before_anything_is_started",
    "REUSE_PORT": SHARED_PORT,
    "HTTP_HEADER_SECONDS": FLOODS + "test_requests_sent_by_half_are_closed_and_their_descriptors_come_back",
    "GLOSSARY": "bridge/tasks/test_equipped.py::"
    "test_a_worker_gives_its_engine_the_terms_of_the_file_that_is_named",
    "CONTEXT_SEGMENTS": MEMORY,
    "CONTEXT_TIMEOUT_SECONDS": MEMORY,
    "STT_PROVIDER": NEURAL,
    "TRANSLATION_PROVIDER": NEURAL,
    "TTS_PROVIDER": NEURAL,
    "SAMPLE_RATE": WIRE + "test_speech_comes_at_the_sample_rate",
    "PACING": "gateway/protocols/native/test_agreement.py::"
    "test_how_speech_is_sent_is_as_the_client_asks_or_else_as_the_variable_says",
    "FRAME_MS": "gateway/protocols/native/test_paced.py::"
    "test_speech_comes_in_frames_of_the_length_that_the_variable_says_and_captions_meanwhile",
    "VAD_THRESHOLD": SETTINGS + "test_aggressiveness_sets_the_threshold_unless_one_is_given",
    "VAD_AGGRESSIVENESS": VAD + "test_higher_aggressiveness_finds_less_speech_in_noise",
    "VAD_MIN_SPEECH_MS": SEGMENTER + "test_every_knob_changes_the_cuts",
    "VAD_MIN_SILENCE_MS": VAD + "test_longer_silence_joins_sentences",
    "BARGE_IN": "gateway/protocols/native/test_agreement.py::"
    "test_barge_in_is_what_the_client_says_or_else_the_variable",
    "ECHO_GUARD": "gateway/runtime/test_ward.py::"
    "test_speech_that_comes_back_is_left_out_where_the_variable_says_so",
    "SPEECH_RATE_MOST": SPEECH + "test_a_translation_is_asked_for_as_fast_as_the_listener_is_behind",
    "CATCH_UP_MS": SPEECH + "test_a_translation_is_asked_for_as_fast_as_the_listener_is_behind",
    "DRAFTS": "gateway/core/test_drafts.py::test_the_first_silence_sends_the_segment_as_a_draft",
    "DRAFT_SILENCE_MS": "gateway/core/test_segmenter_drafts.py::"
    "test_a_draft_comes_with_the_last_whole_window_of_its_silence",
    "ENDPOINT": "gateway/core/test_endpoint.py::"
    "test_the_environment_chooses_the_endpoint_and_its_least_silence",
    "ENDPOINT_LEAST_MS": "gateway/core/test_endpoint.py::"
    "test_the_environment_chooses_the_endpoint_and_its_least_silence",
    "VAD_PADDING_MS": VAD + "test_pre_roll_is_what_keeps_the_first_phoneme",
    "VAD_MAX_SEGMENT_MS": VAD + "test_long_talk_is_cut_where_nobody_speaks",
    "PARTIALS": READING
    + "test_looks_are_as_far_apart_as_the_variable_says_and_none_are_taken_where_it_is_off",
    "PARTIAL_MS": READING
    + "test_looks_are_as_far_apart_as_the_variable_says_and_none_are_taken_where_it_is_off",
    "CLAUSE_MS": VAD + "test_talk_without_a_pause_is_cut_clause_by_clause_from_as_long_as_the_variable_says",
    "WS_MAX_MESSAGE_SIZE": WIRE + "test_a_larger_message_is_too_large",
    "WS_PING_INTERVAL": WIRE + "test_clients_are_pinged_and_a_silent_one_is_dropped",
    "WS_PING_TIMEOUT": WIRE + "test_clients_are_pinged_and_a_silent_one_is_dropped",
    "WS_MAX_CONNECTIONS": "e2e/test_bad_input.py::test_one_connection_too_many_is_told_when_to_come_back",
    "WS_RATE": FLOODS + "test_the_rate_is_what_the_variable_says",
    "WS_BURST": FLOODS + "test_the_rate_is_what_the_variable_says",
    "WS_COMPRESSION": WIRE + "test_compression_is_not_agreed_on_when_it_is_off",
    "WS_ORIGINS": WIRE + "test_named_origins_are_welcome_and_others_are_not",
    "WS_HOSTS": DOOR + "test_the_names_that_may_be_served_are_those_of_the_variable",
    "WS_PROXIES": DOOR + "test_what_a_proxy_says_counts_where_the_variable_names_it",
    "SESSION_IDLE_SECONDS": "e2e/test_bad_input.py::test_a_client_that_falls_silent_is_closed_as_idle",
    "SESSION_AHEAD_SECONDS": ANSWERS + "test_beyond_the_seconds_ahead_the_sender_is_held",
    "LATENESS_MS": "gateway/core/test_terms.py::test_live_speech_is_too_late_when_the_variables_say_so",
    "SHED": "gateway/core/test_terms.py::test_live_speech_is_too_late_when_the_variables_say_so",
    "SESSION_MAX_SEGMENTS": WIRE + "test_limits_and_cutting_are_what_the_variables_say",
    "SEGMENT_ATTEMPTS": ORDER + "test_a_segment_that_no_worker_takes_is_announced_as_failed",
    "SEGMENT_RUN_MS": "gateway/core/test_terms.py::"
    "test_a_silent_worker_is_waited_for_as_long_as_segment_run_ms_says",
    "SEGMENT_QUEUE_MS": ORDER + "test_a_segment_that_no_worker_takes_is_announced_as_failed",
    "SEGMENT_DEADLINE_MS": ORDER + "test_a_segment_that_no_worker_takes_is_announced_as_failed",
    "JOURNAL_SECONDS": RUNNER + "test_a_journal_is_kept_as_long_as_the_variable_says",
    "JOURNAL_MAX_BYTES": RUNNER + "test_a_journal_holds_as_many_bytes_as_the_variable_says",
    "RESUME_WINDOW_S": RESUME + "test_a_session_is_kept_as_long_as_the_variable_says",
    "ROOM_MAX_LISTENERS": OPENING + "test_listeners_are_as_many_as_the_variable_says",
    "ROOM_MAX_LANGUAGES": OPENING + "test_languages_are_as_many_as_the_variable_says",
    "ROOM_MAX_SPEAKERS": OPENING + "test_speakers_are_as_many_as_the_variable_says",
    "ROOMS_MAX": ROOMS + "test_rooms_are_as_many_as_the_variable_says",
    "ROOM_TTL_SECONDS": ROOMS + "test_a_room_is_kept_as_long_as_the_variable_says",
    "HEARTBEAT_INTERVAL_MS": "bridge/tasks/test_workers.py::test_the_heartbeat_outlives_a_redis_that_forgot",
    "WORKER_TTL_MS": BOOT + "test_a_killed_worker_is_gone_after_its_time_to_live",
    "LOAD_BALANCE_STRATEGY": "gateway/runtime/test_placer.py::test_the_strategy_of_the_settings_decides",
    "HEALTH_CHECK_INTERVAL": RUNNER + "test_workers_are_looked_at_as_often_as_the_variable_says",
    "MODELS_DIR": "bridge/models/test_library.py::test_a_name_is_looked_up_in_the_models_folder",
    "PRELOAD_MODELS": "bridge/tasks/test_warmup.py::"
    "test_models_to_preload_go_to_the_engine_of_their_stage_before_the_warm_up",
    "WARMUP": "bridge/tasks/test_warmup.py::test_warmup_off_runs_nothing",
    "MODEL_RESIDENT_CAP": POOL + "test_the_least_recently_used_model_makes_room",
    "MODEL_TTL_SECONDS": POOL + "test_a_model_is_freed_when_it_was_unused_for_its_time_to_live",
    "MODEL_MIN_RESIDENCY_SECONDS": POOL
    + "test_new_models_stay_above_the_cap_until_their_least_residency_is_over",
    "MODEL_EVICT_CHECK_SECONDS": POOL + "test_the_pool_looks_by_itself_at_its_interval",
    "FALLBACK_MS": "bridge/tasks/test_fallback.py::"
    "test_the_variable_says_how_long_the_first_one_is_waited_for",
    "CIRCUIT_BREAKER_THRESHOLD": BREAKERS
    + "test_a_provider_that_failed_often_enough_in_a_row_is_asked_by_no_worker",
    "CIRCUIT_BREAKER_SECONDS": BREAKERS
    + "test_after_its_time_one_call_of_the_fleet_finds_out_and_its_success_closes_it",
    **dict.fromkeys(
        (f"ELEVENLABS_{end}" for end in ("MODEL", "VOICE", "STABILITY", "SIMILARITY", "LANGUAGES")),
        ELEVENLABS + "test_model_voice_and_settings_are_those_asked_for",
    ),
    "ELEVENLABS_BASE_URL": ELEVENLABS + "test_model_voice_and_settings_are_those_asked_for",
    "ELEVENLABS_RATE": ELEVENLABS + "test_speech_has_the_rate_that_is_asked_for",
    "AZURE_SPEECH_KEY": "bridge/providers/test_http.py::test_missing_key_is_told_at_start",
    **dict.fromkeys(
        ("AZURE_SPEECH_REGION", "AZURE_SPEECH_ENDPOINT"),
        AZURE + "test_the_server_is_that_of_the_region_or_the_one_that_is_named",
    ),
    "AZURE_STT_PROFANITY": AZURE + "test_speech_is_uploaded_in_pieces",
    "AZURE_TTS_VOICE": AZURE + "test_each_language_has_a_voice_and_others_can_be_named",
    "AZURE_TTS_RATE": AZURE + "test_speech_has_the_rate_that_is_asked_for",
    "CACHE_ENABLED": "bridge/tasks/test_cache.py::test_the_cache_can_be_off_and_leaves_fast_engines_alone",
    "CACHE_SIZE": "bridge/tasks/test_cache.py::test_no_more_than_its_size_is_kept_and_the_oldest_go_first",
    "CACHE_TTL_SECONDS": "bridge/tasks/test_cache.py::test_an_entry_goes_after_its_time",
    "TASK_EVENTS": BOOT + "test_task_events_are_sent_only_when_they_are_wanted",
    "FLOWER_HOST": FLOWER + "test_flower_listens_where_it_is_told_only",
    "FLOWER_PORT": FLOWER + "test_flower_listens_where_it_is_told_only",
    "FLOWER_USER": FLOWER + "test_everything_but_the_health_check_asks_for_the_password",
    "FLOWER_READ_ONLY": FLOWER + "test_it_only_shows_unless_it_is_told_to_let_people_act",
    "METRICS": "gateway/test_scrapes.py::test_without_metrics_a_scraper_is_told_what_to_set",
    "METRICS_HOST": SHARED_PORT,
    "METRICS_PORT": SHARED_PORT,
    "FLOWER_PASSWORD": UP + "test_flower_shows_the_queues_of_all_stages_to_who_has_the_password",
    "POCKETSPHINX_LM": SPHINX + "test_language_model_prefers_its_own_words",
    "POCKETSPHINX_JSGF": SPHINX + "test_grammar_limits_what_is_recognised",
    "POCKETSPHINX_DICTIONARY": SPHINX + "test_dictionary_limits_the_words",
    "POCKETSPHINX_HMM": SPHINX + "test_models_of_another_language_are_offered_as_that_language",
    "POCKETSPHINX_LANGUAGE": SPHINX + "test_models_of_another_language_are_offered_as_that_language",
    "STT_MODEL_SIZE": WHISPER_OPTIONS + "test_model_of_the_models_folder_is_found_by_its_name",
    "STT_DEVICE": WHISPER_OPTIONS + "test_options_of_place_and_threads_reach_the_engine",
    "STT_COMPUTE_TYPE": WHISPER_OPTIONS + "test_options_of_place_and_threads_reach_the_engine",
    "STT_FLASH_ATTENTION": FLASH,
    "STT_BEAM_SIZE": SEARCH + "test_beam_best_of_and_temperature_reach_the_engine",
    "STT_BEST_OF": SEARCH + "test_beam_best_of_and_temperature_reach_the_engine",
    "STT_TEMPERATURE": SEARCH + "test_beam_best_of_and_temperature_reach_the_engine",
    "STT_VAD_FILTER": SEARCH + "test_vad_filter_takes_out_what_is_no_speech",
    "STT_NUM_WORKERS": PARALLEL + "test_second_worker_serves_a_segment_while_the_first_is_busy_with_another",
    "STT_CPU_THREADS": WHISPER_OPTIONS + "test_options_of_place_and_threads_reach_the_engine",
    "STT_BATCH_SIZE": PARALLEL + "test_segments_that_wait_for_a_busy_model_share_one_run",
    "STT_LANGUAGES": WHISPER + "test_detection_chooses_among_the_named_languages_only",
    "STT_SHORT_WINDOW": SEARCH + "test_short_window_encodes_as_much_as_was_said",
    "STT_NO_SPEECH_THRESHOLD": SEARCH + "test_unlikely_text_is_dropped_where_no_speech_is_probable",
    "STT_LOG_PROB_THRESHOLD": SEARCH + "test_unlikely_text_is_dropped_where_no_speech_is_probable",
    "STT_COMPRESSION_RATIO_THRESHOLD": SEARCH + "test_looping_text_is_dropped_or_tried_again",
    "APERTIUM_MODES": "bridge/providers/translation/test_apertium.py::"
    "test_pairs_are_the_installed_modes_of_known_languages",
    "APERTIUM_TIMEOUT_MS": "bridge/providers/translation/test_apertium.py::"
    "test_text_that_takes_longer_than_the_timeout_is_given_up",
    "APERTIUM_PHRASES": "bridge/providers/translation/test_phrasebook.py::"
    "test_phrases_of_the_operator_win_and_bring_new_pairs",
    "TRANSLATION_MODEL": "bridge/models/test_library_engines.py::test_a_pulled_model_is_loaded_by_its_name",
    "TRANSLATION_DEVICE": NLLB + "test_variables_reach_the_engine_as_it_is_built",
    "TRANSLATION_PRECISION": NLLB + "test_variables_reach_the_engine_as_it_is_built",
    "TRANSLATION_THREADS": NLLB + "test_variables_reach_the_engine_as_it_is_built",
    "TRANSLATION_FLASH_ATTENTION": FLASH,
    "TRANSLATION_NUM_BEAMS": NLLB + "test_variables_reach_the_engine_with_each_text",
    "TRANSLATION_MAX_LENGTH": NLLB + "test_variables_reach_the_engine_with_each_text",
    "TRANSLATION_LENGTH_PENALTY": NLLB + "test_variables_reach_the_engine_with_each_text",
    "TRANSLATION_MAX_BATCH_SIZE": NLLB + "test_variables_reach_the_engine_with_each_text",
    "TRANSLATION_LANGUAGES": NLLB + "test_offered_languages_can_be_named",
    "USE_ONNX": ONNX + "test_every_phrase_is_translated_exactly_in_both_directions",
    "ONNX_PROVIDERS": ONNX + "test_the_providers_named_reach_each_session_in_their_order",
    "TRANSLATION_ATTENTION": TRANSFORMERS + "test_attention_is_the_one_asked_for",
    "ESPEAK_RATE": ESPEAK + "test_faster_rate_makes_shorter_speech",
    "ESPEAK_PITCH": ESPEAK + "test_pitch_is_heard",
    "ESPEAK_VARIANT": ESPEAK + "test_variant_changes_the_voice_of_every_language",
    **dict.fromkeys(("PYTTSX3_RATE", "PYTTSX3_VOLUME"), PYTTSX3 + "test_rate_and_volume_are_those_asked_for"),
    "KOKORO_MODEL": KOKORO + "test_model_is_a_folder_a_file_or_a_pulled_name",
    "KOKORO_VOICES": KOKORO + "test_voice_is_the_best_one_the_operators_or_the_segments",
    "COQUI_TOS_AGREED": COQUI + "test_who_does_not_agree_to_the_terms_gets_neither_model_nor_speech",
    "COQUI_MODEL": COQUI + "test_file_that_is_missing_is_told_with_the_command_that_fetches_it",
    **dict.fromkeys(
        ("COQUI_SPEAKER", "COQUI_SPEAKER_WAV"),
        COQUI + "test_voice_is_that_of_the_segment_of_the_variable_or_the_first",
    ),
    "COQUI_PIECE_TOKENS": COQUI + "test_speech_comes_in_pieces_of_the_steps_asked_for",
    "COQUI_TEMPERATURE": COQUI + "test_speed_and_temperature_are_those_asked_for",
    **dict.fromkeys(
        (
            *("COSYVOICE_BASE_URL", "COSYVOICE_MODE", "COSYVOICE_SPEAKER", "COSYVOICE_PROMPT_WAV"),
            *("COSYVOICE_PROMPT_TEXT", "COSYVOICE_INSTRUCTION"),
        ),
        COSYVOICE + "test_each_mode_sends_the_fields_of_its_path",
    ),
    **dict.fromkeys(
        ("COSYVOICE_FORMAT", "COSYVOICE_RATE"),
        COSYVOICE + "test_floats_of_a_server_with_stream_are_the_same_speech",
    ),
    "COSYVOICE_LANGUAGES": COSYVOICE + "test_languages_are_those_of_the_model_unless_others_are_named",
    **{
        f"COSYVOICE_{end}": VENDORS[end] for end in ("CONNECT_MS", "FIRST_BYTE_MS", "TOTAL_MS", "PATIENCE_MS")
    },
    "TTS_MODEL": VOICES + "test_named_voices_and_paths_stand_for_their_languages",
    "TTS_QUALITY": VOICES + "test_quality_chooses_among_the_voices_on_disk",
    "TTS_SPEED": PIPER + "test_double_speed_halves_the_length_of_every_sentence",
    "TTS_NOISE_SCALE": PIPER + "test_noise_scale_is_heard_and_else_is_the_voices_own",
    "TTS_SPEAKER": PIPER + "test_speaker_is_chosen_by_name_or_number",
    "TTS_DEVICE": PIPER_ENGINE + "test_gpu_that_is_not_there_is_refused_with_what_is",
    "ORT_OPTIMIZATION": PIPER_ENGINE + "test_onnx_runtime_gets_its_options",
    "ORT_EXECUTION_MODE": PIPER_ENGINE + "test_onnx_runtime_gets_its_options",
    "ORT_CPU_MEM_ARENA": PIPER_ENGINE + "test_onnx_runtime_gets_its_options",
    "ORT_INTRA_OP_THREADS": PIPER_ENGINE + "test_onnx_runtime_gets_its_options",
    "ORT_INTER_OP_THREADS": PIPER_ENGINE + "test_onnx_runtime_gets_its_options",
    "ORT_DEVICE_ID": PIPER_ENGINE + "test_gpu_gets_its_options_and_the_processor_stays_behind_it",
    "ORT_ARENA_STRATEGY": PIPER_ENGINE + "test_gpu_gets_its_options_and_the_processor_stays_behind_it",
    "ORT_GPU_MEM_LIMIT": PIPER_ENGINE + "test_gpu_gets_its_options_and_the_processor_stays_behind_it",
    "ORT_CUDNN_SEARCH": PIPER_ENGINE + "test_gpu_gets_its_options_and_the_processor_stays_behind_it",
    "SIMULATED_STT_MS": SIMULATED + "test_list_of_times_is_gone_through_call_by_call",
    "SIMULATED_STT_LANGUAGES": SIMULATED
    + "test_one_of_two_languages_is_found_as_the_list_says_and_doubt_stays_with_the_one_before",
    "SIMULATED_STT_SENTENCES": SIMULATED + "test_a_text_has_as_many_sentences_as_it_is_told_to",
    "SIMULATED_TRANSLATION_MS": SIMULATED + "test_each_stage_takes_its_time",
    "SIMULATED_TTS_MS": SIMULATED + "test_each_stage_takes_its_time",
    "SIMULATED_TTS_AUDIO_MS": SIMULATED + "test_tone_has_the_set_length_and_a_pitch_of_its_text",
    "SIMULATED_QUICK_PERCENT": SIMULATED + "test_least_effort_takes_its_share_of_the_time",
    "SIMULATED_JITTER": SIMULATED + "test_jitter_stays_in_its_share_and_follows_the_seed",
    "SIMULATED_SEED": SIMULATED + "test_jitter_stays_in_its_share_and_follows_the_seed",
}


def documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z][A-Z_0-9]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_documented_variable_names_the_test_that_shows_its_effect() -> None:
    assert set(SHOWN_BY) == documented()


@pytest.mark.parametrize("shown_by", sorted(set(SHOWN_BY.values())))
def test_that_test_is_there_and_runs_by_default(shown_by: str) -> None:
    file, _, name = shown_by.partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert not any("slow" in ast.unparse(decorator) for decorator in found.decorator_list)
