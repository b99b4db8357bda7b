"""The guard's words: the same ones in every language."""

from __future__ import annotations

import re

import pytest

from label_studio_guard.words import WORDS
from labeling_configs.words import LANGUAGES, Language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_words_with_the_same_places(language: Language) -> None:
    def places(words: dict[str, str]) -> dict[str, set[str]]:
        return {name: set(re.findall(r"{\w+}", text)) for name, text in words.items()}

    assert places(dict(WORDS[language])) == places(dict(WORDS["en"]))
    assert all(WORDS[language].values())
