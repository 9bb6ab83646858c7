import gc
import re
from html.parser import HTMLParser

import orjson
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from model_server.core.errors import UnknownModel
from model_server.rest.documentation import documentation_routes
from model_server.rest.http import Route
from model_server.settings import Settings


class Repository:
    def __init__(self, *models):
        self.held = list(models)

    def models(self):
        return list(self.held)

    def get(self, name=None, version=None):
        for model in self.held:
            if name in (None, model.name):
                return model
        raise UnknownModel(f"there is no model {name!r}")


PING = Route("GET", "/ping", None, None, "Whether the model can answer.")


@pytest.fixture
def repository(people):
    return Repository(people)


@pytest.fixture
def routes(repository):
    return documentation_routes(repository, Settings(), [PING], ("api-key",))


def test_the_document_and_schemas_need_a_scope_and_the_page_does_not(routes):
    assert [(route.method, route.path, route.scope) for route in routes] == [
        ("GET", "/openapi.json", "metadata"),
        ("GET", "/schema/{model}", "metadata"),
        ("GET", "/docs", None),
        ("GET", "/docs/page.css", None),
        ("GET", "/docs/page.js", None),
    ]


def test_the_document_is_served(routes, ask):
    answer = ask(routes, "/openapi.json")

    document = orjson.loads(answer.body)
    assert answer.status == 200
    assert answer.media_type == b"application/vnd.oai.openapi+json;version=3.1"
    assert list(document["paths"]) == ["/ping", "/openapi.json", "/schema/people", "/docs"]
    OPENAPI_31_VALIDATOR.validate(document)


def test_the_document_is_made_again_when_a_model_comes_or_goes(routes, ask, repository, model_of):
    first = ask(routes, "/openapi.json").body

    assert ask(routes, "/openapi.json").body is first
    repository.held.append(model_of("x float32 batch,1", name="other"))
    assert b"other.request" in ask(routes, "/openapi.json").body
    repository.held.pop()
    assert ask(routes, "/openapi.json").body == first


def test_the_document_keeps_no_model_in_memory(ask, model_of):
    import weakref

    repository = Repository(model_of("x float32 batch,1"))
    routes = documentation_routes(repository, Settings())
    ask(routes, "/openapi.json")
    model = weakref.ref(repository.held.pop())

    gc.collect()

    assert model() is None


def test_a_models_schema_is_a_document_of_its_own(routes, ask):
    answer = ask(routes, "/schema/{model}", model="people")

    schema = orjson.loads(answer.body)
    assert answer.media_type == b"application/schema+json"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "people"
    assert set(schema["$defs"]) == {"input0", "input0.row", "record"}


def test_an_unknown_model_has_no_schema(routes, ask):
    with pytest.raises(UnknownModel):
        ask(routes, "/schema/{model}", model="other")


PAGE = [
    ("/docs", b"text/html; charset=utf-8"),
    ("/docs/page.css", b"text/css; charset=utf-8"),
    ("/docs/page.js", b"text/javascript; charset=utf-8"),
]


@pytest.mark.parametrize(("path", "media_type"), PAGE)
def test_the_page_comes_from_the_package_under_a_strict_policy(routes, ask, path, media_type):
    answer = ask(routes, path)

    headers = dict(answer.headers)
    assert answer.status == 200
    assert answer.media_type == media_type
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'; script-src 'self';")
    assert b"unsafe" not in headers[b"content-security-policy"]
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"http://" not in answer.body
    assert b"https://" not in answer.body


def test_the_page_has_no_script_or_style_inside_and_a_label_for_every_field(routes, ask):
    class Page(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags = []

        def handle_starttag(self, tag, attrs):
            self.tags.append((tag, dict(attrs)))

    page = Page()
    page.feed(ask(routes, "/docs").body.decode())

    labels = {given["for"] for tag, given in page.tags if tag == "label"}
    assert {given["id"] for tag, given in page.tags if tag == "input"} == labels
    assert [given for tag, given in page.tags if tag == "script"] == [
        {"type": "module", "src": "docs/page.js"}
    ]
    assert not any(tag == "style" or "style" in given for tag, given in page.tags)
    assert not any(name.startswith("on") for _, given in page.tags for name in given)


def test_the_page_writes_what_it_is_given_as_text_only_and_keeps_no_key(routes, ask):
    script = ask(routes, "/docs/page.js").body.decode()

    wrong = r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Storage|cookie|\.style"
    assert not re.search(wrong, script)
