"""Each code is checked against its engine's own list, since a wrong one gives garbage, not an error."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest

from bridge.errors import LanguageError
from bridge.languages import ALIASES, TABLE, Language, find, from_apertium, kept, known, same

WHISPER_CODES = """
af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy
id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru
sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh
"""
WHISPER = set(WHISPER_CODES.split())

FLORES_CODES = """
ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn als_Latn amh_Ethi apc_Arab arb_Arab
ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn ban_Latn
bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn
ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn
epo_Latn est_Latn eus_Latn ewe_Latn fao_Latn fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gaz_Latn
gla_Latn gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn
hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn kan_Knda
kas_Arab kas_Deva kat_Geor kaz_Cyrl kbp_Latn kea_Latn khk_Cyrl khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn
kmr_Latn knc_Arab knc_Latn kon_Latn kor_Hang lao_Laoo lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn
ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn lvs_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn mkd_Cyrl
mlt_Latn mni_Beng mos_Latn mri_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva nso_Latn nus_Latn nya_Latn
oci_Latn ory_Orya pag_Latn pan_Guru pap_Latn pbt_Arab pes_Arab plt_Latn pol_Latn por_Latn prs_Arab quy_Latn
ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng scn_Latn shn_Mymr sin_Sinh slk_Latn slv_Latn smo_Latn
sna_Latn snd_Arab som_Latn sot_Latn spa_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn szl_Latn
tam_Taml taq_Latn taq_Tfng tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tpi_Latn tsn_Latn tso_Latn
tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab uzn_Latn vec_Latn vie_Latn
war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans zho_Hant zsm_Latn zul_Latn
"""
FLORES = set(FLORES_CODES.split())

# Where "ISO 639-3 and the usual script" misses: 16 codes, and three languages that NLLB does not have.
TRICKY = {
    "ko": "kor_Hang",
    "ar": "arb_Arab",
    "ms": "zsm_Latn",
    "no": "nob_Latn",
    "fa": "pes_Arab",
    "lv": "lvs_Latn",
    "az": "azj_Latn",
    "ne": "npi_Deva",
    "mn": "khk_Cyrl",
    "sq": "als_Latn",
    "sw": "swh_Latn",
    "yi": "ydd_Hebr",
    "uz": "uzn_Latn",
    "ps": "pbt_Arab",
    "tl": "tgl_Latn",
    "mg": "plt_Latn",
    "la": None,
    "br": None,
    "haw": None,
}

# Prints each voice that the bundled espeak-ng refuses, or takes without a sound.
PROBE = """
import ctypes, sys, espeakng_loader
heard = 0
@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
def listen(pcm, samples, events):
    global heard
    heard += samples
    return 0
lib = ctypes.CDLL(espeakng_loader.get_library_path())
assert lib.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0) > 0
lib.espeak_SetSynthCallback(listen)
for voice in sys.argv[1:]:
    heard = 0
    refused = lib.espeak_SetVoiceByName(voice.encode())
    lib.espeak_Synth(b"7 12\\0", 5, 0, 0, 0, 1, None, None)
    lib.espeak_Synchronize()
    if refused or heard < 2205:
        print(voice, refused, heard)
"""


def probe(*voices: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROBE, *voices], capture_output=True, text=True, check=True, timeout=60
    )


def bases() -> list[Language]:
    return [language for language in known() if language.tag == language.base]


def test_tags_and_names_are_unique_and_sorted() -> None:
    tags = [language.tag for language in known()]
    assert tags == sorted(tags, key=str.lower)
    assert len(set(tags)) == len(tags)
    assert len({language.name for language in known()}) == len(tags)


@pytest.mark.parametrize("engine", ["whisper", "nllb", "apertium"])
def test_no_two_languages_share_a_code(engine: str) -> None:
    codes = Counter(code for language in bases() if (code := getattr(language, engine)))
    assert [code for code, times in codes.items() if times > 1] == []


def test_only_nynorsk_borrows_a_voice() -> None:
    voices = Counter(language.espeak for language in bases() if language.espeak)
    assert [voice for voice, times in voices.items() if times > 1] == ["nb"]


def test_an_entry_for_a_region_has_its_language_in_the_table() -> None:
    regional = [language for language in known() if language.tag != language.base]
    assert {"en-GB", "es-419", "pt-BR", "zh-Hant"} <= {language.tag for language in regional}
    for language in regional:
        assert find(language.base).whisper == language.whisper


def test_every_language_of_whisper_is_in_the_table_and_no_other_code_is() -> None:
    assert len(WHISPER) == 100
    assert {language.whisper for language in known() if language.whisper} == WHISPER


@pytest.mark.parametrize("code", sorted(WHISPER))
def test_what_whisper_detects_is_found_as_the_language_that_has_the_code(code: str) -> None:
    assert find(code).whisper == code


def test_every_nllb_code_is_one_of_the_202_of_flores() -> None:
    assert len(FLORES) == 202
    assert all(re.fullmatch("[a-z]{3}_[A-Z][a-z]{3}", code) for code in FLORES)
    assert {language.nllb for language in known() if language.nllb} <= FLORES


@pytest.mark.parametrize(("tag", "code"), TRICKY.items())
def test_nllb_codes_that_no_rule_gives_are_right(tag: str, code: str | None) -> None:
    assert find(tag).nllb == code


@pytest.mark.parametrize(
    ("tag", "code"),
    {"zh": "zho_Hans", "zh-Hant": "zho_Hant", "yue": "yue_Hant", "he": "heb_Hebr", "ca": "cat_Latn"}.items(),
)
def test_other_nllb_codes_name_the_right_script(tag: str, code: str) -> None:
    assert find(tag).nllb == code


def test_right_to_left_are_the_languages_in_arabic_or_hebrew_letters() -> None:
    rtl = {language.tag for language in known() if language.rtl}
    assert rtl == {"ar", "ckb", "fa", "he", "ps", "sd", "ug", "ur", "yi"}
    assert rtl == {language.tag for language in known() if (language.nllb or "")[4:] in ("Arab", "Hebr")}


def test_every_espeak_voice_is_accepted_and_heard() -> None:
    voices = sorted({language.espeak for language in known() if language.espeak})
    result = probe(*voices)
    assert len(voices) > 80
    assert result.stdout == ""
    assert result.stderr == ""  # a voice without its dictionary complains here


def test_the_voice_probe_notices_a_refused_voice_and_one_without_a_dictionary() -> None:
    assert probe("en-gb").stdout.startswith("en-gb 2")
    assert "fo_dict" in probe("fo").stderr


def test_voices_differ_by_region_where_espeak_has_one() -> None:
    tags = ("en", "en-GB", "es", "es-419", "pt", "pt-BR", "zh", "no", "ja")
    assert [find(tag).espeak for tag in tags] == [
        *("en-us", "en-gb-x-rp", "es", "es-419", "pt", "pt-br", "cmn", "nb", None)
    ]


@pytest.mark.parametrize(
    ("asked", "tag"),
    {
        "EN_us": "en",
        " en ": "en",
        "EN-gb": "en-GB",
        "es-ES": "es",
        "es-MX": "es-419",
        "pt_br": "pt-BR",
        "pt-PT": "pt",
        "zh-CN": "zh",
        "zh-Hans-CN": "zh",
        "zh-TW": "zh-Hant",
        "zh-Hant-HK": "zh-Hant",
        "ca-ES-valencia": "ca-valencia",
        "sr-Cyrl-RS": "sr",
        "la-Latn": "la",
        "en-US-u-ca-gregory": "en",
        "nb-NO": "no",
        "iw": "he",
        "jw": "jv",
        "fil-PH": "tl",
        "zh-yue": "yue",
    }.items(),
)
def test_a_tag_is_found_whatever_its_case_separator_region_and_age(asked: str, tag: str) -> None:
    assert find(asked).tag == tag


@pytest.mark.parametrize("language", TABLE, ids=lambda language: language.tag)
def test_every_tag_of_the_table_finds_itself(language: Language) -> None:
    assert find(language.tag) is language
    assert find(language.tag.upper().replace("-", "_")) is language


def test_an_alias_hides_no_entry() -> None:
    assert not set(ALIASES) & {language.tag.lower() for language in known()}


@pytest.mark.parametrize(
    ("asked", "suggestion"),
    [
        ("english", "en (English)"),
        ("spa", "es (Spanish)"),
        ("Catalna", "ca (Catalan)"),
        ("sr-Latn", "sr (Serbian)"),
    ],
)
def test_an_unknown_tag_is_named_with_its_near_matches(asked: str, suggestion: str) -> None:
    with pytest.raises(LanguageError) as caught:
        find(asked)
    assert repr(asked) in caught.value.message
    assert suggestion in caught.value.hint
    assert caught.value.code == "unsupported_language"


@pytest.mark.parametrize("asked", ["", "xx", "auto", "-", "e", "en-!!", "zh-Latn", "\u0130", "a" * 100_000])
def test_what_is_no_tag_is_refused_with_a_hint_and_a_short_message(asked: str) -> None:
    with pytest.raises(LanguageError) as caught:
        find(asked)
    assert caught.value.hint
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("code", "tag"),
    {
        "eng": "en",
        "spa": "es",
        "cat": "ca",
        "cat_valencia": "ca-valencia",
        "fra": "fr",
        "por": "pt",
        "pt_BR": "pt-BR",
        "oci": "oc",
        "glg": "gl",
        "gl": "gl",
        "nob": "no",
        "nno": "nn",
        "zlm": "ms",
        "hbs": "hr",
        "hbs_SR": "sr",
        "eng_US": None,
        "oci_gascon": None,
        "deu": None,
        "Cyrl": None,
    }.items(),
)
def test_a_side_of_an_apertium_mode_has_its_tag(code: str, tag: str | None) -> None:
    assert from_apertium(code) == tag


def test_every_apertium_code_leads_back_to_its_language() -> None:
    for language in known():
        if language.apertium:
            tag = from_apertium(language.apertium)
            assert tag is not None
            assert find(tag).base == language.base


@pytest.mark.parametrize(
    ("spoken", "target", "needless"),
    [
        ("en", "en", True),
        ("en", "en-GB", True),
        ("es-419", "es", True),
        ("la", "la", True),
        ("zh", "zh-Hant", False),
        ("no", "nn", False),
        ("en", "es", False),
        ("xx", "xx", True),
        ("xx", "en", False),
    ],
)
def test_a_language_is_the_same_in_another_country_but_not_in_another_script(
    spoken: str, target: str, needless: bool
) -> None:
    assert same(spoken, target) is needless
    assert same(target, spoken) is needless


def test_words_are_kept_for_all_who_speak_the_language() -> None:
    assert kept({"en", "zh"}) == {("en", "en"), ("en", "en-GB"), ("zh", "zh")}
    assert all(same(*pair) for pair in kept(language.tag for language in known()))
