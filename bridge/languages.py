"""One tag per language and the code each engine has for it, because no rule derives one from the other.

Whisper speaks ISO 639-1 with exceptions, NLLB the codes of FLORES-200, Apertium ISO 639-3 with its
own variants, espeak-ng the names of its voices. `None` says that an engine does not have the language.
The Apertium column holds the languages of the pairs that Debian packages.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from bridge.errors import LanguageError


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its BCP-47 tag and English name, with the codes of the engines.

    `whisper` is the code of Whisper's language token, `nllb` the FLORES-200 code, `apertium` the
    name inside an Apertium mode, `espeak` a voice that espeak-ng accepts. `rtl` is true where the
    text runs from right to left.
    """

    tag: str
    name: str
    whisper: str | None
    nllb: str | None
    apertium: str | None
    espeak: str | None
    rtl: bool = False

    @property
    def base(self) -> str:
        """The tag without region, script or variant: what an engine without regional models offers."""
        return self.tag.partition("-")[0]


# espeak-ng 1.52 has voices that are left out here: its Japanese reads every kanji as "Chinese letter",
# and its Faroese comes without a dictionary and stays silent. Nynorsk borrows the voice of Bokmål.
TABLE: tuple[Language, ...] = (
    Language("af", "Afrikaans", "af", "afr_Latn", "afr", "af"),
    Language("am", "Amharic", "am", "amh_Ethi", None, "am"),
    Language("an", "Aragonese", None, None, "arg", "an"),
    Language("ar", "Arabic", "ar", "arb_Arab", None, "ar", rtl=True),
    Language("as", "Assamese", "as", "asm_Beng", None, "as"),
    Language("ast", "Asturian", None, "ast_Latn", "ast", None),
    Language("az", "Azerbaijani", "az", "azj_Latn", None, "az"),
    Language("ba", "Bashkir", "ba", "bak_Cyrl", None, "ba"),
    Language("be", "Belarusian", "be", "bel_Cyrl", "bel", "be"),
    Language("bg", "Bulgarian", "bg", "bul_Cyrl", "bul", "bg"),
    Language("bn", "Bengali", "bn", "ben_Beng", None, "bn"),
    Language("bo", "Tibetan", "bo", "bod_Tibt", None, None),
    Language("br", "Breton", "br", None, "bre", None),
    Language("bs", "Bosnian", "bs", "bos_Latn", "hbs_BS", "bs"),
    Language("ca", "Catalan", "ca", "cat_Latn", "cat", "ca"),
    Language("ca-valencia", "Catalan (Valencian)", "ca", "cat_Latn", "cat_valencia", "ca-va"),
    Language("ckb", "Central Kurdish", None, "ckb_Arab", None, None, rtl=True),
    Language("cs", "Czech", "cs", "ces_Latn", None, "cs"),
    Language("cy", "Welsh", "cy", "cym_Latn", None, "cy"),
    Language("da", "Danish", "da", "dan_Latn", "dan", "da"),
    Language("de", "German", "de", "deu_Latn", None, "de"),
    Language("el", "Greek", "el", "ell_Grek", None, "el"),
    Language("en", "English", "en", "eng_Latn", "eng", "en-us"),
    Language("en-GB", "English (United Kingdom)", "en", "eng_Latn", "eng", "en-gb-x-rp"),
    Language("eo", "Esperanto", None, "epo_Latn", "epo", "eo"),
    Language("es", "Spanish", "es", "spa_Latn", "spa", "es"),
    Language("es-419", "Spanish (Latin America)", "es", "spa_Latn", "spa", "es-419"),
    Language("et", "Estonian", "et", "est_Latn", None, "et"),
    Language("eu", "Basque", "eu", "eus_Latn", "eus", "eu"),
    Language("fa", "Persian", "fa", "pes_Arab", None, "fa", rtl=True),
    Language("fi", "Finnish", "fi", "fin_Latn", None, "fi"),
    Language("fo", "Faroese", "fo", "fao_Latn", None, None),
    Language("fr", "French", "fr", "fra_Latn", "fra", "fr"),
    Language("fr-BE", "French (Belgium)", "fr", "fra_Latn", "fra", "fr-be"),
    Language("fr-CH", "French (Switzerland)", "fr", "fra_Latn", "fra", "fr-ch"),
    Language("ga", "Irish", None, "gle_Latn", None, "ga"),
    Language("gd", "Scottish Gaelic", None, "gla_Latn", None, "gd"),
    Language("gl", "Galician", "gl", "glg_Latn", "glg", None),
    Language("gn", "Guarani", None, "grn_Latn", None, "gn"),
    Language("gu", "Gujarati", "gu", "guj_Gujr", None, "gu"),
    Language("ha", "Hausa", "ha", "hau_Latn", None, None),
    Language("haw", "Hawaiian", "haw", None, None, "haw"),
    Language("he", "Hebrew", "he", "heb_Hebr", None, "he", rtl=True),
    Language("hi", "Hindi", "hi", "hin_Deva", "hin", "hi"),
    Language("hr", "Croatian", "hr", "hrv_Latn", "hbs_HR", "hr"),
    Language("ht", "Haitian Creole", "ht", "hat_Latn", None, "ht"),
    Language("hu", "Hungarian", "hu", "hun_Latn", None, "hu"),
    Language("hy", "Armenian", "hy", "hye_Armn", None, "hy"),
    Language("id", "Indonesian", "id", "ind_Latn", "ind", "id"),
    Language("ig", "Igbo", None, "ibo_Latn", None, None),
    Language("is", "Icelandic", "is", "isl_Latn", "isl", "is"),
    Language("it", "Italian", "it", "ita_Latn", "ita", "it"),
    Language("ja", "Japanese", "ja", "jpn_Jpan", None, None),
    Language("jv", "Javanese", "jw", "jav_Latn", None, None),
    Language("ka", "Georgian", "ka", "kat_Geor", None, "ka"),
    Language("kk", "Kazakh", "kk", "kaz_Cyrl", None, "kk"),
    Language("km", "Khmer", "km", "khm_Khmr", None, None),
    Language("kn", "Kannada", "kn", "kan_Knda", None, "kn"),
    Language("ko", "Korean", "ko", "kor_Hang", None, "ko"),
    Language("ku", "Kurdish", None, "kmr_Latn", None, "ku"),
    Language("ky", "Kyrgyz", None, "kir_Cyrl", None, "ky"),
    Language("la", "Latin", "la", None, None, "la"),
    Language("lb", "Luxembourgish", "lb", "ltz_Latn", None, "lb"),
    Language("ln", "Lingala", "ln", "lin_Latn", None, None),
    Language("lo", "Lao", "lo", "lao_Laoo", None, None),
    Language("lt", "Lithuanian", "lt", "lit_Latn", None, "lt"),
    Language("ltg", "Latgalian", None, "ltg_Latn", None, "ltg"),
    Language("lv", "Latvian", "lv", "lvs_Latn", None, "lv"),
    Language("mg", "Malagasy", "mg", "plt_Latn", None, None),
    Language("mi", "Māori", "mi", "mri_Latn", None, "mi"),
    Language("mk", "Macedonian", "mk", "mkd_Cyrl", "mkd", "mk"),
    Language("ml", "Malayalam", "ml", "mal_Mlym", None, "ml"),
    Language("mn", "Mongolian", "mn", "khk_Cyrl", None, None),
    Language("mr", "Marathi", "mr", "mar_Deva", None, "mr"),
    Language("ms", "Malay", "ms", "zsm_Latn", "zlm", "ms"),
    Language("mt", "Maltese", "mt", "mlt_Latn", None, "mt"),
    Language("my", "Burmese", "my", "mya_Mymr", None, "my"),
    Language("ne", "Nepali", "ne", "npi_Deva", None, "ne"),
    Language("nl", "Dutch", "nl", "nld_Latn", "nld", "nl"),
    Language("nn", "Norwegian Nynorsk", "nn", "nno_Latn", "nno", "nb"),
    Language("no", "Norwegian", "no", "nob_Latn", "nob", "nb"),
    Language("oc", "Occitan", "oc", "oci_Latn", "oci", None),
    Language("om", "Oromo", None, "gaz_Latn", None, "om"),
    Language("or", "Odia", None, "ory_Orya", None, "or"),
    Language("pa", "Punjabi", "pa", "pan_Guru", None, "pa"),
    Language("pap", "Papiamento", None, "pap_Latn", None, "pap"),
    Language("pl", "Polish", "pl", "pol_Latn", "pol", "pl"),
    Language("ps", "Pashto", "ps", "pbt_Arab", None, None, rtl=True),
    Language("pt", "Portuguese", "pt", "por_Latn", "por", "pt"),
    Language("pt-BR", "Portuguese (Brazil)", "pt", "por_Latn", "por", "pt-br"),
    Language("qu", "Quechua", None, "quy_Latn", None, "qu"),
    Language("ro", "Romanian", "ro", "ron_Latn", "ron", "ro"),
    Language("ru", "Russian", "ru", "rus_Cyrl", "rus", "ru"),
    Language("rw", "Kinyarwanda", None, "kin_Latn", None, None),
    Language("sa", "Sanskrit", "sa", "san_Deva", None, None),
    Language("sc", "Sardinian", None, "srd_Latn", "srd", None),
    Language("sd", "Sindhi", "sd", "snd_Arab", None, "sd", rtl=True),
    Language("si", "Sinhala", "si", "sin_Sinh", None, "si"),
    Language("sk", "Slovak", "sk", "slk_Latn", None, "sk"),
    Language("sl", "Slovenian", "sl", "slv_Latn", "slv", "sl"),
    Language("sn", "Shona", "sn", "sna_Latn", None, None),
    Language("so", "Somali", "so", "som_Latn", None, None),
    Language("sq", "Albanian", "sq", "als_Latn", None, "sq"),
    Language("sr", "Serbian", "sr", "srp_Cyrl", "hbs_SR", "sr"),
    Language("su", "Sundanese", "su", "sun_Latn", None, None),
    Language("sv", "Swedish", "sv", "swe_Latn", "swe", "sv"),
    Language("sw", "Swahili", "sw", "swh_Latn", None, "sw"),
    Language("szl", "Silesian", None, "szl_Latn", "szl", None),
    Language("ta", "Tamil", "ta", "tam_Taml", None, "ta"),
    Language("te", "Telugu", "te", "tel_Telu", None, "te"),
    Language("tg", "Tajik", "tg", "tgk_Cyrl", None, None),
    Language("th", "Thai", "th", "tha_Thai", None, "th"),
    Language("ti", "Tigrinya", None, "tir_Ethi", None, "ti"),
    Language("tk", "Turkmen", "tk", "tuk_Latn", None, "tk"),
    Language("tl", "Filipino", "tl", "tgl_Latn", None, None),
    Language("tn", "Tswana", None, "tsn_Latn", None, "tn"),
    Language("tr", "Turkish", "tr", "tur_Latn", None, "tr"),
    Language("tt", "Tatar", "tt", "tat_Cyrl", None, "tt"),
    Language("ug", "Uyghur", None, "uig_Arab", None, "ug", rtl=True),
    Language("uk", "Ukrainian", "uk", "ukr_Cyrl", "ukr", "uk"),
    Language("ur", "Urdu", "ur", "urd_Arab", "urd", "ur", rtl=True),
    Language("uz", "Uzbek", "uz", "uzn_Latn", None, "uz"),
    Language("vi", "Vietnamese", "vi", "vie_Latn", None, "vi"),
    Language("xh", "Xhosa", None, "xho_Latn", None, None),
    Language("yi", "Yiddish", "yi", "ydd_Hebr", None, None, rtl=True),
    Language("yo", "Yoruba", "yo", "yor_Latn", None, None),
    Language("yue", "Cantonese", "yue", "yue_Hant", None, "yue"),
    Language("zh", "Chinese (Simplified)", "zh", "zho_Hans", None, "cmn"),
    Language("zh-Hant", "Chinese (Traditional)", "zh", "zho_Hant", None, "cmn"),
    Language("zu", "Zulu", None, "zul_Latn", None, None),
)

ALIASES = {
    "ca-es-valencia": "ca-valencia",
    "cmn": "zh",
    "fil": "tl",
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "nb": "no",
    "zh-yue": "yue",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
}
"""Older, narrower and regional tags that mean an entry of the table; "jw" is what Whisper says."""

# fmt: off
LATIN_AMERICA = (
    "ar", "bo", "cl", "co", "cr", "cu", "do", "ec", "gt", "hn",
    "mx", "ni", "pa", "pe", "pr", "py", "sv", "us", "uy", "ve",
)
# fmt: on

WELL_FORMED = re.compile(r"[a-z]{2,8}(?:[-_][a-z0-9]{1,8}){0,8}")
SCRIPT = re.compile(r"[a-z]{4}")

_BY_TAG = {language.tag.lower(): language for language in TABLE}
_BY_TAG |= {alias: _BY_TAG[tag.lower()] for alias, tag in ALIASES.items()}
_BY_TAG |= {f"es-{region}": _BY_TAG["es-419"] for region in LATIN_AMERICA}

# Modes are named in ISO 639-3 (eng-spa) or, the older ones, in ISO 639-1 (en-gl). "hbs" analyses all
# of Serbo-Croatian; Croatian is the one of the three that is written in its Latin letters only.
_BY_APERTIUM = {
    code: language.tag
    for language in TABLE
    if language.apertium and (language.tag == language.base or "_" in language.apertium)
    for code in (language.tag, language.apertium)
} | {"hbs": "hr", "pt_BR": "pt-BR", "por_BR": "pt-BR"}


def known() -> tuple[Language, ...]:
    """Every language of the table, in the order of the tags."""
    return TABLE


def find(tag: str) -> Language:
    """The entry for a BCP-47 tag, whatever its case and whether it has `-` or `_`.

    Regions, variants and extensions without an entry of their own are dropped: `EN_us` is `en`.
    A script is dropped only where the language is written in it, so that nobody who asks for
    `sr-Latn` gets Cyrillic. Raises LanguageError naming the tag and the nearest matches.
    """
    lowered = tag.strip().lower()
    if not WELL_FORMED.fullmatch(lowered):
        raise _unknown(tag)
    subtags = list(takewhile(lambda subtag: len(subtag) > 1, re.split("[-_]", lowered)))
    for length in range(len(subtags), 0, -1):
        language = _BY_TAG.get("-".join(subtags[:length]))
        if language and all(_written_in(language, subtag) for subtag in subtags[length:]):
            return language
    raise _unknown(tag)


@lru_cache(1_000)
def same(spoken: str, target: str) -> bool:
    """Whether who reads and hears `target` needs no translation of `spoken`: `en` is heard in `en-GB`.

    Two ways to write one language (`zh`, `zh-Hant`) are not the same. A tag that is not in the table is
    the same as itself alone.
    """
    try:
        return spoken == target or _spoken(find(spoken)) == _spoken(find(target))
    except LanguageError:
        return False


def kept(sources: Iterable[str]) -> frozenset[tuple[str, str]]:
    """The pairs of each source with all that is the same language: words that are passed on as they are."""
    spoken = {source: _spoken(find(source)) for source in sources}
    return frozenset(
        (source, language.tag)
        for source, language_of in spoken.items()
        for language in TABLE
        if _spoken(language) == language_of
    )


def _spoken(language: Language) -> tuple[str, str | None]:
    return language.base, language.nllb


def from_apertium(code: str) -> str | None:
    """The tag of one side of an Apertium mode (`spa`, `gl`, `pt_BR`); None for what is not in the table."""
    return _BY_APERTIUM.get(code)


def _written_in(language: Language, subtag: str) -> bool:
    return not SCRIPT.fullmatch(subtag) or (language.nllb or "x_latn").lower().endswith(f"_{subtag}")


def _unknown(tag: str) -> LanguageError:
    """Matches tags, English names and three-letter codes; the tag comes from a client, so it is cut short."""
    asked = tag.strip().lower().replace("_", "-")[:32]
    words = {language.nllb[:3]: language for language in reversed(TABLE) if language.nllb}
    words |= {language.name.lower(): language for language in TABLE} | _BY_TAG
    near = {words[word].tag: words[word].name for word in difflib.get_close_matches(asked, words, cutoff=0.7)}
    if primary := _BY_TAG.get(asked.partition("-")[0]):
        near = {primary.tag: primary.name} | near
    listed = ", ".join(f"{found} ({name})" for found, name in list(near.items())[:3])
    hint = f"Did you mean {listed}?" if near else "Give a BCP-47 tag such as en, es-419 or zh-Hant."
    return LanguageError(f"Language {tag[:32]!r} is not in the table of known languages.", hint)
