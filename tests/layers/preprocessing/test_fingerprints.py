"""Hashes of integers against the numbers that TensorFlow 2.21 gives, below 2 ** 62."""

from __future__ import annotations

import numpy as np

from cnnfast.layers.preprocessing import fingerprints

BUCKETS = 2**62
INTEGERS = [
    0,
    1,
    -1,
    7,
    12,
    -345,
    6789,
    12345,
    -123456,
    1234567,
    16777215,
    -16777215,
    99,
    100,
    1000,
    54321,
]
# tf.strings.to_hash_bucket_fast of their digits
FARM = [
    1363911219970409023,
    80785766752259041,
    2722188246723688526,
    590358713228080280,
    3284000456603616080,
    176253109034155991,
    1454181833709024433,
    2715825699093921016,
    1553175276645230000,
    2791685920142820519,
    4518579242630130556,
    2344715378985906300,
    1128186851707534602,
    3663411691118165643,
    4585577066982069881,
    2911343411469249128,
]
# tf.strings.to_hash_bucket_strong of them, with the key (133, 137)
SIP = [
    3811194907141297369,
    1754971695320160518,
    1365799947328981874,
    4162288258081060670,
    3130367522322934313,
    2753031523940324759,
    819443281812581242,
    1644766953199143810,
    962662160601849526,
    4057864270701072910,
    3324123860426096071,
    458933973171714876,
    2362614272111109216,
    905047017466998642,
    710246821791233938,
    3530344416738261658,
]
# tf.sparse.cross_hashed of these integers, the same backwards, and these and 1
CROSSED = [
    2663067064126185842,
    389434263293549614,
    2559096765423345430,
    275800118320973354,
    3338108060012470966,
    295291341927335394,
    2649637124743611305,
    2442850919069684879,
    2322438918862657122,
    1607583534578136369,
    4202220285729314624,
    2135358522344061213,
    2373737990104527979,
    3441242295489556996,
    1488125526503828086,
    1722086888580809294,
]


def test_integers_have_the_hashes_that_tensorflow_gives_them() -> None:
    integers = np.array([INTEGERS, INTEGERS])
    for salt, expected in ((None, FARM), ([133, 137], SIP)):
        made = fingerprints.buckets(integers, BUCKETS, salt)
        np.testing.assert_array_equal(made, [expected, expected])
    rows = np.stack([integers[0], integers[0, ::-1], integers[0] + 1], -1)
    made = fingerprints.of_each(rows, lambda row: fingerprints.crossed(row) % BUCKETS)
    np.testing.assert_array_equal(made, CROSSED)
    assert fingerprints.buckets(integers[:0], 5, None).shape == (0, len(INTEGERS))
