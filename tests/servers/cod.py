"""COD's REST search and its CIFs, as far as matsift asks for them; the shape is that of a recorded answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.factories.cod_cifs import cod_cif
from tests.servers.faulty import Request, Response

#: The keys of a recorded answer that matsift does not read; COD gives null for what it does not know.
_UNREAD_KEYS = (
    "a siga b sigb c sigc alpha sigalpha beta sigbeta gamma siggamma vol sigvol celltemp sigcelltemp diffrtemp"
    " sigdiffrtemp cellpressure sigcellpressure diffrpressure sigdiffrpressure thermalhist pressurehist compoundsource"
    " nel sg sgHall sgNumber commonname chemname mineral calcformula cellformula Z Zprime acce_code authors title"
    " journal year volume issue firstpage lastpage doi method radiation wavelength radType radSymbol Rall Robs Rref"
    " wRall wRobs wRref RFsqd RI gofall gofobs gofgt gofref duplicateof optimal status flags onhold"
).split()


@dataclass
class CodService:
    """A few entries of COD: number -> CIF and revision; `route` answers requests below ``/cod``."""

    cifs: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    formulae: dict[str, str] = field(default_factory=dict)

    def put(self, number: str, a: float = 5.64, *, revision: int = 291735, formula: str = "Cl Na", **more: Any) -> None:
        """Add an entry or put a new revision of it in its place."""
        self.cifs[number] = cod_cif(number, a, revision=revision, formula=formula, **more)
        self.revisions[number], self.formulae[number] = revision, formula

    def remove(self, number: str) -> None:
        """Take an entry out of the database."""
        for kept in (self.cifs, self.revisions, self.formulae):
            kept.pop(number, None)

    def route(self, request: Request) -> Response:
        """Answer a request."""
        if request.path == "/cod/result":
            return self._result(request)
        match = re.fullmatch(r"/cod/(\d+)\.cif", request.path)
        if match is None or match[1] not in self.cifs:
            return Response(404, {"Content-Type": "text/html"}, b"<h1>Not Found</h1>")
        return Response(200, {"Content-Type": "chemical/x-cif"}, self.cifs[match[1]].encode())

    def row(self, number: str) -> dict[str, Any]:
        """Return what a search says of an entry."""
        known = {
            "file": number,
            "formula": f"- {self.formulae[number]} -",
            "svnrevision": str(self.revisions[number]),
            "date": "2024-05-06",
            "time": "10:39:41",
        }
        return dict.fromkeys(_UNREAD_KEYS) | known

    def _result(self, request: Request) -> Response:
        found = [number for number in sorted(self.formulae) if self._matches(number, request)]
        answers: dict[str, Callable[[], bytes]] = {
            "json": lambda: json.dumps([self.row(number) for number in found]).encode(),
            "count": lambda: str(len(found)).encode(),
        }
        return Response(200, {"Content-Type": "text/plain"}, answers[request.query["format"]]())

    def _matches(self, number: str, request: Request) -> bool:
        query = request.query
        formula = self.formulae[number]
        elements = {re.sub(r"[\d.]", "", part) for part in formula.split()}
        wanted = {value for key, value in query.items() if re.fullmatch(r"el\d", key)}
        unwanted = {value for key, value in query.items() if re.fullmatch(r"nel\d", key)}
        return (
            wanted <= elements
            and not unwanted & elements
            and query.get("formula", formula) == formula
            and number in query.get("id", number).split(",")
            and int(query.get("strictmin", 0)) <= len(elements) <= int(query.get("strictmax", 99))
        )


def salts(numbers: Sequence[str]) -> CodService:
    """Return a service with a rock salt a COD number, each larger than the one before."""
    made = CodService()
    for i, number in enumerate(numbers):
        made.put(number, 5.6 + i / 10, revision=1000 + i)
    return made
