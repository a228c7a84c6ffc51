"""The parts pages are made of."""

from __future__ import annotations

from tests.web.conftest import Render


def part(render: Render, call: str, **context: object) -> str:
    names = "field, notice, code_block, portrait, credits"
    return render(f'{{% from "components.html" import {names} with context %}}{call}', **context)


def test_a_field_ties_its_label_hint_and_error_to_the_input(render: Render) -> None:
    html = part(render, '{{ field("email", "Email", type="email", hint="h", error="e") }}')
    assert '<label for="email">' in html
    assert 'aria-describedby="email-hint email-wrong" aria-invalid="true"' in html
    assert 'id="email-hint"' in html and 'id="email-wrong"' in html


def test_a_field_without_error_is_not_marked_wrong(render: Render) -> None:
    html = part(render, '{{ field("email", "Email") }}')
    assert "aria-invalid" not in html and "aria-describedby" not in html


def test_a_field_passes_further_attributes_on_and_escapes_the_value(render: Render) -> None:
    html = part(render, '{{ field("q", "Q", value=v, autocomplete="email") }}', v='"><script>')
    assert 'autocomplete="email"' in html
    assert "<script>" not in html


def test_a_password_is_never_written_back(render: Render) -> None:
    assert "hunter2" not in part(render, '{{ field("p", "P", type="password", value="hunter2") }}')


def test_a_long_text_gets_room_and_keeps_its_value(render: Render) -> None:
    html = part(render, '{{ field("bio", "Bio", type="textarea", value="one <two>", rows=6) }}')
    assert '<textarea id="bio" name="bio" required rows="6">one &lt;two&gt;</textarea>' in html


def test_a_bad_notice_interrupts_and_the_others_wait(render: Render) -> None:
    assert 'role="alert"' in part(render, '{{ notice("no", "bad") }}')
    assert 'role="status"' in part(render, '{{ notice("yes", "good") }}')


def test_a_notice_carries_more_content_from_a_call_block(render: Render) -> None:
    html = part(render, '{% call notice("", "warn", "Prices") %}<b>8</b>{% endcall %}')
    assert '<p class="title">Prices</p>' in html and "<b>8</b>" in html


def test_code_is_shown_as_written_and_copied_only_with_a_script(render: Render) -> None:
    html = part(render, '{{ code_block(c, "sh") }}', c="\ncurl '<url>' \\\n  -d x\n")
    assert "curl &#39;&lt;url&gt;&#39; \\\n  -d x</code>" in html
    assert '<button class="copy" type="button" hidden' in html


def test_a_portrait_says_its_line_in_its_own_language(render: Render) -> None:
    html = part(render, '{{ portrait("/h.webp", "Hana", says="やあ", says_lang="ja") }}')
    assert 'alt="Hana"' in html and '<figcaption class="says" lang="ja">やあ</figcaption>' in html


def test_an_amount_shows_credits_and_dollars(render: Render) -> None:
    html = part(render, "{{ credits(123456) }} {{ credits(1) }}")
    assert "123,456 credits" in html and "($1,234.56)" in html
    assert "1 credit <" in html and "($0.01)" in html
