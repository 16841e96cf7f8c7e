"""Files as shops really send them: what is understood, what is refused, and with which words."""

from pathlib import Path

import pytest
from django.utils import translation

from members import csv_files
from members.csv_headers import Layout
from members.encodings import UnreadableFile

LAYOUT = Layout(required=("code", "name"), one_of=("town", "village"), optional=("note",))
GOOD = "code,name,town\nS1,静安寺店,上海\nS2,徐家汇店,上海\n"


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "stores.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def cells_of(file: csv_files.CsvFile) -> list[list[str]]:
    return [row.cells for row in csv_files.rows(file) if row.problem is None]


class TestOpened:
    @pytest.mark.parametrize(
        ("content", "encoding", "noted"),
        [
            (GOOD.encode(), "utf-8", []),
            (GOOD.encode("utf-8-sig"), "utf-8", []),
            (GOOD.replace("\n", "\r\n").encode(), "utf-8", []),
            (GOOD.rstrip("\n").encode(), "utf-8", []),
            (GOOD.encode("gb18030"), "gb18030", ["GB18030"]),
            (GOOD.replace(",", ";").encode(), "utf-8", ["semicolons"]),
            (GOOD.replace(",", "\t").encode("gb18030"), "gb18030", ["GB18030", "tabs"]),
            (GOOD.replace("code,name", " Code , NAME ").encode(), "utf-8", []),
            (GOOD.replace("S1", '"S1"').encode(), "utf-8", []),
        ],
    )
    def test_understands(self, write, content, encoding, noted):
        file = csv_files.opened(write(content), LAYOUT)
        assert file.encoding == encoding
        assert file.columns == ("code", "name", "town")
        assert cells_of(file) == [["S1", "静安寺店", "上海"], ["S2", "徐家汇店", "上海"]]
        notes = csv_files.notes(file)
        assert len(notes) == len(noted)
        assert all(word in note for word, note in zip(noted, notes, strict=True))

    @pytest.mark.parametrize(
        ("content", "parts"),
        [
            (b"", ["empty", "names the columns"]),
            (b"\xef\xbb\xbf", ["empty"]),
            (b" \r\n\r\n", ["empty"]),
            (b"\ncode,name,town\n", ["first line is empty"]),
            (b"code,name,town\n", ["header line", "no rows"]),
            (b"code,name,town\n\n,,\n", ["header line", "no rows"]),
            (b"code,town\nS1,x\n", ["does not name the column name", "code, town"]),
            (b"code,name\nS1,x\n", ["town or village"]),
            (b"code|name|town\nS1|a|b\n", ["columns code, name", "code|name|town", "commas"]),
            (b"S1,a,b\nS2,c,d\n", ["columns code, name", "s1, a, b"]),
            (b"code,name,town,code\nS1,a,b,c\n", ["code is there twice"]),
            (b'code,"name"x,town\nS1,a,b\n', ["stray quote", "line 1"]),
            (b"code,name,town\rS1,a,b\r", ["old Macs", "CSV UTF-8"]),
            (b"PK\x03\x04rest", ["workbook", "CSV UTF-8"]),
            (b"\x1f\x8brest", ["packed", "Unpack"]),
            ("code,name,town\nS1,a,b\n".encode("utf-16"), ["UTF-16", "CSV UTF-8"]),
            ("code,name,town\nS1,a,b\n".encode("utf-16-le"), ["UTF-16"]),
            (b"code,name,town\nS1,Caf\xe9,b\n", ["Line 2 (byte 22)", "neither UTF-8 nor GB18030"]),
            (
                "code,name,town\nS1,ok,b\nS2,Müller Straße,b\n".encode("latin-1"),
                ["Line 3", "CSV UTF-8", "nothing was imported"],
            ),
            (GOOD.encode() + b"S3,\xff\xff,x\n", ["Line 4", "neither"]),
        ],
    )
    def test_refuses_with_place_reason_and_remedy(self, write, content, parts):
        with pytest.raises(UnreadableFile) as refusal:
            csv_files.opened(write(content), LAYOUT)
        for part in parts:
            assert part in str(refusal.value)

    def test_refuses_what_is_no_file(self, tmp_path):
        with pytest.raises(UnreadableFile, match=r"nowhere\.csv cannot be read: No such file"):
            csv_files.opened(tmp_path / "nowhere.csv", LAYOUT)
        with pytest.raises(UnreadableFile, match="Is a directory"):
            csv_files.opened(tmp_path, LAYOUT)

    def test_names_unknown_columns(self, write):
        file = csv_files.opened(write("code,name,town,colour,size\nS1,a,b,c,d\n"), LAYOUT)
        assert csv_files.notes(file) == [
            "Columns that are not known and are left aside: colour, size."
        ]

    def test_finds_the_bad_byte_behind_the_first_megabyte(self, write):
        lines = b"S1,a,b\n" * 200_000
        with pytest.raises(UnreadableFile, match=r"Line 200002 \(byte 1400017\)"):
            csv_files.opened(write(b"code,name,town\n" + lines + b"S\xff,a,b\n"), LAYOUT)


class TestRows:
    @pytest.mark.parametrize(
        ("body", "line", "parts"),
        [
            ("S1,a\nS2,b,c\n", 2, ["too few cells: 2 of 3"]),
            ("S2,b,c\nS1,a,1,234.50\n", 3, ["too many cells: 4 instead of 3", "quotes"]),
            ('S1,"a"b,c\nS2,b,c\n', 2, ["stray quote", "twice"]),
            ('S1,"a,c\nS2,b,c\n', 2, ["opened", "not closed"]),
            ('S2,b,c\nS1,"a,c\n', 3, ["opened", "not closed"]),
            ("S1,a\0,c\nS2,b,c\n", 2, ["NUL"]),
            ("S1,a\rb,c\nS2,b,c\n", 2, ["cannot be read as CSV"]),
        ],
    )
    def test_reports_a_broken_row_and_goes_on(self, write, body, line, parts):
        file = csv_files.opened(write("code,name,town\n" + body), LAYOUT)
        broken = [row for row in csv_files.rows(file) if row.problem]
        assert [row.line for row in broken] == [line]
        problem = broken[0].problem
        assert problem is not None
        for part in parts:
            assert part in f"{problem.cause} {problem.remedy}"
        assert cells_of(file) == [["S2", "b", "c"]]

    def test_an_open_quote_swallows_no_good_row(self, write):
        good = "".join(f"S{number},b,c\n" for number in range(500))
        text = f'code,name,town\nX,"open,c\n{good}Y,"closed",c\n'
        file = csv_files.opened(write(text), LAYOUT)
        rows = list(csv_files.rows(file))
        assert [row.line for row in rows if row.problem] == [2]
        assert len(rows) == 502
        assert [row.line for row in rows] == list(range(2, 504))
        assert rows[-1].cells == ["Y", "closed", "c"]

    def test_text_in_quotes_may_hold_separators_quotes_and_line_breaks(self, write):
        text = 'code,name,town\nS1,"a, ""b""\nc",d\n\nS2,e,f\n'
        file = csv_files.opened(write(text), LAYOUT)
        rows = list(csv_files.rows(file))
        assert [row.cells for row in rows] == [["S1", 'a, "b"\nc', "d"], ["S2", "e", "f"]]
        assert [row.line for row in rows] == [2, 5]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_a_stretch_reads_the_same_rows_again(self, write, encoding):
        text = 'code,name,town\nS1,静安,d\nS2,"徐\n家汇",f\nS3,"x,f\nS4,虹桥,i\n'
        file = csv_files.opened(write(text.encode(encoding)), LAYOUT)
        rows = list(csv_files.rows(file))
        ends = [*(row.offset for row in rows[1:]), file.size]
        with file.path.open("rb") as stream:
            for row, end in zip(rows, ends, strict=True):
                stretch = csv_files.Stretch(row.line, row.offset, end - row.offset)
                again = csv_files.rows_within(file, stream, stretch)
                assert [one.cells for one in again] == [row.cells]
                assert [one.line for one in again] == [row.line]
                assert [one.problem for one in again] == [row.problem]
