"""What the report says of the uncertainties of campaigns: round by round, on test rows and on what was acquired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy.orm import Session

from matsift.learners.calibration import ConformalCalibration
from matsift.learners.reliability import Foretold, reliability
from matsift.reports.calibration import ArmCalibration, RoundCalibration
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.campaigns import Campaign
from matsift_schema.store.campaigns import RoundRow, load_rounds
from matsift_schema.store.foretold import load_acquired
from matsift_schema.store.models import load_held_out, load_model


def calibrations(session: Session, study: Study, campaigns: Sequence[Campaign]) -> tuple[ArmCalibration, ...]:
    """Return the rounds of every campaign that began."""
    found = (_arm(session, study, campaign) for campaign in campaigns)
    return tuple(arm for arm in found if arm.rounds)


def _arm(session: Session, study: Study, campaign: Campaign) -> ArmCalibration:
    rounds = load_rounds(session, campaign.id)
    calibrated = {
        row.number: ConformalCalibration.from_json(load_model(session, row.model_version_id).calibration)
        for row in rounds
    }
    acquired = _acquired(session, study, campaign, calibrated)
    everything = list(acquired.values())
    return ArmCalibration(
        campaign=study.name,
        property_name=campaign.property_name,
        unit=property_definition(campaign.property_name).unit,
        arm=campaign.strategy.name,
        coverage=study.learner.coverage,
        rounds=tuple(_round(session, row, calibrated[row.number], acquired.get(row.number)) for row in rounds),
        acquired=reliability(Foretold.joined(everything)) if everything else None,
    )


def _acquired(
    session: Session, study: Study, campaign: Campaign, calibrated: Mapping[int, ConformalCalibration]
) -> dict[int, Foretold]:
    """Return round -> what it acquired, for rounds that acquired anything."""
    said = load_acquired(session, campaign.id, rule_set=rule_set_hash(study.labels.rules))
    found = {}
    for number in np.unique(said.round_numbers).tolist():
        own = said.round_numbers == number
        found[number] = Foretold.of(
            said.truth[own], said.mean[own], said.spread[own], said.lower[own], said.upper[own], calibrated[number]
        )
    return found


def _round(
    session: Session, row: RoundRow, calibration: ConformalCalibration, acquired: Foretold | None
) -> RoundCalibration:
    held = load_held_out(session, row.model_version_id)
    tested = Foretold.of(held.truth, held.mean, held.spread, held.lower, held.upper, calibration)
    return RoundCalibration(
        round_number=row.number,
        held_out=reliability(tested) if len(tested) else None,
        acquired=None if acquired is None else reliability(acquired),
        width=float((held.upper - held.lower).mean()) if len(held) else None,
    )
