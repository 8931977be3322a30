"""Files that nobody should have written: one clear sentence each, quickly, never a traceback."""

import io
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_texts import POLICY, loaded, policy, refused, refused_file

from controller.model.policy import PolicySet
from controller.policy import PolicyInvalid, load
from controller.policy.problems import MOST_PROBLEMS_PER_FILE

pytestmark = pytest.mark.slow

MIB = 1 << 20


def said(tmp_path: Path, content: bytes) -> list[str]:
    """What is said of a file with this content, without its path."""
    file = tmp_path / "p.yaml"
    file.write_bytes(content)
    return [line.removeprefix(f"{file}") for line in refused_file(file)]


def test_other_encodings_are_named_with_the_offset(tmp_path: Path) -> None:
    broken = POLICY.encode() + b"  mode: Caf\xe9\n"
    assert said(tmp_path, broken) == [
        f":7:12: not UTF-8: byte 0xe9 at offset {len(POLICY) + 11} is not text; save as UTF-8"
    ]
    assert said(tmp_path, b"\xef\xbb\xbfname: \xff\n") == [
        ":1:7: not UTF-8: byte 0xff at offset 9 is not text; save as UTF-8"
    ]
    assert said(tmp_path, POLICY.encode("utf-16")) == [
        ":1:1: this is UTF-16; policies are UTF-8; save as UTF-8"
    ]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + POLICY.encode())
    assert [policy.name for policy in load([file]).policies] == ["ocr"]


def test_binary_files_are_recognised(tmp_path: Path) -> None:
    assert said(tmp_path, b"\x7fELF\x02\x01\x00\xff") == [
        ": not text: byte 0x00 at offset 6; is this a binary file?"
    ]
    assert said(tmp_path, b"a: b\nc: \x07") == [
        ":2:4: found the control character U+0007, which YAML does not allow"
    ]


def test_large_files_are_not_read_to_the_end(tmp_path: Path) -> None:
    assert said(tmp_path, b"# " + b"x" * (10 * MIB)) == [
        ": larger than 1 MiB, the limit for one policy file; split it up"
    ]


def test_standard_input_has_the_same_limits() -> None:
    with pytest.raises(PolicyInvalid, match="larger than 1 MiB"):
        load(["-"], io.StringIO("#" * (2 * MIB)))
    binary = io.TextIOWrapper(io.BytesIO(b"a: \xff"), encoding="utf-8")
    with pytest.raises(PolicyInvalid, match="<stdin>:1:4: not UTF-8: byte 0xff at offset 3"):
        load(["-"], binary)
    with pytest.raises(PolicyInvalid, match="standard input is not available here"):
        load(["-"])


def test_alias_bombs_stop_at_a_limit() -> None:
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12)]
    bomb = "\n".join(["l0: &l0 [lol]", *levels])
    assert refused(bomb)[0] == (
        "6:40: l5[6]: more than 100,000 values in one file, aliases expanded"
    )


def test_aliases_cannot_nest_without_end() -> None:
    deep = "\n".join(["l0: &l0 x", *(f"l{i}: &l{i} [*l{i - 1}]" for i in range(1, 500))])
    assert "nested deeper than 32 levels" in refused(deep)[0]


@pytest.mark.parametrize(
    ("text", "column"), [("[" * 100_000, 33), ("{a: " * 100_000, 129), ("- " * 100_000, 65)]
)
def test_deep_nesting_stops_at_a_limit(text: str, column: int) -> None:
    assert refused(text) == [f"1:{column}: nested deeper than 32 levels"]


def test_anchors_and_aliases_themselves_are_welcome() -> None:
    window = "{start: '09:00', end: '17:00'}"
    text = POLICY + f"  changeWindows: [&w {window}, *w]\n"
    windows = loaded(text).policies[0].change_windows
    assert len(windows) == 2
    assert windows[0] == windows[1]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "a: *nowhere\n",
            ['1:4: a: the alias "*nowhere" names an anchor that is not there'],
        ),
        ("a: &a [*a]\n", ['1:8: a[0]: the alias "*a" contains itself']),
        (
            "a: !!python/object:os.system {}\n",
            [
                '1:4: a: the tag "!!python/object:os.system" is refused: '
                "policies are plain data; remove it"
            ],
        ),
        (
            "a: !secret x\n",
            ['1:4: a: the tag "!secret" is refused: policies are plain data; remove it'],
        ),
        (
            "b: &b {c: 1}\na:\n  <<: *b\n",
            [
                "3:3: a.<<: merge keys are not supported; "
                "put what policies share into a PolicyDefaults document"
            ],
        ),
        ("? [a, b]\n: c\n", ["1:3: a key must be plain text"]),
        (
            "%YAML 1.1\n---\na: b\n",
            ["2:1: the file declares YAML 1.1; policies are YAML 1.2; remove the %YAML line"],
        ),
    ],
)
def test_what_yaml_can_do_beyond_plain_data_is_refused(text: str, lines: list[str]) -> None:
    assert refused(text)[: len(lines)] == lines or set(lines) <= set(refused(text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "spec:\n\tmode: Off\n",
            "2:1: a tab stands where YAML wants spaces; indent with spaces",
        ),
        (
            "spec:\n  mode: Off\n slo: x\n",
            "3:2: this line does not fit the lines above it; "
            "check the indentation of this line and of the one above",
        ),
        (
            "a: b: c\n",
            "1:5: a colon is not expected here; check the indentation of this line and of the "
            'one above; text with ": " in it needs quotes',
        ),
        ("a: 'x\n", "1:4: the text that begins here has no closing quote"),
        ("a: [1, 2\n", "2:1: a comma or ] is missing"),
        ("a: [1,\n", "2:1: a [ or { is not closed"),
        ("a: {b: 1]\n", "1:9: a comma or } is missing"),
        ("a: @x\n", "1:4: a value cannot begin with @; put the value in quotes"),
        ("a: %x\n", "1:4: a value cannot begin with %; put the value in quotes"),
        (
            "a: b\nnonsense\nc: d\n",
            "3:1: the key before this has no colon; "
            "check the indentation of this line and of the one above",
        ),
    ],
)
def test_syntax_errors_are_told_in_plain_words(text: str, line: str) -> None:
    assert refused(text) == [line]


def test_documents_before_a_syntax_error_are_still_checked() -> None:
    assert refused(POLICY + "  mod: Off\n", "a: [\n") == [
        '7:3: spec.mod: unknown field; did you mean "mode"?',
        "10:1: a [ or { is not closed",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "---\n---\n", "null"])
def test_empty_files_hold_no_documents(text: str) -> None:
    assert loaded(text).policies == ()


def test_yaml_1_2_reads_words_as_words() -> None:
    labels = "{a: no, b: Off, c: 12:30:00, d: yes}"
    text = POLICY.replace("{name: ocr}", f"{{name: ocr, labels: {labels}}}", 1)
    assert loaded(text).policies[0].labels == {"a": "no", "b": "Off", "c": "12:30:00", "d": "yes"}


def test_half_a_character_is_refused_and_two_halves_are_one() -> None:
    text = POLICY.replace("{name: ocr}", '{name: ocr, labels: {a: "\\ud83d\\ude00"}}', 1)
    assert loaded(text).policies[0].labels == {"a": "\U0001f600"}
    assert refused(text.replace("\\ude00", "")) == [
        "3:35: metadata.labels.a: holds half of a character, written as one escape of a pair"
    ]


def test_labels_hold_no_control_characters() -> None:
    text = POLICY.replace("{name: ocr}", '{name: ocr, labels: {a: "\\x1b[31m", "": b}}', 1)
    assert refused(text) == [
        '3:35: metadata.labels.a: "\\u001b[31m" holds control characters',
        "3:51: metadata.labels.: a key has 1 to 128 printable characters",
    ]


def test_a_flood_of_problems_is_cut_short() -> None:
    text = POLICY + "".join(f"  unknown{i}: 1\n" for i in range(5000))
    said = refused(text)
    assert len(said) == MOST_PROBLEMS_PER_FILE + 1
    assert said[-1].endswith("more problems in this file")


def test_text_of_the_user_cannot_break_the_line() -> None:
    for line in refused(POLICY + '  "a\\nb\\e[31m": 1\n  mode: "x\\ny\\u202e"\n'):
        assert line.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "[" * MIB,
        "- a\n" * (MIB // 4),
        "? " * (MIB // 2),
        "a: '" + "x\n" * (MIB // 2 - 4),
        "".join(f"k{i}: v\n" for i in range(90_000)),
        "apiVersion: rightsizer.dev/v1alpha1\nkind: RightsizingPolicy\nspec: {"
        + "a: 1, " * 150_000
        + "}",
        POLICY + "  bounds: {memory: [" + "1, " * 90_000 + "]}\n",
        POLICY + "  " + "k" * (MIB // 2) + ": " + "v" * (MIB // 4),
        "---\n" * (MIB // 4),
    ],
    ids=["brackets", "items", "keys", "quote", "fields", "duplicates", "list", "long", "documents"],
)
def test_no_file_takes_long(text: str) -> None:
    started = time.process_time()
    outcome(text.encode()[:MIB])
    assert time.process_time() - started < 20


def outcome(content: bytes) -> PolicySet | PolicyInvalid:
    try:
        return load(["-"], io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    except PolicyInvalid as invalid:
        return invalid


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    outcome(content)


WORDS = st.sampled_from(
    [
        *"apiVersion kind metadata spec target slo name budget bounds memory".split(),  # noqa: SIM905
        *("rightsizer.dev/v1alpha1", "RightsizingPolicy", "PolicyDefaults", "FleetLimits"),
        *("lambda_function", "400ms", "1Gi", "120 USD", "5%", "Enforce", "eu-west-1", "threshold"),
        *(": ", ":\n  ", ":\n    ", "\n", "- ", "[", "]", "{", "}", ", ", "---\n", "&a ", "*a"),
        *("!!str ", "'", '"', "|\n ", ">\n ", "# ", "\t", "<<", "? ", "~", "%YAML 1.2\n", "\\"),
    ]
)


@given(st.lists(WORDS, max_size=60).map("".join))
def test_no_text_raises_anything_else(text: str) -> None:
    outcome(text.encode())


MUTATION = st.tuples(
    st.integers(0, len(POLICY)), st.integers(0, 6), st.text("{}[]:-'\" \n\tab1*&!%", max_size=4)
)


@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_no_damaged_policy_raises_anything_else(mutations: list[tuple[int, int, str]]) -> None:
    text = POLICY + "  bounds: {memory: [1Gi]}\n  changeWindows: [{start: '09:00', end: '10:00'}]\n"
    for start, length, inserted in mutations:
        text = text[:start] + inserted + text[start + length :]
    result = outcome(text.encode())
    if isinstance(result, PolicyInvalid):
        assert result.problems
        assert all(str(problem).isprintable() for problem in result.problems)


FULL = (
    POLICY
    + "  bounds: {memory: [1Gi]}\n  cadence: {interval: 5m}\n  budget: {perMonth: 5 USD}\n"
    + "  changeWindows: [{start: '09:00', end: '10:00', days: [Mon]}]\n"
)
VALUE = re.compile(r"(?<=: )[^,}\]\n]*")
ODD = st.sampled_from(
    [
        *("{}", "[]", "~", "''", "1", "-1", "1.5", "1e400", ".nan", ".inf", "0x1F", "0o7", "true"),
        *("'a b'", "[[[]]]", "{a: b}", "9" * 30, "1" * 5000, "'" + "x" * 300 + "'", "!!int 3"),
        *("&a x", "*a", '"\\0"', '"\\ud800"', '"\\n"', "2024-01-01", "12:30:45", "0_1", "="),
    ]
)


@given(st.data())
def test_no_value_in_any_place_raises_anything_else(data: st.DataObject) -> None:
    text = VALUE.sub(lambda m: data.draw(ODD) if data.draw(st.booleans()) else m.group(), FULL)
    result = outcome(text.encode())
    if isinstance(result, PolicyInvalid):
        assert all(str(problem).isprintable() for problem in result.problems)


def test_a_thousand_policies_load_in_a_few_seconds() -> None:
    text = "---\n".join(policy(f"p-{i}", f"name: f-{i}") for i in range(1000))
    started = time.process_time()
    assert len(loaded(text).policies) == 1000
    assert time.process_time() - started < 10
