"""Our Markdown becomes safe HTML, and runs of code become tabs."""

from __future__ import annotations

import pytest

from charafy.reference.markdown import Code, Prose, blocks, highlight, inline
from charafy.reference.page import breakable

TEXT = """First.

```bash
curl x
```

```python
print(1)
```

Second.

```json
{}
```

| a | b |
|---|--:|
| 1 | 2 |

## A heading
"""


def test_neighbouring_code_is_one_block_in_several_languages() -> None:
    found = [
        tuple(sample.label for sample in block.samples) if isinstance(block, Code) else "prose"
        for block in blocks(TEXT, "guide")
    ]
    assert found == ["prose", ("curl", "Python"), "prose", ("JSON",), "prose", "prose"]


def test_a_table_is_a_block_of_its_own_and_numbers_align_without_inline_styles() -> None:
    tables = [b for b in blocks(TEXT, "guide") if isinstance(b, Prose) and b.wide]

    assert len(tables) == 1
    assert '<td class="num">2</td>' in tables[0].html
    assert "style" not in tables[0].html


def test_headings_have_anchors_under_their_guide() -> None:
    last = blocks(TEXT, "guide")[-1]
    assert isinstance(last, Prose)
    assert '<h2 id="guide-a-heading">' in last.html


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '<img src=x onerror="alert(1)">'])
def test_html_in_a_description_is_shown_and_not_run(text: str) -> None:
    assert "<script" not in inline(text)
    assert "<img" not in inline(text)
    found = blocks(text, "guide")[0]
    assert isinstance(found, Prose)
    assert "<script" not in found.html
    assert "<img" not in found.html


@pytest.mark.parametrize("language", ["bash", "python", "javascript", "json", "http", "text"])
def test_highlighted_code_is_escaped_and_keeps_its_text(language: str) -> None:
    code = 'a <b> & "c"\n\n  d'
    html = highlight(code, language)

    assert "<b>" not in html
    assert html.striptags().split() == code.split()


def test_long_names_break_after_separators_only() -> None:
    assert breakable("a_b/{c}.d") == "a_<wbr>b/<wbr>{c}.<wbr>d"
    assert breakable("<b>") == "&lt;b&gt;"
