"""A headless browser on the page of an emulator with a real model, or of one that is made up.

The browser is Debian's `chromium` with its `chromium-driver` (or Chrome, where that is there); it
can reach nothing but this machine. What a page asked for, and what it complained of, is read back
from the browser's own logs.
"""

import io
import json
import shutil
import tarfile
import threading
import time
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from modelway.emulator.clock import Clock
from modelway.emulator.cloudwatch import MetricStore
from modelway.emulator.listener import Listener, loopback_socket
from modelway.emulator.page.route import Page
from modelway.emulator.process import start
from modelway.emulator.services import Services, Settings
from modelway.testing import PROXY_THAT_REFUSES

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 30
TIME_SCALE = 40.0
"""AWS's two minutes of provisioning last three seconds: the page must be seen to wait for them."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": "sha256:" + "0" * 64,
        "size": 2,
    },
    "layers": [],
}


class Browser:
    """One tab of the browser."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, url):
        self.driver.get(url)
        return self

    def script(self, source, *arguments):
        return self.driver.execute_script(source, *arguments)

    def text(self, selector):
        """Give the text of all elements that a selector finds, as the DOM has it."""
        return self.script(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent).join('|')",
            selector,
        )

    def wait(self, source, *arguments, seconds=PATIENCE_SECONDS):
        """Wait until an expression is true in the page; give its value."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = self.script(f"return {source}", *arguments)
            if value:
                return value
            time.sleep(0.1)
        seen = self.script("return document.body.innerText")
        pytest.fail(f"not true within {seconds} s: {source}\nthe page says:\n{seen}")

    def wait_for(self, selector, text):
        """Wait until an element that a selector finds has a text in it."""
        return self.wait(
            "[...document.querySelectorAll(arguments[0])].some(e => e.textContent"
            ".includes(arguments[1]))",
            selector,
            text,
        )

    def narrow(self, width, height=900):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def prefer(self, **features):
        """Set media features: `prefer(prefers_color_scheme="dark")`."""
        named = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})

    def complaints(self):
        """Give what the page wrote on its console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked(self):
        """Give the addresses of all requests since the last call."""
        messages = (
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        )
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


@pytest.fixture(scope="session")
def chromium():
    """The paths of a browser and its driver."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no headless browser: install Debian's chromium and chromium-driver")
    return browser, driver


@pytest.fixture(scope="session")
def driver(chromium, tmp_path_factory):
    path, driver_path = chromium
    options = webdriver.ChromeOptions()
    options.binary_location = path
    for argument in (
        "--headless=new",
        "--no-sandbox",  # tests may run as root, and open no page but the emulator's
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-sync",
        "--no-first-run",
        f"--proxy-server={PROXY_THAT_REFUSES}",
        "--proxy-bypass-list=127.0.0.1;localhost",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
        "--window-size=1280,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With the driver's path selenium looks for none, and downloads none.
    made = webdriver.Chrome(options=options, service=Service(driver_path))
    yield made
    made.quit()


@pytest.fixture
def browser(driver):
    """The browser as it was started: a new tab, and nothing in its logs."""
    before = driver.current_window_handle
    driver.switch_to.new_window("tab")
    fresh = Browser(driver)
    fresh.complaints()
    fresh.asked()
    yield fresh
    for handle in driver.window_handles:
        if handle != before:
            driver.switch_to.window(handle)
            driver.close()
    driver.switch_to.window(before)


@pytest.fixture
def running(tmp_path):
    """Starts emulators on one state folder, one after the other."""
    started = []

    def launch(**options):
        made = start(
            port=started[0].port if started else 0,
            time_scale=TIME_SCALE,
            state=tmp_path / "emulator",
            **options,
        )
        started.append(made)
        return made

    yield launch
    for emulator in started:
        emulator.stop()


@pytest.fixture
def deploy(client_of):
    """Makes a bucket, a role, a model and an endpoint on an emulator; gives the endpoint's name."""

    def endpoint(emulator, name="digits", config="digits-1"):
        bucket, key = "page-models", f"{config}/model.tar.gz"
        s3 = client_of(emulator, "s3")
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=_archive())
        role = client_of(emulator, "iam").create_role(
            RoleName="page", AssumeRolePolicyDocument=json.dumps(TRUST)
        )["Role"]["Arn"]
        ecr = client_of(emulator, "ecr")
        uri = ecr.create_repository(repositoryName="serving")["repository"]["repositoryUri"]
        put = ecr.put_image(
            repositoryName="serving", imageManifest=json.dumps(MANIFEST), imageTag="one"
        )
        image = f"{uri}@{put['image']['imageId']['imageDigest']}"
        sagemaker = client_of(emulator, "sagemaker")
        sagemaker.create_model(
            ModelName=config,
            ExecutionRoleArn=role,
            PrimaryContainer={"Image": image, "ModelDataUrl": f"s3://{bucket}/{key}"},
        )
        sagemaker.create_endpoint_config(
            EndpointConfigName=config,
            ProductionVariants=[
                {
                    "VariantName": "primary",
                    "ModelName": config,
                    "InitialVariantWeight": 1.0,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                }
            ],
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return name

    return endpoint


def _archive():
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "sum",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1])],
        [helper.make_tensor("w", TensorProto.FLOAT, [3, 1], np.ones(3))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    content = model.SerializeToString()
    onnx.checker.check_model(model)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.onnx")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


OLD, NEW = "fraud-0123456789ab", "fraud-fedcba987654"


def _replica(config, number, state="healthy", restarts=0, last_exit_status=None):
    return {
        "variant": "primary",
        "config": config,
        "instance_id": f"i-{number:017x}",
        "state": state,
        "pid": 4000 + number,
        "port": 40000 + number,
        "restarts": restarts,
        "last_exit_status": last_exit_status,
    }


class Stage:
    """An emulator's page over parts that a test sets as it likes: a rollout in its bake."""

    def __init__(self, tmp_path):
        clock = Clock(60.0)
        listening = loopback_socket(0)
        port = listening.getsockname()[1]
        self.services = Services(Settings(port=port, state_dir=tmp_path), clock)
        self.metrics = MetricStore(clock)
        self.url = f"http://127.0.0.1:{port}/_modelway/"
        self.endpoint = {
            "name": "fraud",
            "account": "123456789012",
            "region": "us-east-1",
            "status": "Updating",
            "config": OLD,
            "failure_reason": None,
            "variants": [
                {"name": "primary", "weight": 1.0, "instances": 2, "desired_instances": 2}
            ],
            "replicas": [
                _replica(OLD, 1),
                _replica(OLD, 2),
                _replica(NEW, 3),
                _replica(NEW, 4, "unhealthy", 3, 139),
            ],
            "log_group": "/aws/sagemaker/Endpoints/fraud",
            "last_failure_log": ["ValueError: cannot load model.onnx"],
            "traffic": {OLD: 0.9, NEW: 0.1},
            "rollout": {"stage": "baking", "config": NEW, "until": clock.now() + 60_000},
        }
        self.endpoints = [self.endpoint]
        self.services.hosting = SimpleNamespace(status=lambda: self.endpoints)
        begin = clock.now() // 60 * 60
        for minute in range(-30, 0):
            self.measure(OLD, begin + minute * 60, 9, 12.0)
            self.measure(NEW, begin + minute * 60, 1, 30.0, failed=1)
        self.happened("update-started", f"an update to {NEW} has begun")
        page = Page(self.services, self.metrics, lambda: ("restored in part",))
        self._listener = Listener(listening, page)
        threading.Thread(target=self._listener.serve, daemon=True).start()

    def happened(self, kind, text):
        self.services.events.add("fraud", kind, text)

    def measure(self, config, at, count, latency_ms, failed=0):
        dimensions = {
            "EndpointName": "fraud",
            "VariantName": "primary",
            "EndpointConfigName": config,
        }
        for number in range(count):
            for name, value in (
                ("Invocations", 1.0),
                ("Invocation4XXErrors", 0.0),
                ("Invocation5XXErrors", float(number < failed)),
                ("ModelLatency", latency_ms * 1000),
            ):
                self.metrics.record("AWS/SageMaker", name, dimensions, value, "None", at)

    def close(self):
        self._listener.shutdown()
        self._listener.server_close()


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path)
    yield made
    made.close()
