"""The tables, one module an aggregate."""

from matsift_schema.base import Base
from matsift_schema.tables.acquisitions import Acquisition, AcquisitionEvent, OracleResult
from matsift_schema.tables.bond_valence import BondValenceRelaxation, BondValenceVariant
from matsift_schema.tables.campaigns import Campaign, CampaignPlan, CampaignRound, CampaignStop, CandidateScore
from matsift_schema.tables.catalogue import Element, Source, SourceEntry, SourceSnapshot, Structure
from matsift_schema.tables.datasets import DatasetRow, DatasetSnapshot
from matsift_schema.tables.descriptors import Descriptor, DescriptorSet
from matsift_schema.tables.diffraction import (
    DiffractionProfile,
    HeldOutSpaceGroup,
    MeasuredPattern,
    PatternIdentification,
    PatternPhase,
    PatternSpaceGroup,
    StructureType,
)
from matsift_schema.tables.fields import VolumetricField
from matsift_schema.tables.generation import (
    CompositionPrediction,
    GeneratedComposition,
    GeneratedStructure,
    Generation,
    GeneratorVersion,
    Suggestion,
)
from matsift_schema.tables.groups import GroupingRule, StructureGroup, StructureGroupMember
from matsift_schema.tables.labels import Label, LabelVerdict, Property
from matsift_schema.tables.models import (
    Evaluation,
    FeatureImportance,
    HeldOutPrediction,
    ModelDescriptorSet,
    ModelVersion,
)
from matsift_schema.tables.objective_rankings import ObjectiveRanking, RankingObjective, RankingPlace, RankingValue
from matsift_schema.tables.predictions import Prediction
from matsift_schema.tables.provenance import Failure, Run
from matsift_schema.tables.ranking import Candidate
from matsift_schema.tables.reports import StudyReport
from matsift_schema.tables.screening import Screen, ScreenOutcome

metadata = Base.metadata

__all__ = [
    "Acquisition",
    "AcquisitionEvent",
    "Base",
    "BondValenceRelaxation",
    "BondValenceVariant",
    "Campaign",
    "CampaignPlan",
    "CampaignRound",
    "CampaignStop",
    "Candidate",
    "CandidateScore",
    "CompositionPrediction",
    "DatasetRow",
    "DatasetSnapshot",
    "Descriptor",
    "DescriptorSet",
    "DiffractionProfile",
    "Element",
    "Evaluation",
    "Failure",
    "FeatureImportance",
    "GeneratedComposition",
    "GeneratedStructure",
    "Generation",
    "GeneratorVersion",
    "GroupingRule",
    "HeldOutPrediction",
    "HeldOutSpaceGroup",
    "Label",
    "LabelVerdict",
    "MeasuredPattern",
    "ModelDescriptorSet",
    "ModelVersion",
    "ObjectiveRanking",
    "OracleResult",
    "PatternIdentification",
    "PatternPhase",
    "PatternSpaceGroup",
    "Prediction",
    "Property",
    "RankingObjective",
    "RankingPlace",
    "RankingValue",
    "Run",
    "Screen",
    "ScreenOutcome",
    "Source",
    "SourceEntry",
    "SourceSnapshot",
    "Structure",
    "StructureGroup",
    "StructureGroupMember",
    "StructureType",
    "StudyReport",
    "Suggestion",
    "VolumetricField",
    "metadata",
]
