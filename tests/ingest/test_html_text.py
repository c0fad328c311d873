"""Pages to words: blocks apart, what is not shown left out, and headings where they stand."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.ingest.html_text import extract_html
from sensorium.ingest.html_tokens import EndTag, StartTag, read_tokens


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One<p>Two", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("a <b>bold</b>\n  word<i>ly</i>", "a bold wordly"),
        ("<ul><li>a<li>b</ul>c", "a\nb\n\nc"),
        ("<table><tr><td>1<td>2<tr><td>3</table>", "1\t2\n3"),
        ("<pre>  a\n   b</pre>", "  a\n   b"),
        ("<pre><code>a  b</code></pre>", "a  b"),
        ("x<script>var a = '<p>no</p>';</script>y<style>p{}</style>", "xy"),
        ("x<noscript>no</noscript><template><p>no</template><svg><text>no</text></svg>", "x"),
        ("<p hidden>no<p>yes", "yes"),
        ("<div hidden><div>no</div>no</div>yes", "yes"),
        ("<div style='color:red; DISPLAY : none'>no</div>yes", "yes"),
        ("<div aria-hidden=true>no</div>yes<p hidden='until-found'>yes", "yes\n\nyes"),
        ("<img alt='a tabby' src=x>yes<img hidden alt=no>", "a tabby yes"),
        ("&lt;b&gt; &amp; caf&eacute; &#x1F600; &nosuch;", "<b> & café \U0001f600 &nosuch;"),
        ("<!-- no --><!doctype html><?php no ?>yes<![CDATA[no]]>", "yes"),
        ("a < b and c > d", "a < b and c > d"),
        ("</p></nosuch>yes", "yes"),
        ("<head><title>no</title><meta charset=utf-8>\n<p>yes", "yes"),
        ("yes<a href='no", "yes"),
        ("yes<!-- no", "yes"),
        ("yes<script>no", "yes"),
        ("", ""),
    ],
)
def test_words_of_a_page(page: str, text: str) -> None:
    assert extract_html(page).text == text


def test_title_and_headings() -> None:
    page = extract_html("<title> My\n page &amp; I</title><p>Intro<h1>First <b>one</b></h1><p>x<h2>Second</h2>y")
    assert page.title == "My page & I"
    assert [(page.text[offset:].split("\n")[0], level, words) for offset, level, words in page.headings] == [
        ("First one", 1, "First one"),
        ("Second", 2, "Second"),
    ]


def test_tags_with_their_attributes() -> None:
    tokens = list(read_tokens("<A HREF='x>y' Data-a=1/2 b c = \"&lt;\" href=z>t</A ignored>"))
    assert tokens == [StartTag("a", {"href": "x>y", "data-a": "1/2", "b": "", "c": "<"}), "t", EndTag("a")]


@pytest.mark.parametrize(
    "unit", ["<!", "<a ", "<!--", "<", "&", "</", "<p>", "<a href='", "<![CDATA[", "<?", "<title>", "<a b", "<a/"]
)
def test_time_grows_with_the_length_alone(unit: str) -> None:
    page = unit * 50_000
    begin = time.process_time()
    extract_html(page)
    extract_html(page + ">")
    assert time.process_time() - begin < 20  # quadratic time would be minutes


@given(st.text(st.sampled_from("<>/!-='\" pdivh1ax&;lt\n"), max_size=80))
def test_any_text_is_a_page(page: str) -> None:
    text = extract_html(page).text
    assert text == text.strip(" \n\t")
    assert not text.startswith("<!--")
