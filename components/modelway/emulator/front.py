"""The emulator's front door: a WSGI application that sends each request where it belongs.

- `/_modelway/...` goes to the control routes;
- `/v2/...` without a signature goes to the registry, where Docker's clients talk;
- an invocation of an endpoint goes to the hosting, beside everything else, so that predictions
  never wait for the control plane;
- the rest is AWS's API: guarded, run in moto one request at a time, and written to the journal
  when it changed something.

The front changes no answer of moto's; what moto does wrong is put right in `modelway.emulator.aws`.
"""

import io
import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from email.utils import formatdate
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from moto.core.request import EnvironHeaders
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from modelway.emulator.aws_request import AwsRequest, read_request
from modelway.emulator.guard import Answer, Guard, crashed, error_answer, not_implemented
from modelway.emulator.journal import Entry, Journal
from modelway.emulator.listener import Application, Environ
from modelway.emulator.moto_world import MotoWorld
from modelway.emulator.registry.api import is_for_registry
from modelway.emulator.services import Services

log = logging.getLogger(__name__)

CONTROL_PREFIX = "/_modelway/"
_INVOCATION = re.compile(r"^/endpoints/(?P<name>[^/]+)/invocations$")
_CREDENTIAL_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_SEED_BITS = 62


class Front:
    """Answers every request of one emulator.

    Args:
        services: the emulator's parts.
        world: what moto takes for time and chance.
        journal: where changes are written.
        guard: knows what is implemented.
        control: the application behind `/_modelway/`.
        prepare: called with moto's package name before its first request, to extend it.
        refuse: gives the error that a call is to be answered with instead of being made, or None;
            takes the call, its Content-Type and its Authorization.
    """

    def __init__(
        self,
        services: Services,
        world: MotoWorld,
        journal: Journal,
        guard: Guard,
        control: Application,
        prepare: Callable[[str], None],
        refuse: Callable[[AwsRequest, str, str], Answer | None],
    ) -> None:
        self._services = services
        self._world = world
        self._journal = journal
        self._guard = guard
        self._control = control
        self._prepare = prepare
        self._refuse = refuse
        self._dispatcher = DomainDispatcherApplication(create_backend_app)
        self._applications: dict[str, Any] = {}
        # moto lists its own folder each time it is asked whose host this is.
        self._backend_of_host = cache(self._dispatcher.get_backend_for_host)
        self.registry: Application | None = None
        """The application of ECR's registry; set before the first request."""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        if environ["PATH_INFO"].startswith(CONTROL_PREFIX):
            return self._control(environ, start_response)
        if self.registry is not None and is_for_registry(environ):
            return self.registry(environ, start_response)
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        invocation = _INVOCATION.match(environ["PATH_INFO"])
        if invocation and environ["REQUEST_METHOD"] == "POST":
            answer = self._invoke(environ, invocation["name"], body)
        elif environ["PATH_INFO"].startswith("/moto-api"):
            answer = Answer(404, {}, b"moto's own API is not served; see /_modelway/status")
        else:
            answer = self._call(environ, body)
        headers = [
            (name, value) for name, value in answer.headers.items() if name.lower() != "status"
        ]
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(answer.body))))
        # Clients that ask AWS for the time take it from here, and it must fit what answers say.
        headers.append(("Date", formatdate(self._services.clock.now(), usegmt=True)))
        reason = HTTPStatus(answer.status).phrase
        start_response(f"{answer.status} {reason}", headers)
        return [answer.body]

    def replay(self, entry: Entry) -> int:
        """Make a request of the journal again, exactly as it was; gives the HTTP status."""
        environ = self._environ(entry)
        application, request = self._route(environ, entry.body)
        if request is None:
            return HTTPStatus.NOT_IMPLEMENTED
        with self._services.lock, self._world.exact(entry.seed, entry.at):
            return self._run(application, request, environ).status

    def _environ(self, entry: Entry) -> Environ:
        path, _, query = entry.url.partition("?")
        host = dict(entry.headers).get("Host", "127.0.0.1").partition(":")[0]
        environ = {
            "REQUEST_METHOD": entry.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": _decoded(path),
            "QUERY_STRING": query,
            "RAW_URI": entry.url,
            "REQUEST_URI": entry.url,
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": str(self._services.settings.port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(entry.body),
            "wsgi.errors": io.StringIO(),
            "CONTENT_LENGTH": str(len(entry.body)),
        }
        for name, value in entry.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        environ["HTTP_HOST"] = f"{host}:{self._services.settings.port}"
        return environ

    def call(self, account: str, region: str, target: str, members: Mapping[str, Any]) -> Answer:
        """Make a call of a JSON API as a user does; it is refused and journalled as one of theirs.

        Args:
            account: whose call it is.
            region: where it is made.
            target: service and operation, as `X-Amz-Target` names them.
            members: of the request.
        """
        scope = f"modelway/20260101/{region}/ecr/aws4_request"
        sent = {
            "Host": "127.0.0.1",
            "x-moto-account-id": account,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host",
        }
        body = json.dumps(members).encode()
        return self._call(self._environ(Entry(0.0, 0, "POST", "/", sent, body)), body)

    def store(
        self, account: str, bucket: str, key: str, body: bytes, headers: Mapping[str, str]
    ) -> int:
        """Put an object as a service of AWS does on a user's behalf; gives the HTTP status.

        It goes the way of a user's request and into the journal, so that it outlives a restart.
        """
        at, seed = self._services.clock.now(), secrets.randbits(_SEED_BITS)
        sent = {"Host": "127.0.0.1", "x-moto-account-id": account, **headers}
        entry = Entry(at, seed, "PUT", f"/{quote(bucket)}/{quote(key)}", sent, body)
        with self._services.lock:
            status = self.replay(entry)
            if status < HTTPStatus.BAD_REQUEST:
                self._journal.append(entry)
        return status

    def _invoke(self, environ: Environ, endpoint_name: str, body: bytes) -> Answer:
        call = AwsRequest(
            backend="sagemakerruntime",
            service="sagemaker-runtime",
            operation="InvokeEndpoint",
            by_name=False,
            method="POST",
            path=environ["PATH_INFO"],
        )
        refused = self._refused(call, environ)
        if refused is not None:
            return refused
        status, headers, answer = self._services.hosting.invoke(
            _region(environ), endpoint_name, body, dict(EnvironHeaders(environ))
        )
        return Answer(status, headers, answer)

    def _call(self, environ: Environ, body: bytes) -> Answer:
        application, request = self._route(environ, body)
        content_type = environ.get("CONTENT_TYPE", "")
        if request is None:
            return self._unknown_service(environ)
        refused = self._refused(request, environ)
        if refused is not None:
            return refused
        if not self._guard.implements(request, application):
            log.warning("501 %s", request.title)
            return not_implemented(request, content_type)
        if request.waits:
            return self._run(application, request, environ)
        with self._services.lock:
            if not request.mutating:
                return self._run(application, request, environ)
            at, seed = self._services.clock.now(), secrets.randbits(_SEED_BITS)
            headers = dict(EnvironHeaders(environ))
            with self._world.exact(seed, at):
                answer = self._run(application, request, environ)
            if answer.status < HTTPStatus.BAD_REQUEST:
                url = environ["RAW_URI"]
                self._journal.append(Entry(at, seed, request.method, url, headers, body))
            return answer

    def _refused(self, request: AwsRequest, environ: Environ) -> Answer | None:
        return self._refuse(
            request, environ.get("CONTENT_TYPE", ""), environ.get("HTTP_AUTHORIZATION", "")
        )

    def _route(self, environ: Environ, body: bytes) -> tuple[Any, AwsRequest | None]:
        try:
            backend = self._backend(environ)
        except (KeyError, ValueError, IndexError):
            return None, None
        if backend is None:
            return None, None
        self._prepare(backend)  # may import for a second, so not under the lock
        with self._services.lock:
            application = self._applications.get(backend)
            if application is None:
                application = self._applications[backend] = create_backend_app(backend)
        return application, read_request(environ, backend, body)

    def _backend(self, environ: Environ) -> Any:
        host = self._dispatcher.infer_service_region_host(environ, environ["PATH_INFO"])
        return self._backend_of_host(host or "s3.us-east-1.amazonaws.com")

    def _run(self, application: Any, request: AwsRequest, environ: Environ) -> Answer:
        content_type = environ.get("CONTENT_TYPE", "")
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            started[:] = [int(status.split(" ", maxsplit=1)[0]), dict(headers)]

        # A request that waits is given up by its client, not by the lock's other users.
        with self._services.lock if not request.waits else nullcontext():
            try:
                chunks = application(environ, start_response)
                try:
                    return Answer(started[0], started[1], b"".join(chunks))
                finally:
                    chunks.close()
            except NotImplementedError:
                log.warning("501 %s", request.title, exc_info=True)
                return not_implemented(request, content_type)
            except Exception as error:
                log.exception("500 %s", request.title)
                return crashed(request, content_type, error)

    def _unknown_service(self, environ: Environ) -> Answer:
        scope = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        service = scope["service"] if scope else environ.get("HTTP_HOST", "")
        target: str = environ.get("HTTP_X_AMZ_TARGET", "")
        request = AwsRequest(
            backend="",
            service=service,
            operation=target.rpartition(".")[2] or None,
            by_name=bool(target),
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
        )
        return error_answer(
            request,
            environ.get("CONTENT_TYPE", ""),
            501,
            "NotImplemented",
            f"the emulator has no service {service!r} (asked for {request.title})",
        )


def _region(environ: Environ) -> str:
    scope = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return scope["region"] if scope else "us-east-1"


def _decoded(path: str) -> str:
    return unquote_to_bytes(path).decode("latin-1")
