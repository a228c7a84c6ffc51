"""Words with several readings take the one that their neighbours call for."""

from __future__ import annotations

import pytest

from charafy.engines.voice.text.aligned import Aligned
from charafy.engines.voice.text.japanese.normalise import normalise
from charafy.engines.voice.text.japanese.speech import JapaneseSpeech


@pytest.fixture(scope="module")
def speech() -> JapaneseSpeech:
    return JapaneseSpeech()


READINGS = {
    "その方がいいですね": "ソノホーガイイデスネ",
    "あの方はどなたですか": "アノカタワドナタデスカ",
    "人気のある店です": "ニンキノアルミセデス",
    "人気のない夜道": "ヒトケノナイヨミチ",
    "風が強いです": "カゼガツヨイデス",
    "昔風の家": "ムカシフーノイエ",
    "空が青い": "ソラガアオイ",
    "空の箱": "カラノハコ",
    "席が空く": "セキガアク",
    "表に出る": "オモテニデル",
    "表を作る": "ヒョーヲツクル",
    "金を払う": "カネヲハラウ",
    "金のメダル": "キンノメダル",
    "上手に話す": "ジョーズニハナス",
    "山の上に行く": "ヤマノウエニイク",
    "床に座る": "ユカニスワル",
    "床につく": "トコニツク",
    "彼は生で食べる": "カレワナマデタベル",
    "時が来る": "トキガクル",
    "友達が来た": "トモダチガキタ",
    "その間に食べる": "ソノアイダニタベル",
    "角を曲がる": "カドヲマガル",
    "鹿の角": "シカノツノ",
    "頭が痛い": "アタマガイタイ",
    "水を飲む": "ミズヲノム",
    "弾を撃つ": "タマヲウツ",
    "ギターを弾く": "ギターヲヒク",
    "包丁で切る": "ホーチョーデキル",
    "紙に包む": "カミニツツム",
    "電車を降りる": "デンシャヲオリル",
    "雨が降る": "アメガフル",
    "行った": "イッタ",
    "式を行った": "シキヲオコナッタ",
    "辛いカレー": "カライカレー",
    "辛い思い出": "ツライオモイデ",
    "家に帰る": "イエニカエル",
    "王の家の人": "オーノイエノヒト",
    "今日はいい天気": "キョーワイイテンキ",
    "今日的な問題": "コンニチテキナモンダイ",
    "大人が三人": "オトナガサンニン",
    "市場で魚を買う": "イチバデサカナヲカウ",
    "株式市場": "カブシキシジョー",
    "十分に休む": "ジューブンニヤスム",
    "十分間待つ": "ジュップンカンマツ",
    "一日に三回": "イチニチニサンカイ",
    "何を買いますか": "ナニヲカイマスカ",
    "何人いますか": "ナンニンイマスカ",
    "下手な絵": "ヘタナエ",
    "店を開く": "ミセヲヒラク",
    "店が開いている": "ミセガアイテイル",
    "中に入る": "ナカニハイル",
    "一日中寝る": "イチニチジューネル",
    "体が温まる": "カラダガアタタマル",
    "工夫する": "クフースル",
    "最中を食べる": "モナカヲタベル",
    "食事の最中": "ショクジノサイチュー",
    "目の前に": "メノマエニ",
    "手前の店": "テマエノミセ",
    "色々な色": "イロイロナイロ",
    "主な理由": "オモナリユー",
    "直ちに直す": "タダチニナオス",
    "止める": "トメル",
    "怒られた": "オコラレタ",
    "高いビルの上": "タカイビルノウエ",
}


@pytest.mark.parametrize(("written", "reading"), READINGS.items())
def test_the_neighbours_decide(speech: JapaneseSpeech, written: str, reading: str) -> None:
    plain = Aligned(written, tuple(range(len(written))), tuple(range(1, len(written) + 1)))
    said = speech.say(normalise(plain).text)
    assert "".join(word.reading for word in said) == reading


def test_a_particle_does_not_start_a_word(speech: JapaneseSpeech) -> None:
    said = [word.reading for word in speech.say("深呼吸をして")]
    assert said[:2] == ["シンコキュー", "ヲ"]
