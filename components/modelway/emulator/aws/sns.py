"""SNS, where moto differs from it in ways that an alarm's topic sees.

- A message to an http(s) subscriber is sent in the background, so that an unreachable subscriber
  fails nobody else's call. Only subscribers on this machine get it: a rehearsal must page nobody.
- A subscription by e-mail waits for its confirmation, for ever, since nobody gets the mail.
"""

import logging
import threading
from typing import Any
from urllib.parse import urlsplit

import requests

from modelway.emulator.services import Services

log = logging.getLogger(__name__)

PENDING = "PendingConfirmation"
"""What SNS lists instead of the ARN of a subscription that is not confirmed."""

_TO_BE_CONFIRMED = frozenset({"email", "email-json"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_DELIVERY_SECONDS = 15
"""https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html: 15 s to answer."""


def install(services: Services) -> None:
    """Extend moto's SNS."""
    _deliver_in_the_background(services)
    _leave_mail_unconfirmed()
    _show_what_is_pending()


def _deliver_in_the_background(services: Services) -> None:
    from moto.sns.models import Subscription

    original = Subscription.publish

    def publish(
        self: Any, message: str, message_id: str, subject: str | None = None, **options: Any
    ) -> None:
        if self.protocol not in {"http", "https"}:
            original(self, message, message_id, subject=subject, **options)
            return
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(options.get("message_attributes"), message):
            return
        if options.get("message_structure") == "json":
            message = self._parse_message_structure(message, self.protocol)
        if not services.replaying:
            _deliver(self.endpoint, self.get_post_data(message, message_id, subject))

    Subscription.publish = publish


def _leave_mail_unconfirmed() -> None:
    from moto.core.responses import ActionResult
    from moto.sns.models import SNSBackend
    from moto.sns.responses import SNSResponse

    original_backend = SNSBackend.subscribe
    original_response = SNSResponse.subscribe

    def backend_subscribe(self: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        subscription = original_backend(self, topic_arn, endpoint, protocol)
        if protocol in _TO_BE_CONFIRMED:
            subscription.attributes[PENDING] = True
            subscription.attributes["ConfirmationWasAuthenticated"] = False
        return subscription

    def subscribe(self: Any) -> Any:
        answer = original_response(self)
        wants_arn = str(self._get_param("ReturnSubscriptionArn", False)).lower() == "true"
        if self._get_param("Protocol") in _TO_BE_CONFIRMED and not wants_arn:
            return ActionResult({"SubscriptionArn": "pending confirmation"})
        return answer

    SNSBackend.subscribe = backend_subscribe
    SNSResponse.subscribe = subscribe


def _show_what_is_pending() -> None:
    from moto.sns.responses import SNSResponse

    original = SNSResponse.get_topic_attributes

    def get_topic_attributes(self: Any) -> Any:
        answer = original(self)
        attributes = answer.result["Attributes"]
        subscriptions = [
            each
            for each in self.backend.subscriptions.values()
            if each.topic.arn == attributes["TopicArn"]
        ]
        pending = sum(1 for each in subscriptions if _pending(each))
        attributes["SubscriptionsPending"] = pending
        attributes["SubscriptionsConfirmed"] = len(subscriptions) - pending
        return answer

    SNSResponse.get_topic_attributes = get_topic_attributes
    for name in ("list_subscriptions", "list_subscriptions_by_topic"):
        setattr(SNSResponse, name, _listing(getattr(SNSResponse, name)))


def _listing(original: Any) -> Any:
    def list_subscriptions(self: Any) -> Any:
        answer = original(self)
        answer.result["Subscriptions"] = [
            {
                "SubscriptionArn": PENDING if _pending(each) else each.arn,
                "Owner": each.owner,
                "Protocol": each.protocol,
                "Endpoint": each.endpoint,
                "TopicArn": each.topic_arn,
            }
            for each in answer.result["Subscriptions"]
        ]
        return answer

    return list_subscriptions


def _pending(subscription: Any) -> bool:
    return bool(subscription.attributes.get(PENDING))


def _deliver(endpoint: str, message: dict[str, Any]) -> None:
    if urlsplit(endpoint).hostname not in _LOOPBACK:
        log.info("a message to %s is not sent: it is not on this machine", endpoint)
        return

    def send() -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy, no netrc: this is loopback
                session.post(
                    endpoint,
                    json=message,
                    headers={
                        "Content-Type": "text/plain; charset=UTF-8",
                        "x-amz-sns-message-type": "Notification",
                    },
                    timeout=_DELIVERY_SECONDS,
                )
        except requests.RequestException as error:
            log.warning("a message to %s could not be delivered: %s", endpoint, error)

    threading.Thread(target=send, daemon=True).start()
