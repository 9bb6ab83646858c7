"""Component packages written in Python, run through the language host."""

import json
import textwrap

import pytest

pytestmark = pytest.mark.integration

COMPONENT = """
    from typing import TypedDict
    import pulumi
    from pulumi.provider.experimental import component_provider_host


    class GreetingArgs(TypedDict):
        name: pulumi.Input[str]
        \"\"\"Whom to greet.\"\"\"


    class Greeting(pulumi.ComponentResource):
        text: pulumi.Output[str]

        def __init__(self, name: str, args: GreetingArgs, opts=None):
            super().__init__("greeter:index:Greeting", name, {}, opts)
            self.text = pulumi.Output.from_input(args["name"]).apply(lambda who: f"hello {who}")
            self.register_outputs({"text": self.text})


    if __name__ == "__main__":
        component_provider_host(name="greeter", components=[Greeting])
"""


def write_package(project, main: str):
    package = project.directory / "greeter"
    package.mkdir()
    (package / "PulumiPlugin.yaml").write_text("runtime: python\n")
    (package / "__main__.py").write_text(textwrap.dedent(main))
    return package


def test_a_component_package_gives_its_schema(project):
    package = write_package(project, COMPONENT)

    status, output = project.pulumi("package", "get-schema", str(package))

    assert status == 0, output
    schema = json.loads(output[output.index("{") :])
    assert schema["resources"]["greeter:index:Greeting"]["inputProperties"]["name"] == {
        "type": "string",
        "description": "Whom to greet.",
    }
    project.wait_for(lambda: project.processes() == [], seconds=10)


def test_a_component_is_constructed_from_a_package(project):
    package = write_package(project, COMPONENT)
    (project.directory / "Pulumi.yaml").write_text(
        "name: tiny\nruntime: python\nmain: program/\n"
        f"plugins:\n  providers:\n    - name: greeter\n      path: {package}\n"
    )
    (project.directory / "program" / "__main__.py").write_text(
        textwrap.dedent("""
            import pulumi

            class Greeting(pulumi.ComponentResource):
                text: pulumi.Output[str]

                def __init__(self, name, who):
                    inputs = {"name": who, "text": None}
                    super().__init__("greeter:index:Greeting", name, inputs, remote=True)

            pulumi.export("said", Greeting("greeting", "world").text)
        """)
    )

    status, output = project.pulumi("up", "--yes", "--skip-preview")

    assert status == 0, output
    assert 'said: "hello world"' in output
    assert project.processes() == []


def test_a_package_that_does_not_start_says_why(project):
    package = write_package(project, "raise ImportError('the reason')")

    status, output = project.pulumi("package", "get-schema", str(package))

    assert status != 0
    assert "the reason" in output
