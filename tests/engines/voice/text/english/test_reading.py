"""What is said for what is written in English, word by word."""

from __future__ import annotations

import pytest

from charafy.engines.voice.text.aligned import Aligned, Cell
from charafy.engines.voice.text.cleaning import clean
from charafy.engines.voice.text.english.reading import read

SAID = {
    # money
    "$5.20": "five dollars and twenty cents",
    "$1": "one dollar",
    "$0.50": "fifty cents",
    "$1.2M": "one point two million dollars",
    "$3-5 million": "three to five million dollars",
    "£3.50": "three pounds and fifty pence",
    "€10": "ten euros",
    "5€": "five euros",
    "¥500": "five hundred yen",
    "-$5": "minus five dollars",
    "US$20": "twenty dollars",
    "$5/month": "five dollars per month",
    "$1,234.56": "one thousand two hundred thirty four dollars and fifty six cents",
    # dates and times
    "3/14/2025": "March fourteenth twenty twenty five",
    "25/12/2024": "December twenty fifth twenty twenty four",
    "2025-03-14": "March fourteenth twenty twenty five",
    "March 14, 2025": "March fourteenth twenty twenty five",
    "14 March 2025": "the fourteenth of March twenty twenty five",
    "Mar. 14th": "March fourteenth",
    "3:30 PM": "three thirty P M",
    "15:45": "fifteen forty five",
    "3:00": "three o'clock",
    "3:05": "three oh five",
    "9 a.m. today": "nine ay M today",
    "9am-5pm": "nine ay M to five P M",
    "12:30-14:00": "twelve thirty to fourteen hundred hours",
    "the 1990s": "the nineteen nineties",
    "'80s": "eighties",
    "in 1998": "in nineteen ninety eight",
    "in 2005": "in two thousand five",
    # numbers
    "1,000,000": "one million",
    "007": "zero zero seven",
    "3.14159": "three point one four one five nine",
    ".5": "point five",
    "-3": "minus three",
    "COVID-19": "COVID nineteen",
    "21st": "twenty first",
    "100th": "one hundredth",
    "1/2 cup": "one half cup",
    "3/4": "three quarters",
    "2½": "two and a half",
    "24/7": "twenty four seven",
    "pages 10-20": "pages ten to twenty",
    "1990–1995": "nineteen ninety to nineteen ninety five",
    "+1 (555) 123-4567": "plus one , five five five , one two three , four five six seven",
    "555-1234": "five five five , one two three four",
    "v2.0": "version two point zero",
    "1.2.3": "one point two point three",
    "192.168.0.1": "one hundred ninety two dot one hundred sixty eight dot zero dot one",
    "16:9": "sixteen to nine",
    "2x4": "two by four",
    "No. 5": "number five",
    "#1": "number one",
    "Henry VIII": "Henry the eighth",
    "World War II": "World War two",
    "I am": "I am",
    "1" + "0" * 32: "one hundred nonillion",
    "9" * 50: " ".join(["nine"] * 50),
    # units
    "5 km": "five kilometers",
    "1 km": "one kilometer",
    "20°C": "twenty degrees Celsius",
    "-5°F": "minus five degrees Fahrenheit",
    "60 mph": "sixty miles per hour",
    "3GB": "three gigabytes",
    "80%": "eighty percent",
    "10-20%": "ten to twenty percent",
    "5 m²": "five square meters",
    "5'10\"": "five foot ten",
    "B2B": "B two B",
    # abbreviations
    "Dr. Brown": "doctor Brown",
    "Elm Dr. is": "Elm drive is",
    "St. Louis": "saint Louis",
    "Main St. is": "Main street is",
    "Mr. Lee vs. Ms. Kay": "mister Lee versus miz Kay",
    "e.g. this": "for example this",
    "i.e. that": "that is that",
    "pens, etc. here": "pens , et cetera here",
    "J. K. Rowling": "J K Rowling",
    "a Ph.D. student": "a P H D student",
    "~$20 (incl. tax)": "about twenty dollars ( including tax )",
    "1) wake up": "one , wake up",
    "Thanks :) bye ;-)": "Thanks bye",
    "Wi-Fi.": "wifi .",
    "w/ milk": "with milk",
    # the net
    "https://www.example.com/docs?x=1": "example dot com slash docs",
    "www.test.org": "test dot org",
    "foo@bar.com": "foo at bar dot com",
    "@user_name": "at user underscore name",
    "#HashTag": "hashtag Hash Tag",
    "zoom.us/j": "zoom dot U S slash J",
    "snake_case": "snake case",
    "(p. 15)": "( page fifteen )",
    "README.md": "README dot M D",
    # signs
    "x < 3": "x is less than three",
    "2+2=4": "two plus two equals four",
    "3 * 4": "three times four",
    "R&D": "R and D",
    "and/or": "and or",
    "C++": "C plus plus",
    "C#": "C sharp",
    "~5": "about five",
    "I <3 you": "I you",
    "5 - 3": "five minus three",
    # marks
    "Hello... world!!!": "Hello … world !",
    "What?!": "What ?",
    'He said "no".': "He said “ no ” .",
    "wait -- what": "wait — what",
    "well-known": "well known",
}


@pytest.mark.parametrize(("written", "said"), SAID.items())
def test_written_forms_are_said_in_words(written: str, said: str) -> None:
    assert _said(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    {
        "3/4/2025": "the third of April twenty twenty five",
        "5 km": "five kilometres",
        "14 March": "the fourteenth of March",
    }.items(),
)
def test_british_dates_and_units(written: str, said: str) -> None:
    assert _said(written, british=True) == said


def test_tokens_are_in_order_and_inside_the_text() -> None:
    text = "Dr. Lee paid $5.20 on 3/14/2025, at 3:30 PM; see a.b@c.com."
    at = 0
    for token in read(text, False):
        assert at <= token.start < token.end <= len(text)
        at = token.end


def _said(written: str, *, british: bool = False) -> str:
    text = Aligned.of(cell for cell in clean(written) if isinstance(cell, Cell)).text
    return " ".join(word for token in read(text, british) for word in token.words)
