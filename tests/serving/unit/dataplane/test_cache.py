"""Remembered answers: bounded, and never another request's."""

from model_server.core.cache import AnswerCache


def key(cache, body, digest="sha256:1", media="application/json", formats=("json",)):
    return cache.key(digest, media, formats, body)


def test_an_answer_is_found_again_for_the_same_request():
    cache = AnswerCache(10_000)
    cache.put(key(cache, b"body"), (b"answer", b"application/json"))

    assert cache.get(key(cache, b"body")) == (b"answer", b"application/json")
    assert (cache.hits, cache.misses) == (1, 0)


def test_another_body_model_format_or_output_is_another_request():
    cache = AnswerCache(10_000)
    cache.put(key(cache, b"body"), (b"answer", b"application/json"))

    others = [
        key(cache, b"other"),
        key(cache, b"body", digest="sha256:2"),
        key(cache, b"body", media="text/csv"),
        key(cache, b"body", formats=("csv",)),
    ]

    assert [cache.get(other) for other in others] == [None] * 4
    assert cache.misses == 4


def test_the_least_recently_used_goes_when_memory_is_full():
    cache = AnswerCache(3_000)
    for number in range(10):
        cache.put(key(cache, b"%d" % number), (b"x" * 80, b""))
        cache.get(key(cache, b"0"))

    kept = [number for number in range(10) if cache.get(key(cache, b"%d" % number)) is not None]

    assert kept == list(range(10))
    cache.get(key(cache, b"0"))
    cache.put(key(cache, b"10"), (b"x" * 80, b""))
    assert cache.get(key(cache, b"1")) is None
    assert cache.get(key(cache, b"0")) is not None


def test_an_answer_that_would_take_over_a_tenth_is_not_kept():
    cache = AnswerCache(3_000)

    cache.put(key(cache, b"large"), (b"x" * 200, b""))

    assert cache.get(key(cache, b"large")) is None
