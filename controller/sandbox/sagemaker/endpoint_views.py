"""Endpoints as DescribeEndpoint and ListEndpoints show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.sandbox.sagemaker.plain_api import when
from controller.sandbox.sagemaker_state import CREATING, Endpoint, SageMakerPlace, Variant


def summary(endpoint: Endpoint) -> dict[str, Any]:
    """One row of ListEndpoints."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": when(endpoint.created_s),
        "LastModifiedTime": when(endpoint.modified_s),
        "EndpointStatus": endpoint.status,
    }


def describe(place: SageMakerPlace, endpoint: Endpoint) -> dict[str, Any]:
    """DescribeEndpoint: variants only once something serves; what is pending apart."""
    view = {**summary(endpoint), "EndpointConfigName": endpoint.config_name}
    if endpoint.status != CREATING:
        view["ProductionVariants"] = _variants(place, endpoint.variants.values())
        if endpoint.shadows:
            view["ShadowProductionVariants"] = _variants(place, endpoint.shadows.values())
    if endpoint.failure_reason is not None:
        view["FailureReason"] = endpoint.failure_reason
    if endpoint.last_deployment is not None:
        view["LastDeploymentConfig"] = endpoint.last_deployment
    if endpoint.pending is not None:
        view["PendingDeploymentSummary"] = _pending(place, endpoint.pending)
    members = endpoint.config.members
    for name in ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig"):
        if members.get(name) is not None:
            view[name] = members[name]
    if (capture := members.get("DataCaptureConfig")) is not None:
        view["DataCaptureConfig"] = {
            "EnableCapture": capture.get("EnableCapture", True),
            "CaptureStatus": "Started",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return view


def _variants(place: SageMakerPlace, variants: Iterable[Variant]) -> list[dict[str, Any]]:
    return [_variant(place, one) for one in variants]


def _variant(place: SageMakerPlace, variant: Variant) -> dict[str, Any]:
    view: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": _images(place, variant),
        "CurrentWeight": variant.current_weight,
        "DesiredWeight": variant.desired_weight,
    }
    if variant.instance_type is not None:
        view |= {
            "CurrentInstanceCount": variant.current_instance_count,
            "DesiredInstanceCount": variant.desired_instance_count,
        }
    if variant.current_serverless is not None:
        view["CurrentServerlessConfig"] = variant.current_serverless.view()
    if variant.desired_serverless is not None:
        view["DesiredServerlessConfig"] = variant.desired_serverless.view()
    for name in ("ManagedInstanceScaling", "RoutingConfig"):
        if name in variant.config.members:
            view[name] = variant.config.members[name]
    if pools := variant.config.members.get("InstancePools"):
        view["InstancePools"] = [
            {
                "InstanceType": pool["InstanceType"],
                # All instances are of the first choice: the sandbox launches no other.
                "CurrentInstanceCount": variant.current_instance_count
                if pool["InstanceType"] == variant.instance_type
                else 0,
            }
            for pool in pools
        ]
    return view


def _pending(place: SageMakerPlace, pending: Mapping[str, Any]) -> dict[str, Any]:
    status, since_s = pending["status"]
    variants = []
    for variant in pending["variants"].values():
        view = _variant(place, variant)
        view["VariantStatus"] = [{"Status": status, "StartTime": when(since_s)}]
        if variant.instance_type is not None:
            view["InstanceType"] = variant.instance_type
        variants.append(view)
    return {
        "EndpointConfigName": pending["EndpointConfigName"],
        "ProductionVariants": variants,
        "StartTime": when(pending["StartTime"]),
    }


def _images(place: SageMakerPlace, variant: Variant) -> list[dict[str, Any]]:
    model = place.models.get(variant.config.model_name or "", {})
    containers = [model["PrimaryContainer"]] if "PrimaryContainer" in model else []
    return [
        {"SpecifiedImage": one["Image"], "ResolvedImage": f"{one['Image']}@sha256:0"}
        for one in (*containers, *model.get("Containers", ()))
        if "Image" in one
    ]
