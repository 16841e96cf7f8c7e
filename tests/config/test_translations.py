"""The Chinese catalogue, on a small tree of its own."""

import os
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation
from pytest_django import Settings

from config import translations

CODE = """
from django.utils.translation import gettext as _, gettext_lazy, ngettext, pgettext

A = _("Points")
B = gettext_lazy("%(name)s has joined")
C = ngettext("%(count)d point", "%(count)d points", 2)
D = pgettext("verb", "Order")
E = not_a_translation("Not this")
"""
PAGE = """{% load i18n %}
<h1>{% translate "Welcome" %}</h1>
  <p>{% blocktranslate trimmed with name=member.name %}
      Hello {{ name }},
      good to see you
    {% endblocktranslate %}</p>
{% blocktranslate count n=lots|length %}{{ n }} lot{% plural %}{{ n }} lots{% endblocktranslate %}
"""
CHINESE: dict[str, str | tuple[str, ...]] = {
    "Points": "积分",
    "%(name)s has joined": "%(name)s 已加入",
    "%(count)d point": ("%(count)d 积分",),
    "Order": "下单",
    "Welcome": "欢迎",
    "Hello %(name)s, good to see you": "您好，%(name)s",
    "%(n)s lot": ("%(n)s 个批次",),
}


@pytest.fixture
def tree(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.BASE_DIR = tmp_path
    monkeypatch.setattr(translations, "BORROWED", ())
    (tmp_path / "members").mkdir()
    (tmp_path / "members" / "words.py").write_text(CODE)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(PAGE)
    return tmp_path


@pytest.fixture
def translated(tree: Path) -> Path:
    catalog = translations.update()
    for message in catalog:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            message.string = CHINESE[key]
    translations.save(catalog)
    return translations.po_path()


class TestUpdate:
    def test_finds_code_and_templates(self, tree: Path) -> None:
        catalog = translations.update()
        found = {(message.id, message.context) for message in catalog if message.id}
        assert found == {
            ("Points", None),
            ("%(name)s has joined", None),
            (("%(count)d point", "%(count)d points"), None),
            ("Order", "verb"),
            ("Welcome", None),
            ("Hello %(name)s, good to see you", None),
            (("%(n)s lot", "%(n)s lots"), None),
        }

    def test_keeps_translations_and_changes_nothing_when_run_again(self, translated: Path) -> None:
        before = translated.read_bytes()
        translations.update()
        assert translated.read_bytes() == before

    def test_writes_neither_dates_nor_line_numbers(self, translated: Path) -> None:
        before = translated.read_text()
        assert "Date" not in before
        assert "#: members/words.py\n" in before
        words = translated.parents[3] / "members" / "words.py"
        words.write_text("\n\n\n" + CODE)
        translations.update()
        assert translated.read_text() == before

    def test_drops_what_no_code_asks_for(self, translated: Path) -> None:
        (translated.parents[3] / "templates" / "page.html").unlink()
        translations.update()
        assert "Welcome" not in translated.read_text()

    def test_wants_what_a_library_lacks_and_nothing_it_has(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(translations, "BORROWED", ("unfold/templates", "import_export"))
        wanted = {message.id for message in translations.wanted()}
        assert "No results found" in wanted
        assert "Confirm import" not in wanted


class TestProblems:
    def test_finds_none_in_a_complete_catalogue(self, translated: Path) -> None:
        assert list(translations.problems()) == []

    @pytest.mark.parametrize(
        ("before", "after", "problem"),
        [
            ('"积分"', '""', "no Chinese: 'Points' (members/words.py)"),
            (
                '#: members/words.py\nmsgid "Points"',
                '#, fuzzy\nmsgid "Points"',
                "fuzzy: 'Points' (members/words.py)",
            ),
            (
                'msgid "Welcome"',
                'msgid "Farewell"',
                "missing in the catalogue: 'Welcome' (templates/page.html)",
            ),
            (
                'msgid "Welcome"',
                'msgid "Farewell"',
                "obsolete, no code asks for it: 'Farewell'",
            ),
            (
                "%(name)s 已加入",
                "%(nmae)s 已加入",
                "other placeholders than ['%(name)s']: '%(name)s has joined'",
            ),
            (
                'msgstr[0] "%(count)d 积分"',
                'msgstr[0] "积分"',
                "other placeholders than ['%(count)d']: '%(count)d point'",
            ),
        ],
    )
    def test_names_each_fault(
        self, translated: Path, before: str, after: str, problem: str
    ) -> None:
        text = translated.read_text()
        assert before in text
        translated.write_text(text.replace(before, after, 1))
        assert problem in list(translations.problems())

    def test_says_so_when_there_is_no_catalogue(self, tree: Path) -> None:
        assert list(translations.problems()) == [f"{translations.po_path()} is missing."]


class TestCompileCatalog:
    def test_writes_what_django_reads_and_skips_when_fresh(self, translated: Path) -> None:
        assert translations.compile_catalog() is True
        compiled = translated.with_suffix(".mo")
        assert "积分".encode() in compiled.read_bytes()
        assert translations.compile_catalog() is False
        later = compiled.stat().st_mtime + 1
        os.utime(translated, (later, later))
        assert translations.compile_catalog() is True
        assert [path.name for path in sorted(translated.parent.iterdir())] == [
            "django.mo",
            "django.po",
        ]


class TestCommand:
    def test_extracts_by_default(self, tree: Path) -> None:
        out = StringIO()
        call_command("messages", stdout=out)
        assert out.getvalue() == "7 messages, 7 without Chinese\n"

    def test_check_fails_with_a_list(self, tree: Path) -> None:
        call_command("messages", stdout=StringIO())
        with pytest.raises(CommandError, match="7 messages are not ready") as failure:
            call_command("messages", "--check")
        assert "'Welcome' (templates/page.html)" in str(failure.value)

    def test_check_and_compile_are_content_with_a_complete_catalogue(
        self, translated: Path
    ) -> None:
        out = StringIO()
        call_command("messages", "--check", stdout=out)
        call_command("messages", "--compile", stdout=out)
        assert out.getvalue() == "translations complete\ntranslations compiled\n"


# Formats and sums, where the mark is what has to be typed or counted.
WRITTEN_SO = (
    'HMAC-SHA256(种子, 轮次编号 ":" 会员号 ":" n)',
    ":会员号:n",
    "5:第",
    '"5"" 水管"',
    '"1,5 升牛奶"',
    '"生日蛋糕"',
    "%(minutes)d:%(seconds)02d",
)
NOT_PROSE = re.compile(r"%\(\w+\)[-.0-9]*[a-z]|{\w*}|<[^>]*>|`[^`]*`")
HALF_WIDTH = re.compile(
    """[\u4e00-\u9fff”’）》]\\s*[,:;!?()"']|[,:;!?()"']\\s*[\u4e00-\u9fff“（《]|[\u4e00-\u9fff]\\."""
)


def half_width(chinese: str) -> list[str]:
    """The ASCII punctuation that stands in Chinese prose, with its neighbours."""
    for fragment in WRITTEN_SO:
        chinese = chinese.replace(fragment, "x")
    return HALF_WIDTH.findall(NOT_PROSE.sub("数", chinese))


def chinese_texts() -> list[str]:
    """Every Chinese text of the catalogue that people edit."""
    return [
        text
        for message in translations.stored()
        if message.id
        for text in ([message.string] if isinstance(message.string, str) else message.string or ())
    ]


class TestPunctuation:
    def test_of_chinese_prose_is_full_width(self) -> None:
        assert {text: found for text in chinese_texts() if (found := half_width(text))} == {}

    @pytest.mark.parametrize(
        "text",
        [
            "已保存.",
            "时间: %(moment)s",
            "积分(可用)",
            "先看,再换",
            '打开"我的券"',
            "%(name)s,再见",
            "确定吗?",
        ],
    )
    def test_that_is_half_width_is_found(self, text: str) -> None:
        assert half_width(text)

    @pytest.mark.parametrize(
        "text", ["至 12:00，满 1,000 可用", "<b>数</b>：见 `a: 中`", "在 1.5 倍时"]
    )
    def test_of_numbers_and_code_stays(self, text: str) -> None:
        assert half_width(text) == []


class TestStockWords:
    def test_come_in_our_chinese(self) -> None:
        with translation.override("zh-hans"):
            assert translation.gettext("Log out") == "退出登录"
            assert translation.gettext("No fields changed.") == "没有修改任何内容。"
