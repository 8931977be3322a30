"""Names of copies, and what is to be done about one."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.shadows import ShadowStep, is_shadow, next_step, shadow_id
from controller.model.endpoint import EndpointKey, Kind
from controller.model.policy import Scope
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import LambdaSize

KEY = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr")
SHADOW = Shadow(
    id="rightsizer-probe-ocr-1",
    key=KEY,
    scope=Scope("eu-west-1"),
    size=LambdaSize(512),
    phase=ShadowPhase.CREATING,
    created_at_s=0.0,
    expires_at_s=100.0,
)


@given(st.text(min_size=1, max_size=80), st.floats(0, 4e9), st.integers(128, 10_240))
def test_any_endpoint_gives_a_name_that_sagemaker_and_lambda_take(
    name: str, at_s: float, memory_mb: int
) -> None:
    key = replace(KEY, name=name)
    made = shadow_id(key, LambdaSize(memory_mb), at_s)
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", made)
    assert is_shadow(made)
    assert made == shadow_id(key, LambdaSize(memory_mb), at_s)
    assert made != shadow_id(key, LambdaSize(memory_mb), at_s + 1.0)
    assert made != shadow_id(key, LambdaSize(memory_mb + 1), at_s)


@pytest.mark.parametrize("phase", ShadowPhase)
@pytest.mark.parametrize("in_use", [True, False])
@pytest.mark.parametrize("orphaned", [True, False])
@pytest.mark.parametrize("now_s", [50.0, 100.0])
def test_every_row_has_an_answer(
    phase: ShadowPhase, in_use: bool, orphaned: bool, now_s: float
) -> None:
    step = next_step(replace(SHADOW, phase=phase), now_s, in_use=in_use, orphaned=orphaned)
    if phase is ShadowPhase.REMOVING:
        assert step is ShadowStep.REMOVE
    elif now_s >= SHADOW.expires_at_s or (orphaned and not in_use):
        assert step is ShadowStep.CONDEMN
    elif in_use and phase is ShadowPhase.CREATING:
        assert step is ShadowStep.MAKE
    else:
        assert step is ShadowStep.KEEP, "somebody else works with it"
