"""The functions of the aws package."""

import json

import grpc
import pytest

DOCUMENT = "aws:iam/getPolicyDocument:getPolicyDocument"


def test_a_policy_document_is_written_as_the_official_provider_writes_it(engine):
    result = engine.invoke(
        DOCUMENT,
        {
            "statements": [
                {
                    "sid": "Read",
                    "actions": ["s3:GetObject", "s3:ListBucket"],
                    "resources": ["arn:aws:s3:::b/&{aws:username}"],
                    "conditions": [
                        {"test": "Bool", "variable": "aws:SecureTransport", "values": ["true"]},
                        {"test": "StringLike", "variable": "s3:prefix", "values": ["b", "a"]},
                    ],
                },
                {
                    "effect": "Deny",
                    "principals": [{"type": "AWS", "identifiers": ["1", "2"]}],
                    "notActions": ["iam:*"],
                    "resources": ["*"],
                },
                {"principals": [{"type": "*", "identifiers": ["*"]}], "actions": ["a:b"]},
            ]
        },
    )

    assert (
        result["json"]
        == """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": [
        "s3:ListBucket",
        "s3:GetObject"
      ],
      "Resource": "arn:aws:s3:::b/${aws:username}",
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "true"
        },
        "StringLike": {
          "s3:prefix": [
            "b",
            "a"
          ]
        }
      }
    },
    {
      "Effect": "Deny",
      "NotAction": "iam:*",
      "Resource": "*",
      "Principal": {
        "AWS": [
          "2",
          "1"
        ]
      }
    },
    {
      "Effect": "Allow",
      "Action": "a:b",
      "Principal": "*"
    }
  ]
}"""
    )
    assert json.loads(result["minifiedJson"]) == json.loads(result["json"])
    assert " " not in result["minifiedJson"]


def test_an_overriding_document_replaces_the_statement_of_the_same_sid(engine):
    override = '{"Statement": {"Sid": "One", "Effect": "Deny", "Action": "a:c", "Resource": "*"}}'

    result = engine.invoke(
        DOCUMENT,
        {
            "statements": [{"sid": "One", "actions": ["a:b"], "resources": ["*"]}],
            "overridePolicyDocuments": [override],
        },
    )

    assert json.loads(result["json"])["Statement"] == [
        {"Sid": "One", "Effect": "Deny", "Action": "a:c", "Resource": "*"}
    ]


def test_a_sid_that_is_used_twice_is_refused(engine):
    statement = {"sid": "One", "actions": ["a:b"], "resources": ["*"]}

    with pytest.raises(grpc.RpcError) as caught:
        engine.invoke(DOCUMENT, {"statements": [statement, statement]})

    assert "duplicate Sid (One)" in caught.value.details()


def test_region_and_partition_follow_the_configuration(engine):
    engine.configure(region="eu-central-1")

    region = engine.invoke("aws:index/getRegion:getRegion", {})
    partition = engine.invoke("aws:index/getPartition:getPartition", {})

    assert region == {
        "region": "eu-central-1",
        "name": "eu-central-1",
        "description": "Europe (Frankfurt)",
        "endpoint": "ec2.eu-central-1.amazonaws.com",
        "id": "eu-central-1",
    }
    assert partition == {
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
        "id": "aws",
    }


def test_an_unknown_function_is_named_with_what_there_is(engine):
    with pytest.raises(grpc.RpcError) as caught:
        engine.invoke("aws:ec2/getVpc:getVpc", {})

    assert "aws:ec2/getVpc:getVpc" in caught.value.details()
    assert "aws:index/getRegion:getRegion" in caught.value.details()
