"""A report of charge densities in a terminal, and as JSON."""

from __future__ import annotations

from matsift.reports.densities import DensityReport
from matsift.reports.density_lines import density_lines
from matsift_flows.cli.tables import print_titled


def print_densities(report: DensityReport) -> None:
    """Print the headline numbers, and a table of learners a property."""
    print_titled(density_lines(report))


def report_json(report: DensityReport) -> dict[str, object]:
    """Return the metrics of every learner over all crystals, and on the elements left out, as plain values."""
    return {
        "scores": [
            {
                "property": compared.property_name,
                "learner": line.learner,
                "kind": report.kinds.get(line.learner),
                "n_crystal": line.n_row,
                **{name: line.averaged.get(name) for name in ("r2", "rmse", "mae")},
                "interval_coverage": compared.interval_coverages.get(line.learner),
            }
            for compared in report.properties
            for line in compared.standings
        ],
        "left_out": [
            {"property": compared.property_name, "learner": learner, "element": element, **score}
            for compared in report.properties
            for learner, own in compared.left_out.items()
            for element, score in own.scores().items()
        ],
    }
